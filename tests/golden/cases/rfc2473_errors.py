"""RFC 2473 §8: ICMPv6 errors from inside of the tunnel, and what they teach about its MTU (§6.7)."""

from corpus import from_ipv4, from_ipv6
from tunnels import B, N, NO_SOFTWIRE4, ROUTER, cuts4, cuts6, hear, outer, section, tell, to_customer

case, wrap, unwrap, drop4, drop6 = section("rfc2473", "tunnel.yaml")

LIMIT = "raw(bytes.fromhex('04 00 04 01 04 01 01 00'))/"
LIMIT_0 = "raw(bytes.fromhex('04 00 04 01 00 01 01 00'))/"
SMALL = to_customer()


def udp(size, extra=""):
    return to_customer(f"UDP(sport=1232,dport=53)/data({size - 28})", extra)


def relayed(name, note, error, icmp, inner=SMALL, config="tunnel.yaml", source="T4", **changes):
    """An error about the packet with `inner` in it, and what its sender hears."""
    return case(name, note, from_ipv6(tell(error, outer(inner, **changes)), "to-ipv4", hear(icmp, inner, source)),
                config=config)


def too_big(mtu):
    return f"ICMPv6PacketTooBig(mtu={mtu})"


def fragmentation_needed(mtu):
    return f"ICMP(type=3,code=4,nexthopmtu={mtu})"


def about_part(packet, size, error="ICMPv6DestUnreach(code=0)", **changes):
    """An error that quotes only the first octets of the tunnel packet."""
    return f"IPv6(src='{ROUTER}',dst='{N}')/{error}/cut({outer(packet, **changes)},{size})"


DF1500 = udp(1460, ",flags='DF'")
DF1400 = udp(1361, ",flags='DF'")
FRAGMENTS = cuts6(outer(udp(1461)), 1448, 1461)
LIMITED = cuts6(outer(udp(1461), options=LIMIT, extra=",nh=60"), 1448, 1469, nh=60)
SPENT = cuts6(outer(udp(1461), options=LIMIT_0, extra=",nh=60"), 1448, 1469, nh=60)
ABOUT_ERROR = to_customer(f"ICMP(type=3,code=3)/({to_customer(src=repr('192.0.2.80'), dst='203.0.113.7')})")

