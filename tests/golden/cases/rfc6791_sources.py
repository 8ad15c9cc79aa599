"""RFC 6791 and draft-ietf-v6ops-icmpext-xlat-v6only-source: ICMPv6 errors from sources without a mapping."""

from corpus import from_ipv6, golden, unmapped_source6

DRAFT = "draft-ietf-v6ops-icmpext-xlat-v6only-source"
ABOUT6 = "IPv6(src=C6,dst=S6,hlim=1)/UDP(sport=1000,dport=53)/data({})"
ABOUT4 = "IP(src=C4,dst=S4,ttl=1,id=0)/UDP(sport=1000,dport=53)/data({})"
FROM6 = "IPv6(src=N6,dst=C6)"
DUMMY = "IP(src='192.0.0.8',dst=C4,ttl=63,id=1)"
POOL = "IP(src='198.51.100.240',dst=C4,ttl=63,id=1)"
NODE = "node_identification(N6)"
NODE_VECTOR = "bytes.fromhex('2000ad1e 00180504 00020000 20010db8000900000000000000000001')"
MPLS = "mpls_object(16001)"


def extended(name, note, icmp6, icmp4, quote6, quote4, size4, extension=f"extension({NODE})"):
    """An error from N6 whose ICMPv4 quote is padded to size4 octets, with an extension behind it."""
    return golden(f"icmpext-xlat/{name}", f"{DRAFT}: {note}",
                  from_ipv6(f"{FROM6}/{icmp6}/({quote6})", "to-ipv4",
                            f"{DUMMY}/{icmp4[:-1]},length={size4 // 4})/(pad({quote4},{size4})+{extension})"))


def plain(name, note, icmp6, icmp4, source, config):
    return golden(name, note,
                  from_ipv6(f"{FROM6}/{icmp6}/({ABOUT6.format(20)})", "to-ipv4",
                            f"{source}/{icmp4}/({ABOUT4.format(20)})"), config=config)


TIME6, TIME4 = "ICMPv6TimeExceeded(code=0)", "ICMP(type=11,code=0)"
ERRORS = (("time-exceeded", TIME6, TIME4), ("port-unreachable", "ICMPv6DestUnreach(code=4)", "ICMP(type=3,code=3)"),
          ("no-route", "ICMPv6DestUnreach(code=0)", "ICMP(type=3,code=1)"),
          ("packet-too-big", "ICMPv6PacketTooBig(mtu=1400)", "ICMP(type=3,code=4,nexthopmtu=1380)"))
# A packet from S6 to the server R6 that was hairpinned: as R6's routers see it, and as S6 sent it.
HAIRPIN_SEEN = "IPv6(src='2001:db8:64::c000:250',dst=R6,hlim=1)/UDP(sport=1000,dport=53)/data(20)"
HAIRPIN_SENT = "IPv6(src=S6,dst='2001:db8:64::c000:201',hlim=1)/UDP(sport=1000,dport=53)/data(20)"

