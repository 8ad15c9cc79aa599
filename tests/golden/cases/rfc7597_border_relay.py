"""RFC 7597: the MAP-E border relay, with the addresses of Appendix A."""

from corpus import from_ipv4, from_ipv6
from tunnels import N, NO_SOFTWIRE4, cuts4, cuts6, from_customer, hear, in_tunnel, outer, section, tell, to_customer

case, wrap, unwrap, drop4, drop6 = section("rfc7597", "map-e.yaml")

CE = "2001:db8:12:3400:0:c000:212:34"      # Appendix A, example 1: 192.0.2.18, PSID 0x34: ports 1232 to 1235 ...
NEXT = "2001:db8:12:3500:0:c000:212:35"    # ... and PSID 0x35: 1236 to 1239
OTHER = "2001:db8:63:fe00:0:c000:263:fe"   # 192.0.2.99, PSID 0xfe: 2040 to 2043
SHARED = "192.0.2.18"
SECOND = "2001:db8:ffff::2"
ANSWER = "UDP(sport=53,dport={})/data(20)".format
QUERY = "UDP(sport={},dport=53)/data(20)".format
EXAMPLE_2 = "IP(src='1.2.3.4',dst='192.0.2.18',ttl=64)/TCP(sport=80,dport=1232,flags='SA',seq=1,ack=2)"
EXAMPLE_3 = "IP(src='192.0.2.18',dst='1.2.3.4',ttl=63)/TCP(sport=1232,dport=80,flags='S',seq=1)"


def inward(payload, extra="", dst=SHARED):
    return to_customer(payload, extra, dst=dst)


def outward(payload, extra="", src=SHARED, **changes):
    return from_customer(payload, extra, src=src, **changes)


def to_ce(name, note, packet, ce=CE, border=N, config="map-e.yaml"):
    return wrap(name, note, packet, outer(packet, src=border, dst=ce), config=config)


def to_nobody(name, note, packet, reason="port-not-assigned", config="map-e.yaml"):
    return case(name, note, from_ipv4(packet, f"reply {reason}", hear(NO_SOFTWIRE4, packet)), config=config)


def from_ce(name, note, packet, ce=CE, border=N, config="map-e.yaml"):
    return unwrap(name, note, in_tunnel(packet, src=ce, dst=border), packet, config=config)


def spoofed(name, note, packet, ce=CE, border=N, config="map-e.yaml"):
    """RFC 7597 §8.1: discarded silently, and counted."""
    return drop6(name, note, in_tunnel(packet, src=ce, dst=border), "source-spoofed", config=config)


def waiting(name, note, pieces, result, expect, step=from_ipv4, config="map-e.yaml"):
    """All pieces but the last wait for it."""
    return case(name, note, *(step(piece, "held") for piece in pieces[:-1]), step(pieces[-1], expect, *result),
                config=config)