CASES = [
    *(relayed(f"8.3-unreachable-code-{code}", "host unreachable.", f"ICMPv6DestUnreach(code={code})", NO_SOFTWIRE4)
      for code in range(7)),
    *(relayed(f"8.3-time-exceeded-code-{code}", "host unreachable: the tunnel is to blame, not the sender's TTL.",
              f"ICMPv6TimeExceeded(code={code})", NO_SOFTWIRE4) for code in (0, 1)),
    relayed("8.3-unreachable-about-tcp", "the quote is the original packet.", "ICMPv6DestUnreach(code=0)", NO_SOFTWIRE4,
            to_customer("TCP(sport=40000,dport=80,flags='PA',seq=1,ack=2)/data(40)")),
    relayed("8.3-unreachable-about-an-echo-request", "a query is no error.", "ICMPv6DestUnreach(code=0)", NO_SOFTWIRE4,
            to_customer("ICMP(type=8,id=1,seq=2)/data(20)")),
    relayed("8.3-unreachable-about-gre", "a protocol without ports.", "ICMPv6DestUnreach(code=0)", NO_SOFTWIRE4,
            to_customer("data(20)", ",proto=47")),
    relayed("8.3-unreachable-about-a-packet-with-options", "the quote has the whole header.",
            "ICMPv6DestUnreach(code=0)", NO_SOFTWIRE4, to_customer(extra=",options=[IPOption_Router_Alert()]")),
    relayed("8.3-unreachable-about-a-large-packet", "RFC 1812 §4.3.2.3: 576 octets at most.",
            "ICMPv6DestUnreach(code=0)", NO_SOFTWIRE4, udp(1200)),
    relayed("8.3-unreachable-behind-an-encapsulation-limit", "all tunnel headers are taken off the quote.",
            "ICMPv6DestUnreach(code=0)", NO_SOFTWIRE4, config="tunnel-limit.yaml", options=LIMIT, extra=",nh=60"),
    relayed("8.3-source-is-our-address", "an IPv4 address of the entry point.", "ICMPv6DestUnreach(code=0)",
            NO_SOFTWIRE4, config="tunnel-address.yaml", source="'198.51.100.9'"),
    relayed("8.3-unreachable-about-a-first-fragment", "the sender's fragment, with as much as it has.",
            "ICMPv6DestUnreach(code=0)", NO_SOFTWIRE4, cuts4(SMALL, 16, 28)[0]),
    case("8.3-unreachable-about-the-first-fragment-of-the-tunnel", "the quote begins behind the Fragment Header.",
         from_ipv6(tell("ICMPv6DestUnreach(code=0)", FRAGMENTS[0]), "to-ipv4", hear(NO_SOFTWIRE4, udp(1461)))),
    case("8.3-unreachable-about-the-first-fragment-with-an-encapsulation-limit",
         "the limit stands behind the Fragment Header.",
         from_ipv6(tell("ICMPv6DestUnreach(code=0)", LIMITED[0]), "to-ipv4", hear(NO_SOFTWIRE4, udp(1461))),
         config="tunnel-limit.yaml"),
    case("8.3-limit-exceeded-behind-a-fragment-header", "a Parameter Problem that points at our limit.",
         from_ipv6(tell("ICMPv6ParamProblem(code=0,ptr=52)", SPENT[0]), "to-ipv4", hear(NO_SOFTWIRE4, udp(1461))),
         config="tunnel-limit-0.yaml"),
    drop6("8.3-unreachable-about-a-later-fragment-with-an-encapsulation-limit", "as without one.",
          tell("ICMPv6DestUnreach(code=0)", LIMITED[1]), "inner-packet-truncated", config="tunnel-limit.yaml"),
    *(drop6(f"8.3-quote-cut-in-the-options-behind-a-fragment-header-{size}", "the tunnel's headers are cut.",
            f"IPv6(src='{ROUTER}',dst='{N}')/ICMPv6DestUnreach(code=0)/cut({LIMITED[0]},{size})",
            "inner-packet-truncated", config="tunnel-limit.yaml") for size in (48, 55, 56)),
    case("6.7-too-big-about-the-first-fragment-with-an-encapsulation-limit", "not relayed, but learned from.",
         from_ipv6(tell(too_big(1400), LIMITED[0]), "drop tunnel-error-not-relayed"),
         from_ipv4(udp(1353, ",flags='DF'"), "reply packet-too-big",
                   hear(fragmentation_needed(1352), udp(1353, ",flags='DF'"))), config="tunnel-limit.yaml"),
    drop6("8.3-unreachable-about-a-later-fragment-of-the-tunnel", "there is no header to tell whose packet it was.",
          tell("ICMPv6DestUnreach(code=0)", FRAGMENTS[1]), "inner-packet-truncated"),
    drop6("8.3-unreachable-about-a-later-fragment", "RFC 1812 §4.3.2.7: no error about one.",
          tell("ICMPv6DestUnreach(code=0)", outer(cuts4(SMALL, 16, 28)[1])), "tunnel-error-not-relayed"),
    relayed("8.3-encapsulation-limit-exceeded", "a Parameter Problem that points at our limit.",
            "ICMPv6ParamProblem(code=0,ptr=44)", NO_SOFTWIRE4, config="tunnel-limit-0.yaml",
            options=LIMIT_0, extra=",nh=60"),
    drop6("8.1-other-parameter-problem", "nothing that the sender could have to do with.",
          tell("ICMPv6ParamProblem(code=0,ptr=7)", outer(SMALL)), "tunnel-error-not-relayed"),
    drop6("8.1-pointer-at-the-inner-packet", "a pointer to where the limit would be, without a limit.",
          tell("ICMPv6ParamProblem(code=0,ptr=44)", outer(SMALL)), "tunnel-error-not-relayed"),
    drop6("8.1-pointer-beside-the-limit", "the option's type is no value.",
          tell("ICMPv6ParamProblem(code=0,ptr=42)", outer(SMALL, options=LIMIT, extra=",nh=60")),
          "tunnel-error-not-relayed", config="tunnel-limit.yaml"),
    drop6("8.1-unrecognized-next-header", "the other end is no tunnel: nothing that the sender could change.",
          tell("ICMPv6ParamProblem(code=1,ptr=6)", outer(SMALL)), "tunnel-error-not-relayed"),
    drop6("8.1-redirect", "an ICMPv6 type that is not about tunnels.",
          tell("ICMPv6Unknown(type=100,code=0,msgbody=bytes(4))", outer(SMALL)), "icmp-type-not-translatable"),

    relayed("8.3-too-big-with-df", "the MTU less the tunnel's header.", too_big(1400), fragmentation_needed(1360), DF1500),
    relayed("8.3-too-big-with-an-encapsulation-limit", "the MTU less the tunnel's headers.", too_big(1400),
            fragmentation_needed(1352), udp(1452, ",flags='DF'"), config="tunnel-limit.yaml", options=LIMIT,
            extra=",nh=60"),
    relayed("8.3-too-big-of-1280", "the least MTU.", too_big(1280), fragmentation_needed(1240), DF1500),
    relayed("8.3-too-big-of-less", "RFC 8200 §5: no link has less than 1280.", too_big(600), fragmentation_needed(1240),
            DF1500),
    drop6("8.3-too-big-without-df", "the sender has nothing to do.", tell(too_big(1400), outer(udp(1460))),
          "tunnel-error-not-relayed"),

    drop6("8-error-about-a-packet-of-somebody-else", "the quoted packet did not begin here.",
          tell("ICMPv6DestUnreach(code=0)", outer(SMALL, src="2001:db8:ffff::2")), "tunnel-error-not-relayed"),
    drop6("8-error-about-a-packet-to-somebody-else", "the quoted packet did not go to the customer's end.",
          tell("ICMPv6DestUnreach(code=0)", outer(SMALL, dst="2001:db8:b4::3")), "tunnel-error-not-relayed"),
    drop6("8-error-about-an-inner-packet-to-somebody-else", "192.0.2.96 is nobody's.",
          tell("ICMPv6DestUnreach(code=0)", outer(to_customer(dst="192.0.2.96"))), "tunnel-error-not-relayed"),
    drop6("8-error-about-a-packet-without-ipv4", "no tunnel packet.",
          tell("ICMPv6DestUnreach(code=0)", f"IPv6(src='{N}',dst='{B}')/UDP(sport=1,dport=2)/data(20)"),
          "tunnel-error-not-relayed"),
    drop6("8-error-about-our-echo-reply", "no tunnel packet.",
          tell("ICMPv6DestUnreach(code=0)", f"IPv6(src='{N}',dst='{ROUTER}')/ICMPv6EchoReply(id=1,seq=2)"),
          "tunnel-error-not-relayed"),
    drop6("8-error-about-an-inner-multicast-source", "nobody to tell.",
          tell("ICMPv6DestUnreach(code=0)", outer(to_customer(src="'224.0.0.1'"))), "tunnel-error-not-relayed"),
    drop6("8-error-about-an-inner-icmp-error", "RFC 1812 §4.3.2.7: no error about an error.",
          tell("ICMPv6DestUnreach(code=0)", outer(ABOUT_ERROR)), "inner-packet-is-icmp-error"),
    drop6("8-error-with-a-wrong-checksum", "RFC 4443 §2.3.",
          f"wrong({tell('ICMPv6DestUnreach(code=0)', outer(SMALL))},5)", "icmp-checksum"),
    drop6("8-error-to-somebody-else", "not for this end.",
          tell("ICMPv6DestUnreach(code=0)", outer(SMALL), to="2001:db8:ffff::2"), "destination-not-ours"),
    case("8.3-quote-of-eight-octets", "RFC 792: the header and 64 bits are enough.",
         from_ipv6(about_part(SMALL, 68), "to-ipv4", hear(NO_SOFTWIRE4, f"cut({SMALL},28)"))),
    *(drop6(f"8.3-quote-cut-to-{size}-octets", note, about_part(SMALL, size), "inner-packet-truncated")
      for size, note in ((67, "less than 64 bits of the payload."), (60, "the inner header alone."),
                         (59, "the inner header is cut."), (40, "the tunnel's header alone."),
                         (39, "not even the tunnel's header."))),

    case("6.7-too-big-lowers-the-mtu", "the next packet is answered here.",
         from_ipv6(tell(too_big(1400), outer(DF1500)), "to-ipv4", hear(fragmentation_needed(1360), DF1500)),
         from_ipv4(DF1400, "reply packet-too-big", hear(fragmentation_needed(1360), DF1400)),
         from_ipv4(udp(1360, ",flags='DF'"), "to-ipv6", outer(udp(1360, ",flags='DF'")))),
    case("6.7-too-big-lowers-the-mtu-of-fragments", "an error that is not relayed teaches as well.",
         from_ipv6(tell(too_big(1400), outer(udp(1460))), "drop tunnel-error-not-relayed"),
         from_ipv4(udp(1460), "to-ipv6", *cuts6(outer(udp(1460)), 1352, 1460))),
    case("6.7-larger-mtu-is-not-believed", "an error cannot raise the MTU.",
         from_ipv6(tell(too_big(1400), outer(DF1500)), "to-ipv4", hear(fragmentation_needed(1360), DF1500)),
         from_ipv6(tell(too_big(1450), outer(DF1500)), "to-ipv4", hear(fragmentation_needed(1410), DF1500)),
         from_ipv4(DF1400, "reply packet-too-big", hear(fragmentation_needed(1360), DF1400))),
    case("6.7-mtu-below-1280-is-not-believed", "RFC 8201 §4.",
         from_ipv6(tell(too_big(600), outer(DF1500)), "to-ipv4", hear(fragmentation_needed(1240), DF1500)),
         from_ipv4(udp(1240, ",flags='DF'"), "to-ipv6", outer(udp(1240, ",flags='DF'")))),
    case("6.7-error-about-the-packet-of-somebody-else-teaches-nothing", "it may be forged.",
         from_ipv6(tell(too_big(1400), outer(DF1500, src="2001:db8:ffff::2")), "drop tunnel-error-not-relayed"),
         from_ipv4(DF1500, "to-ipv6", outer(DF1500))),
    case("6.7-ignored-mtu", "the operator has switched it off (RFC 7597 §8.3.1).",
         from_ipv6(tell(too_big(1400), outer(DF1500)), "to-ipv4", hear(fragmentation_needed(1360), DF1500)),
         from_ipv4(DF1500, "to-ipv6", outer(DF1500)), config="tunnel-mtu-ignore.yaml"),
]