CASES = [
    *(extended(f"{word}-gets-dummy-source-and-node-identification",
               "a source without a mapping becomes 192.0.0.8, and a Node Identification object tells the IPv6 address.",
               icmp6, icmp4, ABOUT6.format(200), ABOUT4.format(200), 228)
      for word, icmp6, icmp4 in ERRORS),
    extended("extension-structure-vector",
             "the extension written out: version 2, checksum ad1e, class 5, C-Type 4, AFI 2. A quote of 48 octets is "
             "padded to 128 (RFC 4884 §4).",
             TIME6, TIME4, ABOUT6.format(20), ABOUT4.format(20), 128, NODE_VECTOR),
    extended("quote-is-padded-to-whole-words", "the quote is padded to a multiple of 4 octets (RFC 4884 §4).",
             TIME6, TIME4, ABOUT6.format(101), ABOUT4.format(101), 132),
    extended("quote-is-trimmed-for-the-object", "at most 576 octets: 576 - 28 - 28 = 520 are left for the quote.",
             TIME6, TIME4, f"cut({ABOUT6.format(900)},600)", f"cut({ABOUT4.format(900)},520)", 520),
    golden("icmpext-xlat/object-is-appended-to-an-extension",
           f"{DRAFT}: an extension that is there already gets the object at its end and a new checksum.",
           from_ipv6(f"{FROM6}/ICMPv6TimeExceeded(code=0,length=19)/(pad(cut({ABOUT6.format(900)},152),152)+"
                     f"extension({MPLS}))", "to-ipv4",
                     f"{DUMMY}/ICMP(type=11,code=0,length=33)/(cut({ABOUT4.format(900)},132)+"
                     f"extension({MPLS},{NODE}))")),
    golden("icmpext-xlat/mapped-source-is-left-alone",
           f"{DRAFT}: an address that can be translated is neither replaced nor told in an object.",
           from_ipv6(f"IPv6(src=R6,dst=C6)/{TIME6}/({ABOUT6.format(20)})", "to-ipv4",
                     f"IP(src=R64,dst=C4,ttl=63,id=1)/{TIME4}/({ABOUT4.format(20)})")),
    golden("icmpext-xlat/pref64-source-is-left-alone",
           f"{DRAFT}: so is an address inside the translation prefix.",
           from_ipv6(f"IPv6(src=R46,dst=C6)/{TIME6}/({ABOUT6.format(20)})", "to-ipv4",
                     f"IP(src=R4,dst=C4,ttl=63,id=1)/{TIME4}/({ABOUT4.format(20)})")),
    golden("icmpext-xlat/echo-reply-gets-no-dummy-source",
           f"{DRAFT}: the dummy address is for errors; an echo reply from it would be nobody's.",
           from_ipv6("IPv6(src=N6,dst=C6)/ICMPv6EchoReply(id=1,seq=1)", "drop source-not-mapped")),
    golden("icmpext-xlat/udp-gets-no-dummy-source",
           f"{DRAFT}: the dummy address is for ICMP errors.",
           unmapped_source6("IPv6(src=N6,dst=C6)/UDP(sport=1,dport=2)/data(8)", "N6")),
    golden("icmpext-xlat/illegal-source-stays-illegal",
           f"{DRAFT}: an illegal source is not merely one without a mapping.",
           from_ipv6(f"IPv6(src='::1',dst=C6)/{TIME6}/({ABOUT6.format(20)})", "drop illegal-source")),
    golden("icmpext-xlat/hop-limit-counts-as-ever",
           f"{DRAFT}: the hop limit of the error itself is decremented.",
           from_ipv6(f"IPv6(src=N6,dst=C6,hlim=1)/{TIME6}/({ABOUT6.format(20)})", "drop hop-limit-exceeded")),
    *(plain(f"icmpext-xlat/{word}-without-node-identification", f"{DRAFT}: the object can be turned off.",
            icmp6, icmp4, DUMMY, "dummy-plain.yaml") for word, icmp6, icmp4 in ERRORS),
    *(plain(f"rfc6791/3.2-{word}-gets-the-pool-address",
            "RFC 6791 §3.2: a source without a mapping becomes an address of a small pool.",
            icmp6, icmp4, POOL, "pool-6791.yaml") for word, icmp6, icmp4 in ERRORS),
    plain("rfc6791/3.2-parameter-problem-gets-the-pool-address", "RFC 6791 §3: any ICMPv6 error.",
          "ICMPv6ParamProblem(code=0,ptr=7)", "ICMP(type=12,code=0,ptr=8)", POOL, "pool-6791.yaml"),
    golden("rfc6791/3.2-mapped-source-is-not-replaced",
           "RFC 6791 §3: the pool is for sources that cannot be translated.",
           from_ipv6(f"IPv6(src=R6,dst=C6)/{TIME6}/({ABOUT6.format(20)})", "to-ipv4",
                     f"IP(src=R64,dst=C4,ttl=63,id=1)/{TIME4}/({ABOUT4.format(20)})"), config="pool-6791.yaml"),
    golden("rfc6791/3-untranslatable-sources-can-be-dropped",
           "RFC 6791 §3: the alternative is to drop the error.",
           from_ipv6(f"{FROM6}/{TIME6}/({ABOUT6.format(20)})", "drop source-not-mapped"),
           config="source-dropped.yaml"),
    golden("icmpext-xlat/hairpinned-time-exceeded-keeps-the-object",
           f"{DRAFT}: 192.0.0.8 and the object come in with the first pass of RFC 7757 §4.2.2; the second translates "
           "them like any other address and extension.",
           from_ipv6(f"IPv6(src=N6,dst='2001:db8:64::c000:250')/{TIME6}/({HAIRPIN_SEEN})", "hairpin",
                     "IPv6(src=T6,dst=S6,hlim=63)/ICMPv6TimeExceeded(code=0,length=16)/"
                     f"(pad({HAIRPIN_SENT},128)+extension({NODE}))")),
    golden("icmpext-xlat/hairpinned-packet-too-big-loses-the-object",
           f"{DRAFT}: ICMPv6 Packet Too Big has no room for extensions (RFC 4884 §4.6).",
           from_ipv6(f"IPv6(src=N6,dst='2001:db8:64::c000:250')/ICMPv6PacketTooBig(mtu=1400)/({HAIRPIN_SEEN})",
                     "hairpin", f"IPv6(src=T6,dst=S6,hlim=63)/ICMPv6PacketTooBig(mtu=1400)/({HAIRPIN_SENT})")),
]