CASES = [
    # --- Appendix A ---
    to_ce("a-example-2-forwarded-to-the-ce", "example 2.", EXAMPLE_2),
    from_ce("a-example-3-forwarded-by-the-ce", "example 3, as the border relay sees it.", EXAMPLE_3),
    to_ce("a-example-4-whole-address", "example 4: no EA bits, no PSID.", inward(ANSWER(80)),
          "2001:db8:12:3400:0:c000:212:0", config="map-e-whole.yaml"),
    from_ce("a-example-4-whole-address-from-the-ce", "example 4.", outward(QUERY(80)), "2001:db8:12:3400:0:c000:212:0",
            config="map-e-whole.yaml"),
    to_ce("a-example-5-given-psid", "example 5: no EA bits, the PSID from elsewhere.", EXAMPLE_2,
          config="map-e-given.yaml"),
    from_ce("a-example-5-given-psid-from-the-ce", "example 5.", EXAMPLE_3, config="map-e-given.yaml"),
    spoofed("a-example-5-given-psid-from-the-port-of-another", "example 5: 1236 is PSID 0x35.", outward(QUERY(1236)),
            config="map-e-given.yaml"),
    to_nobody("a-example-5-given-psid-to-the-port-of-another", "example 5: nobody has PSID 0x35.",
              inward(ANSWER(1236)), config="map-e-given.yaml"),

    # --- §5.1: the port set of PSID 0x34 ---
    *(to_ce(f"5.1-port-{port}", "a port of PSID 0x34.", inward(ANSWER(port)))
      for port in (1235, 2256, 2259, 63696, 64720, 64723)),
    *(to_ce(f"5.1-port-{port}", "a port of PSID 0x35.", inward(ANSWER(port)), NEXT) for port in (1236, 64727)),
    to_ce("5.1-port-1231", "a port of PSID 0x33.", inward(ANSWER(1231)), "2001:db8:12:3300:0:c000:212:33"),
    to_ce("5.1-port-1024", "the first port that anybody has is PSID 0's.", inward(ANSWER(1024)),
          "2001:db8:12:0:0:c000:212:0"),
    to_ce("5.1-port-65535", "the last port is PSID 0xff's.", inward(ANSWER(65535)), "2001:db8:12:ff00:0:c000:212:ff"),
    *(to_nobody(f"5.1-port-{port}-is-excluded", "A = 0.", inward(ANSWER(port))) for port in (0, 80, 208, 1023)),
    case("5.1-port-1023-is-excluded-silent", "A = 0.", from_ipv4(inward(ANSWER(1023)), "drop port-not-assigned"),
         config="map-e-silent.yaml"),

    # --- §5.2, §5.4, §6 ---
    to_ce("5.2-prefix-first-address", "4 EA bits: 192.0.2.80/28.", inward(ANSWER(80), dst="192.0.2.80"),
          "2001:db8:50::c000:250:0", config="map-e-prefix.yaml"),
    to_ce("5.2-prefix-last-address", "the interface identifier has the prefix, not the address (§6).",
          inward(ANSWER(80), dst="192.0.2.95"), "2001:db8:50::c000:250:0", config="map-e-prefix.yaml"),
    to_ce("5.2-prefix-next-customer", "192.0.2.96/28.", inward(ANSWER(80), dst="192.0.2.96"),
          "2001:db8:60::c000:260:0", config="map-e-prefix.yaml"),
    to_ce("5.2-prefix-gre", "an address that is not shared needs no port.",
          inward("data(20)", ",proto=47", dst="192.0.2.95"), "2001:db8:50::c000:250:0", config="map-e-prefix.yaml"),
    from_ce("5.2-prefix-from-the-ce", "any address of the prefix.", outward(QUERY(80), src="192.0.2.95"),
            "2001:db8:50::c000:250:0", config="map-e-prefix.yaml"),
    spoofed("5.2-prefix-from-outside-of-it", "192.0.2.96 is the next customer's.", outward(QUERY(80), src="192.0.2.96"),
            "2001:db8:50::c000:250:0", config="map-e-prefix.yaml"),
    to_ce("5.2-whole-address", "8 EA bits: the address is the customer's.", inward(ANSWER(80)),
          "2001:db8:12:0:0:c000:212:0", config="map-e-address.yaml"),
    from_ce("5.2-whole-address-from-the-ce", "every port.", outward(QUERY(80)), "2001:db8:12:0:0:c000:212:0",
            config="map-e-address.yaml"),
    from_ce("5.2-whole-address-gre-from-the-ce", "every protocol.", outward("data(20)", ",proto=47"),
            "2001:db8:12:0:0:c000:212:0", config="map-e-address.yaml"),
    to_ce("5.2-longer-rule", "192.0.2.130 is in both rules: 7 EA bits of suffix, 8 of PSID.",
          inward(ANSWER(1232), dst="192.0.2.130"), "2001:db8:5504:6800:0:c000:282:34", config="map-e-two.yaml"),
    to_ce("5.2-shorter-rule", "192.0.2.18 is in one rule.", inward(ANSWER(1232)), config="map-e-two.yaml"),
    from_ce("5.2-longer-rule-from-the-ce", "the source by the longer rule.", outward(QUERY(1232), src="192.0.2.130"),
            "2001:db8:5504:6800:0:c000:282:34", config="map-e-two.yaml"),
    spoofed("5.2-longer-rule-from-an-address-of-the-shorter", "the shorter rule's address for 192.0.2.130 is nobody's.",
            outward(QUERY(1232), src="192.0.2.130"), "2001:db8:82:3400:0:c000:282:34", config="map-e-two.yaml"),
    to_ce("5.4-first-border-relay-address", "a rule that names none uses the first.", inward(ANSWER(1232)),
          config="map-e-borders.yaml"),
    to_ce("5.4-second-border-relay-address", "the rule names the other.", inward(ANSWER(1232), dst="198.51.100.18"),
          "2001:db8:5512:3400:0:c633:6412:34", SECOND, config="map-e-borders.yaml"),
    from_ce("5.4-to-the-second-border-relay-address", "the rule names the other.",
            outward(QUERY(1232), src="198.51.100.18"), "2001:db8:5512:3400:0:c633:6412:34", SECOND,
            config="map-e-borders.yaml"),
    spoofed("5.4-to-the-border-relay-address-of-another-domain", "§8.1: the destination is checked as well.",
            outward(QUERY(1232)), CE, SECOND, config="map-e-borders.yaml"),
    to_ce("6-draft-03-address", "draft-ietf-softwire-map-03, a = 4: 4928 is PSID 0x34.", inward(ANSWER(4928)),
          "2001:db8:12:3400:c0:2:1200:3400", config="map-e-draft-03.yaml"),
    from_ce("6-draft-03-address-from-the-ce", "draft-ietf-softwire-map-03, a = 4: 62287 is PSID 0x34.",
            outward(QUERY(62287)), "2001:db8:12:3400:c0:2:1200:3400", config="map-e-draft-03.yaml"),
    spoofed("6-draft-03-from-the-rfc-address", "the other form is nobody's address.", outward(QUERY(4928)), CE,
            config="map-e-draft-03.yaml"),

    # --- §8.1 ---
    spoofed("8.1-port-of-another", "1236 is PSID 0x35.", outward(QUERY(1236))),
    spoofed("8.1-excluded-port", "80 is nobody's.", outward(QUERY(80))),
    spoofed("8.1-address-of-another", "192.0.2.19 is another customer's.", outward(QUERY(1232), src="192.0.2.19")),
    spoofed("8.1-address-outside-of-the-domain", "no rule has 198.51.100.18.", outward(QUERY(1232), src="198.51.100.18")),
    spoofed("8.1-ipv6-source-of-another", "the CE with PSID 0x35.", outward(QUERY(1232)), NEXT),
    spoofed("8.1-another-interface-identifier", "the CE's prefix, but not its MAP address.", outward(QUERY(1232)),
            "2001:db8:12:3400::1"),
    spoofed("8.1-another-subnet", "the subnet of a MAP address is 0.", outward(QUERY(1232)),
            "2001:db8:12:3401:0:c000:212:34"),
    spoofed("8.1-ipv6-source-outside-of-the-domain", "no CE.", outward(QUERY(1232)), "2001:db8:9::1"),
    spoofed("8.1-gre-from-a-shared-address", "no port says whose it is.", outward("data(20)", ",proto=47")),
    drop6("8.1-not-to-the-border-relay", "somebody else's packet.", in_tunnel(EXAMPLE_3, src=CE, dst=SECOND),
          "destination-not-ours"),
    to_nobody("8-address-outside-of-the-domain", "no rule has 192.0.3.1.", inward(ANSWER(1232), dst="192.0.3.1"),
              "no-softwire"),
    to_nobody("8.2-gre-to-a-shared-address", "no port says whose it is.", inward("data(20)", ",proto=47"),
              "protocol-without-ports"),

    # --- §8: between CEs ---
    case("8-hairpin", "out of one CE's tunnel and into the other's, one hop.",
         from_ipv6(in_tunnel(outward("UDP(sport=1232,dport=1236)/data(20)", dst=f"'{SHARED}'"), src=CE), "hairpin",
                   outer(outward("UDP(sport=1232,dport=1236)/data(20)", dst=f"'{SHARED}'", ttl=62), dst=NEXT))),
    case("8-hairpin-to-another-address", "192.0.2.99, PSID 0xfe.",
         from_ipv6(in_tunnel(outward("UDP(sport=1232,dport=2041)/data(20)", dst="'192.0.2.99'"), src=CE), "hairpin",
                   outer(outward("UDP(sport=1232,dport=2041)/data(20)", dst="'192.0.2.99'", ttl=62), dst=OTHER))),
    case("8-hairpin-ttl-2", "the last hop.",
         from_ipv6(in_tunnel(outward("UDP(sport=1232,dport=1236)/data(20)", dst=f"'{SHARED}'", ttl=2), src=CE),
                   "hairpin", outer(outward("UDP(sport=1232,dport=1236)/data(20)", dst=f"'{SHARED}'", ttl=1), dst=NEXT))),
    *(case(f"8-hairpin-ttl-{ttl}", "RFC 1812 §5.3.1: its sender is told in IPv4.",
           from_ipv6(in_tunnel(outward("UDP(sport=1232,dport=1236)/data(20)", dst=f"'{SHARED}'", ttl=ttl), src=CE),
                     "reply inner-ttl-exceeded",
                     hear("ICMP(type=11,code=0)",
                          outward("UDP(sport=1232,dport=1236)/data(20)", dst=f"'{SHARED}'", ttl=ttl), to=f"'{SHARED}'")))
      for ttl in (0, 1)),
    case("8-hairpin-with-ecn-and-dscp", "out by RFC 6040 §4.2, in by RFC 6040 §4.1.",
         from_ipv6(in_tunnel(outward("UDP(sport=1232,dport=1236)/data(20)", ",tos=0x2a", dst=f"'{SHARED}'"), src=CE,
                             extra=",tc=0xbb"), "hairpin",
                   outer(outward("UDP(sport=1232,dport=1236)/data(20)", ",tos=0x2b", dst=f"'{SHARED}'", ttl=62), dst=NEXT,
                         extra=",tc=0x2b"))),
    drop6("8-hairpin-from-a-wrong-port", "the source is checked first (§8.1).",
          in_tunnel(outward("UDP(sport=1236,dport=1232)/data(20)", dst=f"'{SHARED}'"), src=CE), "source-spoofed"),
    case("8-hairpin-to-an-excluded-port", "nobody's: its sender is told in IPv4.",
         from_ipv6(in_tunnel(outward("UDP(sport=1232,dport=80)/data(20)", dst=f"'{SHARED}'"), src=CE),
                   "reply port-not-assigned",
                   hear(NO_SOFTWIRE4, outward("UDP(sport=1232,dport=80)/data(20)", dst=f"'{SHARED}'"),
                        to=f"'{SHARED}'"))),
    case("8-hairpin-off", "the packet goes to the IPv4 routing.",
         from_ipv6(in_tunnel(outward("UDP(sport=1232,dport=1236)/data(20)", dst=f"'{SHARED}'"), src=CE), "to-ipv4",
                   outward("UDP(sport=1232,dport=1236)/data(20)", dst=f"'{SHARED}'")), config="map-e-hairpin-off.yaml"),
    case("8-hairpin-too-big-with-df", "RFC 2473 §7.2: its sender is told in IPv4.",
         from_ipv6(in_tunnel(outward("UDP(sport=1232,dport=1236)/data(1213)", ",flags='DF'", dst=f"'{SHARED}'"), src=CE),
                   "reply inner-packet-too-big",
                   hear("ICMP(type=3,code=4,nexthopmtu=1240)",
                        outward("UDP(sport=1232,dport=1236)/data(1213)", ",flags='DF'", dst=f"'{SHARED}'"),
                        to=f"'{SHARED}'")), config="map-e-mtu-1280.yaml"),
    case("8-hairpin-too-big-without-df", "RFC 2473 §7.2: the second tunnel's packet is cut.",
         from_ipv6(in_tunnel(outward("UDP(sport=1232,dport=1236)/data(1213)", dst=f"'{SHARED}'"), src=CE), "hairpin",
                   *cuts6(outer(outward("UDP(sport=1232,dport=1236)/data(1213)", dst=f"'{SHARED}'", ttl=62), dst=NEXT),
                          1232, 1241, dst=NEXT)), config="map-e-mtu-1280.yaml"),

    # --- §8.2 ---
    to_ce("8.2-echo-request", "the identifier is the port.", inward("ICMP(type=8,id=1232,seq=1)/data(20)")),
    to_ce("8.2-echo-reply", "the identifier is the port.", inward("ICMP(type=0,id=1236,seq=1)/data(20)"), NEXT),
    to_ce("8.2-timestamp-request", "the identifier is the port.", inward("ICMP(type=13,id=1232,seq=1,ts_ori=1,ts_rx=0,ts_tx=0)/b''")),
    to_nobody("8.2-echo-request-with-an-excluded-identifier", "nobody's.", inward("ICMP(type=8,id=5,seq=1)/data(20)")),
    from_ce("8.2-echo-request-from-the-ce", "the identifier is the port.",
            outward("ICMP(type=8,id=1232,seq=1)/data(20)")),
    spoofed("8.2-echo-request-with-the-identifier-of-another", "the identifier is the port.",
            outward("ICMP(type=8,id=1236,seq=1)/data(20)")),
    case("8.2-echo-request-between-ces", "RFC 5508 §7: whose identifier it is, is asked on both sides.",
         from_ipv6(in_tunnel(outward("ICMP(type=8,id=1232,seq=1)/data(20)", dst="'192.0.2.99'"), src=CE), "hairpin",
                   outer(outward("ICMP(type=8,id=1232,seq=1)/data(20)", dst="'192.0.2.99'", ttl=62),
                         dst="2001:db8:63:3400:0:c000:263:34"))),
    to_ce("8.2-error-from-outside", "by the quoted packet's source port.",
          f"IP(src=R4,dst='{SHARED}')/ICMP(type=11,code=0)/({outward(QUERY(1232))})"),
    to_ce("8.2-error-from-outside-about-an-echo-request", "by the quoted identifier.",
          f"IP(src=R4,dst='{SHARED}')/ICMP(type=11,code=0)/({outward('ICMP(type=8,id=1236,seq=1)/data(20)')})", NEXT),
    drop4("8.2-error-from-outside-about-an-excluded-port", "no error about an error.",
          f"IP(src=R4,dst='{SHARED}')/ICMP(type=11,code=0)/({outward(QUERY(80))})", "port-not-assigned"),
    drop4("8.2-error-from-outside-about-a-later-fragment", "no port says whose it was.",
          f"IP(src=R4,dst='{SHARED}')/ICMP(type=11,code=0)/(IP(src='{SHARED}',dst=C4,frag=9,proto=17)/data(20))",
          "protocol-without-ports"),
    from_ce("8.2-error-from-the-ce", "by the quoted packet's destination port.",
            outward(f"ICMP(type=3,code=3)/({inward(ANSWER(1232))})")),
    spoofed("8.2-error-from-the-ce-about-the-packet-of-another", "by the quoted packet's destination port.",
            outward(f"ICMP(type=3,code=3)/({inward(ANSWER(1236))})")),
    case("8.2-error-between-ces", "by the quoted ports on both sides.",
         from_ipv6(in_tunnel(outward("ICMP(type=3,code=3)/(" + outward("UDP(sport=1236,dport=1232)/data(9)",
                                                                       dst=f"'{SHARED}'") + ")", dst=f"'{SHARED}'"),
                             src=CE), "hairpin",
                   outer(outward("ICMP(type=3,code=3)/(" + outward("UDP(sport=1236,dport=1232)/data(9)",
                                                                   dst=f"'{SHARED}'") + ")", dst=f"'{SHARED}'", ttl=62),
                         dst=NEXT))),
    case("8.2-error-from-inside-of-the-tunnel", "RFC 2473 §8: relayed to the original source.",
         from_ipv6(tell("ICMPv6DestUnreach(code=3)", outer(inward(ANSWER(1232)), dst=CE)), "to-ipv4",
                   hear(NO_SOFTWIRE4, inward(ANSWER(1232))))),
    drop6("8.2-error-about-a-packet-to-the-wrong-ce", "1236 would have gone to another.",
          tell("ICMPv6DestUnreach(code=3)", outer(inward(ANSWER(1236)), dst=CE)), "tunnel-error-not-relayed"),

    # --- §8.3.1 ---
    wrap("8.3.1-too-big-without-df", "RFC 2473 §7.2.", inward("UDP(sport=53,dport=1232)/data(1433)"),
         *cuts6(outer(inward("UDP(sport=53,dport=1232)/data(1433)"), dst=CE), 1448, 1461, dst=CE)),
    wrap("8.3.1-anycast-cuts-the-inner-packet", "RFC 4459 §3.4.", inward("UDP(sport=53,dport=1232)/data(1433)"),
         *(outer(each, dst=CE) for each in cuts4(inward("UDP(sport=53,dport=1232)/data(1433)"), 1440, 1441,
                                                 dst=f"'{SHARED}'")), config="map-e-inner.yaml"),
]

# --- §8.3.2: fragments ---
WHOLE = inward("UDP(sport=53,dport=1232)/data(40)")
PIECES = cuts4(WHOLE, 16, 32, 48, dst=f"'{SHARED}'")
IN = (outer(WHOLE, dst=CE),)
BACK = outward("UDP(sport=1232,dport=53)/data(40)")
INNER = cuts4(BACK, 16, 32, 48, src=f"'{SHARED}'", dst="C4", ttl=63)
IN_TUNNEL = [in_tunnel(piece, src=CE) for piece in INNER]
LARGE = inward("UDP(sport=53,dport=1232)/data(1960)")
OVERLAP = f"IP(src=C4,dst='{SHARED}',ttl=64,id=7,flags='MF',frag=1,proto=17)/data(16)"
LONGER = f"IP(src=C4,dst='{SHARED}',ttl=64,id=7,flags='MF',frag=0,proto=17)/raw({WHOLE})[20:44]"
BEYOND = f"IP(src=C4,dst='{SHARED}',ttl=64,id=7,flags='MF',frag=6,proto=17)/data(8)"
SHORTER_END = f"IP(src=C4,dst='{SHARED}',ttl=64,id=7,frag=4,proto=17)/data(8)"
OUTER = in_tunnel(BACK, src=CE)
OUTER_PIECES = cuts6(OUTER, 32, 68, src=CE, dst=N)
SIX_OVERLAP = f"IPv6(src='{CE}',dst='{N}')/IPv6ExtHdrFragment(nh=4,id=0,offset=3,m=1)/data(16)"

CASES += [
    waiting("8.3.2-fragments-in-order", "the port is in the first one; the whole packet is sent.", PIECES, IN, "to-ipv6"),
    waiting("8.3.2-fragments-in-reverse-order", "they may arrive in any order.", PIECES[::-1], IN, "to-ipv6"),
    waiting("8.3.2-first-fragment-last", "they may arrive in any order.", [PIECES[1], PIECES[2], PIECES[0]], IN,
            "to-ipv6"),
    waiting("8.3.2-duplicate-fragment", "the same octets twice do no harm.",
            [PIECES[0], PIECES[1], PIECES[1], PIECES[0], PIECES[2]], IN, "to-ipv6"),
    waiting("8.3.2-large-packet-of-fragments", "the packet does not fit the tunnel, and its DF is clear.",
            cuts4(LARGE, 1480, 1968, dst=f"'{SHARED}'"),
            cuts6(outer(LARGE, dst=CE), 1448, 1988, dst=CE), "to-ipv6"),
    waiting("8.3.2-fragments-to-an-excluded-port", "the sender hears of the whole packet.",
            cuts4(inward(ANSWER(80)), 16, 28, dst=f"'{SHARED}'"), (hear(NO_SOFTWIRE4, inward(ANSWER(80))),),
            "reply port-not-assigned"),
    waiting("8.3.2-fragments-of-an-echo-request", "the identifier is in the first one.",
            cuts4(inward("ICMP(type=8,id=1232,seq=1)/data(20)"), 8, 28, dst=f"'{SHARED}'", proto=1),
            (outer(inward("ICMP(type=8,id=1232,seq=1)/data(20)"), dst=CE),), "to-ipv6"),
    waiting("8.3.2-tiny-first-fragment", "RFC 1858 §3: ports are read from the whole packet only.",
            cuts4(inward("TCP(sport=80,dport=1232,flags='SA',seq=1,ack=2)"), 8, 20, dst=f"'{SHARED}'", proto=6),
            (outer(inward("TCP(sport=80,dport=1232,flags='SA',seq=1,ack=2)"), dst=CE),), "to-ipv6"),
    case("8.3.2-overlap", "RFC 5722 §4: the whole packet is lost, and what comes later with it.",
         from_ipv4(PIECES[0], "held"), from_ipv4(OVERLAP, "drop reassembly-overlap"),
         from_ipv4(PIECES[1], "drop reassembly-overlap"), from_ipv4(PIECES[2], "drop reassembly-overlap")),
    case("8.3.2-overlap-from-below", "RFC 5722 §4: a longer first fragment.",
         from_ipv4(PIECES[1], "held"), from_ipv4(LONGER, "drop reassembly-overlap"),
         from_ipv4(PIECES[0], "drop reassembly-overlap")),
    case("8.3.2-fragment-behind-the-last", "RFC 5722 §4: it contradicts the end.",
         from_ipv4(PIECES[2], "held"), from_ipv4(BEYOND, "drop reassembly-overlap"),
         from_ipv4(PIECES[0], "drop reassembly-overlap")),
    case("8.3.2-two-ends", "RFC 5722 §4: another last fragment contradicts the first one.",
         from_ipv4(PIECES[2], "held"), from_ipv4(SHORTER_END, "drop reassembly-overlap"),
         from_ipv4(PIECES[0], "drop reassembly-overlap")),
    case("8.3.2-identifications-do-not-mix", "two packets under way at a time.",
         from_ipv4(PIECES[0], "held"), from_ipv4(PIECES[1].replace("id=7", "id=8"), "held"),
         from_ipv4(PIECES[2].replace("id=7", "id=8"), "held"), from_ipv4(PIECES[1], "held"),
         from_ipv4(PIECES[2], "to-ipv6", *IN)),
    case("8.3.2-sources-do-not-mix", "two packets under way at a time.",
         from_ipv4(PIECES[0], "held"), from_ipv4(PIECES[1].replace("src=C4", "src='203.0.113.8'"), "held"),
         from_ipv4(PIECES[2], "held"), from_ipv4(PIECES[1], "to-ipv6", *IN)),
    case("8.3.2-protocols-do-not-mix", "RFC 791 §3.2: the protocol tells packets apart as well.",
         from_ipv4(PIECES[0], "held"), from_ipv4(PIECES[1].replace("proto=17", "proto=6"), "held"),
         from_ipv4(PIECES[2], "held"), from_ipv4(PIECES[1], "to-ipv6", *IN)),
    drop4("8.3.2-fragment-of-odd-length", "RFC 791 §3.2: all but the last are multiples of 8 octets.",
          f"IP(src=C4,dst='{SHARED}',flags='MF',proto=17)/data(15)", "length-mismatch"),
    drop4("8.3.2-empty-fragment", "nothing to put together.", f"IP(src=C4,dst='{SHARED}',flags='MF',proto=17)/b''",
          "length-mismatch"),
    drop4("8.3.2-fragment-beyond-the-largest-packet", "RFC 791 §3.2: no packet is so long.",
          f"IP(src=C4,dst='{SHARED}',frag=8191,proto=17)/data(16)", "length-mismatch"),

    # --- fragments from the CE ---
    waiting("8.3.3-fragments-from-the-ce", "§8.1 needs the port, which only the whole packet has.", IN_TUNNEL, (BACK,),
            "to-ipv4", step=from_ipv6),
    waiting("8.3.3-fragments-from-the-ce-in-reverse-order", "§8.1 needs the port, which only the whole packet has.",
            IN_TUNNEL[::-1], (BACK,), "to-ipv4", step=from_ipv6),
    waiting("8.3.3-fragments-with-the-port-of-another", "§8.1: the whole packet is checked.",
            [in_tunnel(piece, src=CE) for piece in cuts4(outward(QUERY(1236)), 16, 28, src=f"'{SHARED}'", dst="C4",
                                                         ttl=63)], (), "drop source-spoofed", step=from_ipv6),
    case("8.3.3-fragments-of-two-ces-do-not-mix", "the same addresses and identification, but from another CE.",
         from_ipv6(IN_TUNNEL[0], "held"), from_ipv6(in_tunnel(INNER[1], src=NEXT), "held"),
         from_ipv6(IN_TUNNEL[2], "held"), from_ipv6(IN_TUNNEL[1], "to-ipv4", BACK)),
    waiting("8.3.1-fragments-of-the-tunnel", "RFC 2473 §7: put together before they are taken out.", OUTER_PIECES,
            (BACK,), "to-ipv4", step=from_ipv6),
    waiting("8.3.1-fragments-of-the-tunnel-in-reverse-order", "RFC 2473 §7: put together before they are taken out.",
            OUTER_PIECES[::-1], (BACK,), "to-ipv4", step=from_ipv6),
    waiting("8.3.1-duplicate-fragment-of-the-tunnel", "RFC 8200 §4.5: exact duplicates are ignored.",
            [OUTER_PIECES[0], OUTER_PIECES[0], OUTER_PIECES[1]], (BACK,), "to-ipv4", step=from_ipv6),
    waiting("8.3.1-next-header-of-the-first-fragment", "RFC 8200 §4.5: only that one counts.",
            [OUTER_PIECES[0], OUTER_PIECES[1].replace("nh=4", "nh=17")], (BACK,), "to-ipv4", step=from_ipv6),
    waiting("8.3.1-next-header-of-the-first-fragment-that-comes-last", "RFC 8200 §4.5: only that one counts.",
            [OUTER_PIECES[1].replace("nh=4", "nh=17"), OUTER_PIECES[0]], (BACK,), "to-ipv4", step=from_ipv6),
    case("8.3.1-overlap-of-the-tunnel", "RFC 8200 §4.5: the whole packet is lost.",
         from_ipv6(OUTER_PIECES[0], "held"), from_ipv6(SIX_OVERLAP, "drop reassembly-overlap"),
         from_ipv6(OUTER_PIECES[1], "drop reassembly-overlap")),
    case("8.3.1-fragments-of-fragments", "first the tunnel's, then the inner ones.",
         from_ipv6(cuts6(IN_TUNNEL[0], 24, 36, src=CE, dst=N)[0], "held"),
         from_ipv6(cuts6(IN_TUNNEL[0], 24, 36, src=CE, dst=N)[1], "held"),
         from_ipv6(IN_TUNNEL[1], "held"),
         from_ipv6(cuts6(IN_TUNNEL[2], 24, 36, src=CE, dst=N)[1].replace("id=0,offset", "id=1,offset"), "held"),
         from_ipv6(cuts6(IN_TUNNEL[2], 24, 36, src=CE, dst=N)[0].replace("id=0,offset", "id=1,offset"), "to-ipv4", BACK)),
    waiting("8-hairpin-of-fragments", "both ports are in the whole packet.",
            [in_tunnel(piece, src=CE) for piece in cuts4(
                outward("UDP(sport=1232,dport=1236)/data(20)", dst=f"'{SHARED}'"), 16, 28, src=f"'{SHARED}'", ttl=63,
                dst=f"'{SHARED}'")],
            (outer(outward("UDP(sport=1232,dport=1236)/data(20)", dst=f"'{SHARED}'", ttl=62), dst=NEXT),), "hairpin",
            step=from_ipv6),
]
