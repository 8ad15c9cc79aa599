"""RFC 7596 §6 and §8.1: the lwAFTR."""

from corpus import from_ipv4, from_ipv6, reply6
from tunnels import N, NO_SOFTWIRE4, cuts4, cuts6, from_customer, hear, in_tunnel, outer, section, tell, to_customer

case, wrap, unwrap, drop4, drop6 = section("rfc7596", "lwaftr.yaml")

B4 = "2001:db8:b4::{}".format
SECOND = "2001:db8:ffff::2"
SHARED, IN_PIECES, WHOLE, OTHER_BORDER = "192.0.2.1", "192.0.2.3", "192.0.2.4", "192.0.2.5"
FAILED_POLICY = "ICMPv6DestUnreach(code=5)"
ANSWER = "UDP(sport=53,dport={})/data(20)".format
QUERY = "UDP(sport={},dport=53)/data(20)".format


def inbound(name, note, port, b4, address=SHARED, border=N):
    """An IPv4 packet to the port goes to the B4."""
    packet = to_customer(ANSWER(port), dst=address)
    return wrap(name, note, packet, outer(packet, src=border, dst=B4(b4)))


def unknown(name, note, packet, reason="no-softwire"):
    """Nobody has it, and the sender is told."""
    return case(name, note, from_ipv4(packet, f"reply {reason}", hear(NO_SOFTWIRE4, packet)))


def unknown_nested(name, note, packet):
    """No port says whose it is where a softwire takes its part of another's prefix."""
    return case(name, note, from_ipv4(packet, "reply protocol-without-ports", hear(NO_SOFTWIRE4, packet)),
                config="lwaftr-nested.yaml")


def outbound(name, note, packet, b4, border=N):
    return unwrap(name, note, in_tunnel(packet, src=B4(b4), dst=border), packet)


def spoofed(name, note, packet, b4, border=N):
    return drop6(name, note, in_tunnel(packet, src=B4(b4), dst=border), "source-spoofed")


def error4(quoted, dst, icmp="ICMP(type=3,code=3)"):
    """An ICMP error from a router in the Internet."""
    return f"IP(src=R4,dst='{dst}',id=9)/{icmp}/({quoted})"


def kept_out(name, note, packet, config="lwaftr-inbound-drop.yaml"):
    """The policy is configurable, and this one does not want the message."""
    return drop4(name, note, packet, "inbound-icmp", config=config)


PING = "ICMP(type=8,id={},seq=1)/data(20)".format
PORTS = "(bytes.fromhex('0050 05dc')+data(20))"
LARGE = to_customer("UDP(sport=53,dport=1500)/data(1440)", ",flags='DF'", dst=SHARED)
PORT_UNREACHABLE = error4(from_customer(QUERY(1500), src=SHARED), SHARED)
TO_NOBODY = from_customer("UDP(sport=53,dport=80)/data(20)", src=WHOLE, dst=f"'{SHARED}'")
GRE_TO_SHARED = from_customer("data(20)", ",proto=47", src=WHOLE, dst=f"'{SHARED}'")
ERROR_TO_NOBODY = from_customer(
    f"ICMP(type=3,code=3)/({from_customer('UDP(sport=80,dport=53)/data(20)', src=SHARED, dst=repr(WHOLE))})", src=WHOLE,
    dst=f"'{SHARED}'")
FRAGMENT_TO_NOBODY = cuts4(to_customer(dst="192.0.2.99"), 16, 28, dst="'192.0.2.99'")[0]
# Quotes that end before the port or identifier, or inside of the header.
SHORT = {
    "short-quote-of-udp": f"cut({from_customer(QUERY(1500), src=WHOLE)},23)",
    "short-quote-of-an-echo-request": f"cut({from_customer(PING(1500), src=WHOLE)},27)",
    "quote-of-a-header": f"cut({from_customer(QUERY(1500), src=WHOLE)},20)",
    "quote-of-half-a-header": f"cut({from_customer(QUERY(1500), src=WHOLE)},12)",
}
FORGED = in_tunnel(from_customer(QUERY(2048), src=SHARED), src=B4(1))
CASES = [
    # --- §6.2, from the Internet; PSID 1 of 6 bits, no offset: ports 1024 to 2047 ---
    inbound("6.2-first-port", "1024 is PSID 1.", 1024, 1),
    inbound("6.2-last-port", "2047 is PSID 1.", 2047, 1),
    inbound("6.2-first-port-of-the-next", "2048 is PSID 2.", 2048, 2),
    unknown("6.2-port-of-nobody", "3072 is PSID 3, which no softwire has.", to_customer(ANSWER(3072), dst=SHARED),
            "port-not-assigned"),
    unknown("6.2-system-port-of-nobody", "80 is PSID 0, which no softwire has.", to_customer(ANSWER(80), dst=SHARED),
            "port-not-assigned"),
    unknown("6.2-address-of-nobody", "192.0.2.99.", to_customer(dst="192.0.2.99")),
    case("6.2-no-softwire-silent", "the ICMP policy is configurable.",
         from_ipv4(to_customer(dst="192.0.2.99"), "drop no-softwire"), config="lwaftr-silent.yaml"),
    case("6.2-address-of-nobody-unreported", "the ICMP policy is configurable.",
         from_ipv4(to_customer(dst="192.0.2.99"), "drop no-softwire"), config="lwaftr-unreported.yaml"),
    case("6.2-gre-to-a-shared-address-unreported", "the ICMP policy is configurable.",
         from_ipv4(to_customer("data(20)", ",proto=47", dst=SHARED), "drop protocol-without-ports"),
         config="lwaftr-unreported.yaml"),
    case("6.2-too-big-is-reported-anyway", "the policy is about what nobody has.",
         from_ipv4(LARGE, "reply packet-too-big", hear("ICMP(type=3,code=4,nexthopmtu=1460)", LARGE)),
         config="lwaftr-unreported.yaml"),
    inbound("6.2-offset-4-first-range", "A = 1, PSID 5, 8 bits: 5376 to 5631.", 5376, 3, IN_PIECES),
    inbound("6.2-offset-4-last-range", "A = 15: 62720 to 62975.", 62975, 3, IN_PIECES),
    unknown("6.2-offset-4-below-the-range", "5375 is PSID 4.", to_customer(ANSWER(5375), dst=IN_PIECES),
            "port-not-assigned"),
    unknown("6.2-offset-4-above-the-range", "5632 is PSID 6.", to_customer(ANSWER(5632), dst=IN_PIECES),
            "port-not-assigned"),
    unknown("6.2-offset-4-low-port", "1281 would be PSID 5 with A = 0, which is excluded (RFC 7597 §5.1).",
            to_customer(ANSWER(1281), dst=IN_PIECES), "port-not-assigned"),
    inbound("6.2-whole-address", "every port is the customer's.", 80, 4, WHOLE),
    inbound("6.2-whole-address-port-0", "every port is the customer's.", 0, 4, WHOLE),
    inbound("6.2-prefix", "an address of the customer's prefix (RFC 7040 §6).", 80, 6, "192.0.2.71"),
    inbound("6.2-another-address-of-ours", "the source is the address that the softwire names.", 80, 5, OTHER_BORDER,
            SECOND),
    wrap("6.2-tcp", "TCP has ports.", to_customer("TCP(sport=80,dport=1500,flags='SA')", dst=SHARED),
         outer(to_customer("TCP(sport=80,dport=1500,flags='SA')", dst=SHARED), dst=B4(1))),
    *(wrap(f"6.2-{name}", "its ports stand where TCP's do.",
           to_customer(PORTS, f",proto={number}", dst=SHARED),
           outer(to_customer(PORTS, f",proto={number}", dst=SHARED), dst=B4(1)))
      for name, number in (("dccp", 33), ("sctp", 132), ("udp-lite", 136))),
    *(unknown(f"6.2-{name}-to-a-shared-address", "no port says whose it is.",
              to_customer("data(20)", f",proto={number}", dst=SHARED), "protocol-without-ports")
      for name, number in (("gre", 47), ("esp", 50), ("ipv6", 41))),
    wrap("6.2-gre-to-a-whole-address", "no port is needed.", to_customer("data(20)", ",proto=47", dst=WHOLE),
         outer(to_customer("data(20)", ",proto=47", dst=WHOLE), dst=B4(4))),

    # --- §6.2, from the customers ---
    outbound("6.2-from-the-first-port", "1024 is PSID 1.", from_customer(QUERY(1024), src=SHARED), 1),
    outbound("6.2-from-the-last-port", "2047 is PSID 1.", from_customer(QUERY(2047), src=SHARED), 1),
    spoofed("6.2-from-the-port-of-another", "2048 is PSID 2.", from_customer(QUERY(2048), src=SHARED), 1),
    spoofed("6.2-from-the-port-of-nobody", "80 is PSID 0.", from_customer(QUERY(80), src=SHARED), 1),
    spoofed("6.2-from-the-address-of-another", "192.0.2.4 is another customer's.", from_customer(src=WHOLE), 1),
    spoofed("6.2-from-the-address-of-nobody", "192.0.2.99.", from_customer(src="192.0.2.99"), 1),
    spoofed("6.2-from-an-unknown-b4", "2001:db8:b4::77 has no softwire.", from_customer(QUERY(1024), src=SHARED), 77),
    spoofed("6.2-to-the-wrong-address-of-ours", "the softwire names another.", from_customer(src=WHOLE), 4, SECOND),
    outbound("6.2-to-another-address-of-ours", "the softwire names it.", from_customer(src=OTHER_BORDER), 5, SECOND),
    outbound("6.2-offset-4-from-a-port", "5376 is PSID 5.", from_customer(QUERY(5376), src=IN_PIECES), 3),
    spoofed("6.2-offset-4-from-a-low-port", "1281 belongs to nobody.", from_customer(QUERY(1281), src=IN_PIECES), 3),
    outbound("6.2-from-a-whole-address", "every port is the customer's.", from_customer(QUERY(80), src=WHOLE), 4),
    outbound("6.2-gre-from-a-whole-address", "no port is needed, though other addresses are shared.",
             from_customer("data(20)", ",proto=47", src=WHOLE), 4),
    outbound("6.2-from-a-prefix", "an address of the customer's prefix.", from_customer(src="192.0.2.64"), 6),
    spoofed("6.2-gre-from-a-shared-address", "no port says whose it is.",
            from_customer("data(20)", ",proto=47", src=SHARED), 1),
    case("6.2-spoofing-reported", "type 1, code 5.",
         from_ipv6(FORGED, "reply source-spoofed", reply6(f"'{B4(1)}'", FAILED_POLICY, FORGED, source=f"'{N}'")),
         config="lwaftr-report.yaml"),
    case("6.2-spoofing-from-an-unknown-b4-reported", "type 1, code 5.",
         from_ipv6(in_tunnel(from_customer(src=SHARED), src=B4(77)), "reply source-spoofed",
                   reply6(f"'{B4(77)}'", FAILED_POLICY, in_tunnel(from_customer(src=SHARED), src=B4(77)),
                          source=f"'{N}'")), config="lwaftr-report.yaml"),

    # --- §6.2, between customers ---
    case("6.2-hairpin", "out of one softwire and into the other, one hop.",
         from_ipv6(in_tunnel(from_customer("UDP(sport=1024,dport=2048)/data(20)", src=SHARED, dst=f"'{SHARED}'"),
                             src=B4(1)), "hairpin",
                   outer(from_customer("UDP(sport=1024,dport=2048)/data(20)", src=SHARED, dst=f"'{SHARED}'", ttl=62),
                         dst=B4(2)))),
    case("6.2-hairpin-to-another-address-of-ours", "each softwire by its own address.",
         from_ipv6(in_tunnel(from_customer(src=WHOLE, dst=f"'{OTHER_BORDER}'"), src=B4(4)), "hairpin",
                   outer(from_customer(src=WHOLE, dst=f"'{OTHER_BORDER}'", ttl=62), src=SECOND, dst=B4(5)))),
    case("6.2-hairpin-off", "the policy is configurable: the packet goes to the IPv4 routing.",
         from_ipv6(in_tunnel(from_customer(src=WHOLE, dst=f"'{OTHER_BORDER}'"), src=B4(4)), "to-ipv4",
                   from_customer(src=WHOLE, dst=f"'{OTHER_BORDER}'")), config="lwaftr-hairpin-off.yaml"),
    case("6.2-hairpin-gre", "between whole addresses.",
         from_ipv6(in_tunnel(from_customer("data(20)", ",proto=47", src=WHOLE, dst=f"'{OTHER_BORDER}'"), src=B4(4)),
                   "hairpin", outer(from_customer("data(20)", ",proto=47", src=WHOLE, dst=f"'{OTHER_BORDER}'", ttl=62),
                                    src=SECOND, dst=B4(5)))),

    case("6.2-hairpin-to-the-port-of-nobody", "the customer is told as anybody outside would be.",
         from_ipv6(in_tunnel(TO_NOBODY, src=B4(4)), "reply port-not-assigned",
                   hear(NO_SOFTWIRE4, TO_NOBODY, to=f"'{WHOLE}'"))),
    case("6.2-hairpin-to-the-port-of-nobody-unreported", "the policy is that of packets from outside.",
         from_ipv6(in_tunnel(TO_NOBODY, src=B4(4)), "drop port-not-assigned"), config="lwaftr-unreported.yaml"),
    case("6.2-hairpin-to-the-port-of-nobody-off", "without hairpinning it is for the IPv4 routing to find out.",
         from_ipv6(in_tunnel(TO_NOBODY, src=B4(4)), "to-ipv4", TO_NOBODY), config="lwaftr-hairpin-off.yaml"),
    unwrap("6.2-hairpin-to-the-address-of-nobody", "an address of the neighbourhood, but none of ours.",
           in_tunnel(from_customer(QUERY(80), src=WHOLE, dst="'192.0.2.99'"), src=B4(4)),
           from_customer(QUERY(80), src=WHOLE, dst="'192.0.2.99'")),
    case("6.2-hairpin-gre-to-a-shared-address", "no port says whose it is, and the customer is told.",
         from_ipv6(in_tunnel(GRE_TO_SHARED, src=B4(4)), "reply protocol-without-ports",
                   hear(NO_SOFTWIRE4, GRE_TO_SHARED, to=f"'{WHOLE}'"))),
    case("6.2-hairpin-error-to-the-port-of-nobody", "no error about an error.",
         from_ipv6(in_tunnel(ERROR_TO_NOBODY, src=B4(4)), "drop port-not-assigned")),
    unknown("6.2-gre-to-the-address-of-nobody", "that addresses are shared here says nothing about this one.",
            to_customer("data(20)", ",proto=47", dst="192.0.2.99")),
    case("6.2-fragment-to-the-address-of-nobody", "it is not held: no other fragment would tell more.",
         from_ipv4(FRAGMENT_TO_NOBODY, "reply no-softwire", hear(NO_SOFTWIRE4, FRAGMENT_TO_NOBODY))),
    case("6.2-fragments-inside-of-a-prefix", "192.0.2.66 is shared, though 192.0.2.64/29 has all its other ports.",
         *(from_ipv4(piece, *result) for piece, result in zip(
             cuts4(to_customer(ANSWER(1500), dst="192.0.2.66"), 16, 28, dst="'192.0.2.66'"),
             (("held",), ("to-ipv6", outer(to_customer(ANSWER(1500), dst="192.0.2.66"), dst=B4(7)))))),
         config="lwaftr-nested.yaml"),
    unknown_nested("6.2-gre-inside-of-a-prefix", "192.0.2.66 is shared.",
                   to_customer("data(20)", ",proto=47", dst="192.0.2.66")),
    wrap("6.2-fragment-beside-a-shared-address", "192.0.2.67 is not shared.",
         cuts4(to_customer(dst="192.0.2.67"), 16, 28, dst="'192.0.2.67'")[1],
         outer(cuts4(to_customer(dst="192.0.2.67"), 16, 28, dst="'192.0.2.67'")[1], dst=B4(6)),
         config="lwaftr-nested.yaml"),

    # --- §8.1 ---
    wrap("8.1-echo-reply", "the identifier is the port.", to_customer("ICMP(type=0,id=1500,seq=1)/data(20)", dst=SHARED),
         outer(to_customer("ICMP(type=0,id=1500,seq=1)/data(20)", dst=SHARED), dst=B4(1))),
    wrap("8.1-echo-request", "the identifier is the port.",
         to_customer("ICMP(type=8,id=2500,seq=1)/data(20)", dst=SHARED),
         outer(to_customer("ICMP(type=8,id=2500,seq=1)/data(20)", dst=SHARED), dst=B4(2))),
    unknown("8.1-echo-request-of-nobody", "the identifier is nobody's.",
            to_customer("ICMP(type=8,id=5,seq=1)/data(20)", dst=SHARED), "port-not-assigned"),
    outbound("8.1-echo-request-from-the-customer", "the identifier is the port.",
             from_customer("ICMP(type=8,id=1500,seq=1)/data(20)", src=SHARED), 1),
    spoofed("8.1-echo-request-with-the-identifier-of-another", "the identifier is the port.",
            from_customer("ICMP(type=8,id=2500,seq=1)/data(20)", src=SHARED), 1),
    *(wrap(f"8.1-{name}", "by the quoted packet's source port (RFC 5508 §4.2).",
           error4(from_customer(QUERY(1500), src=SHARED), SHARED, icmp),
           outer(error4(from_customer(QUERY(1500), src=SHARED), SHARED, icmp), dst=B4(1)))
      for name, icmp in (("port-unreachable", "ICMP(type=3,code=3)"), ("time-exceeded", "ICMP(type=11,code=0)"),
                         ("fragmentation-needed", "ICMP(type=3,code=4,nexthopmtu=1400)"))),
    wrap("8.1-error-about-an-echo-request", "by the quoted identifier.",
         error4(from_customer("ICMP(type=8,id=2500,seq=1)/data(20)", src=SHARED), SHARED),
         outer(error4(from_customer("ICMP(type=8,id=2500,seq=1)/data(20)", src=SHARED), SHARED), dst=B4(2))),
    drop4("8.1-error-about-the-port-of-nobody", "discarded, and no error about an error.",
          error4(from_customer(QUERY(80), src=SHARED), SHARED), "port-not-assigned"),
    drop4("8.1-error-about-a-protocol-without-ports", "nothing says whose it is.",
          error4(from_customer("data(20)", ",proto=47", src=SHARED), SHARED), "protocol-without-ports"),
    drop4("8.1-error-that-quotes-no-port", "three octets of UDP.",
          error4(f"cut({from_customer(QUERY(1500), src=SHARED)},23)", SHARED), "inner-packet-truncated"),
    *(wrap(f"8.1-{name}-to-a-whole-address", "no port is needed.", error4(quote, WHOLE),
           outer(error4(quote, WHOLE), dst=B4(4))) for name, quote in SHORT.items()),
    *(unwrap(f"8.1-{name}-from-a-whole-address", "no port is needed.",
             in_tunnel(from_customer(f"ICMP(type=3,code=3)/({quote})", src=WHOLE), src=B4(4)),
             from_customer(f"ICMP(type=3,code=3)/({quote})", src=WHOLE)) for name, quote in SHORT.items()),
    *(drop4(f"8.1-{name}-to-a-shared-address", "nothing says whose it is.", error4(quote, SHARED),
            "inner-packet-truncated") for name, quote in SHORT.items()),
    *(drop6(f"8.1-{name}-from-a-shared-address", "nothing says whose it is.",
            in_tunnel(from_customer(f"ICMP(type=3,code=3)/({quote})", src=SHARED), src=B4(1)),
            "inner-packet-truncated") for name, quote in SHORT.items()),
    drop6("8.1-short-quote-of-udp-between-customers", "nothing says whose it is.",
          in_tunnel(from_customer(f"ICMP(type=3,code=3)/({SHORT['short-quote-of-udp']})", src=WHOLE,
                                  dst=f"'{SHARED}'"), src=B4(4)), "inner-packet-truncated"),
    unknown("8.1-router-solicitation", "a message without an identifier.",
            to_customer("ICMP(type=10)/bytes(0)", dst=SHARED), "protocol-without-ports"),
    outbound("8.1-error-from-the-customer", "by the quoted packet's destination port.",
             from_customer(f"ICMP(type=3,code=3)/({to_customer(ANSWER(1500), dst=SHARED)})", src=SHARED), 1),
    spoofed("8.1-error-about-the-packet-of-another", "by the quoted packet's destination port.",
            from_customer(f"ICMP(type=3,code=3)/({to_customer(ANSWER(2500), dst=SHARED)})", src=SHARED), 1),
    kept_out("8.1-echo-request-kept-out", "the policy is configurable.", to_customer(PING(1500), dst=SHARED)),
    kept_out("8.1-echo-request-to-a-whole-address-kept-out", "the policy is configurable.",
             to_customer(PING(1500), dst=WHOLE)),
    kept_out("8.1-echo-request-of-nobody-kept-out", "whose it would be does not matter.",
             to_customer(PING(5), dst=SHARED)),
    kept_out("8.1-port-unreachable-kept-out", "the policy is configurable.", PORT_UNREACHABLE),
    kept_out("8.1-fragment-of-an-echo-request-kept-out", "it is not put together first.",
             cuts4(to_customer(PING(1500), dst=SHARED), 16, 28, dst=f"'{SHARED}'", proto=1)[1]),
    case("8.1-error-of-our-own-not-kept-out", "the IPv4 routing brings back what we tell our customers.",
         from_ipv4(hear(NO_SOFTWIRE4, from_customer(QUERY(1500), src=SHARED, dst="'192.0.2.99'"), to=f"'{SHARED}'"),
                   "to-ipv6",
                   outer(hear(NO_SOFTWIRE4, from_customer(QUERY(1500), src=SHARED, dst="'192.0.2.99'"),
                              to=f"'{SHARED}'"), dst=B4(1), extra=",tc=0xc0")), config="lwaftr-inbound-drop.yaml"),
    wrap("8.1-udp-is-not-kept-out", "the policy is about ICMP.", to_customer(ANSWER(1500), dst=SHARED),
         outer(to_customer(ANSWER(1500), dst=SHARED), dst=B4(1)), config="lwaftr-inbound-drop.yaml"),
    unwrap("8.1-echo-request-to-the-outside-not-kept-out", "the policy is about messages from there.",
           in_tunnel(from_customer(PING(1500), src=SHARED), src=B4(1)), from_customer(PING(1500), src=SHARED),
           config="lwaftr-inbound-drop.yaml"),
    case("8.1-hairpinned-echo-request-not-kept-out", "the policy is about messages from outside.",
         from_ipv6(in_tunnel(from_customer(PING(1500), src=WHOLE, dst=f"'{SHARED}'"), src=B4(4)), "hairpin",
                   outer(from_customer(PING(1500), src=WHOLE, dst=f"'{SHARED}'", ttl=62), dst=B4(1))),
         config="lwaftr-inbound-drop.yaml"),
    wrap("8.1-errors-alone-port-unreachable", "errors pass.", PORT_UNREACHABLE, outer(PORT_UNREACHABLE, dst=B4(1)),
         config="lwaftr-inbound-errors.yaml"),
    *(kept_out(f"8.1-errors-alone-{name}", "queries do not pass.", to_customer(icmp, dst=WHOLE),
               "lwaftr-inbound-errors.yaml")
      for name, icmp in (("echo-request", PING(1500)), ("echo-reply", "ICMP(type=0,id=1500,seq=1)/data(20)"),
                         ("router-solicitation", "ICMP(type=10)/bytes(0)"))),
    kept_out("8.1-errors-alone-fragment", "errors are small: what comes in pieces is none.",
             cuts4(to_customer(PING(1500), dst=WHOLE), 16, 28, dst=f"'{WHOLE}'", proto=1)[0],
             "lwaftr-inbound-errors.yaml"),
    case("8-error-from-inside-of-the-softwire", "RFC 2473 §8, by the quoted inner packet's port.",
         from_ipv6(tell("ICMPv6DestUnreach(code=0)", outer(to_customer(ANSWER(1500), dst=SHARED), dst=B4(1))), "to-ipv4",
                   hear(NO_SOFTWIRE4, to_customer(ANSWER(1500), dst=SHARED)))),
    drop6("8-error-from-inside-of-another-softwire", "the quoted packet's port belongs to another B4.",
          tell("ICMPv6DestUnreach(code=0)", outer(to_customer(ANSWER(2500), dst=SHARED), dst=B4(1))),
          "tunnel-error-not-relayed"),
    case("8-too-big-inside-of-one-softwire", "only that softwire's MTU is lowered.",
         from_ipv6(tell("ICMPv6PacketTooBig(mtu=1400)",
                        outer(to_customer("UDP(sport=53,dport=1500)/data(1432)", dst=SHARED), dst=B4(1))),
                   "drop tunnel-error-not-relayed"),
         from_ipv4(to_customer("UDP(sport=53,dport=1500)/data(1400)", ",flags='DF'", dst=SHARED),
                   "reply packet-too-big",
                   hear("ICMP(type=3,code=4,nexthopmtu=1360)",
                        to_customer("UDP(sport=53,dport=1500)/data(1400)", ",flags='DF'", dst=SHARED))),
         from_ipv4(to_customer("UDP(sport=53,dport=2500)/data(1400)", ",flags='DF'", dst=SHARED), "to-ipv6",
                   outer(to_customer("UDP(sport=53,dport=2500)/data(1400)", ",flags='DF'", dst=SHARED), dst=B4(2)))),
    case("6.2-fragments-to-a-shared-address", "the port is in the first one; the whole packet goes on.",
         *(from_ipv4(piece, *result) for piece, result in zip(
             cuts4(to_customer(ANSWER(1500), dst=SHARED), 16, 28, dst=f"'{SHARED}'"),
             (("held",), ("to-ipv6", outer(to_customer(ANSWER(1500), dst=SHARED), dst=B4(1))))))),
    case("6.2-fragments-to-the-port-of-nobody", "the sender hears of the whole packet.",
         *(from_ipv4(piece, *result) for piece, result in zip(
             cuts4(to_customer(ANSWER(80), dst=SHARED), 16, 28, dst=f"'{SHARED}'"),
             (("held",), ("reply port-not-assigned", hear(NO_SOFTWIRE4, to_customer(ANSWER(80), dst=SHARED))))))),
    case("6.2-fragments-of-a-softwire", "RFC 6333 §6.3: put together before they are taken out.",
         *(from_ipv6(piece, *result) for piece, result in zip(
             cuts6(in_tunnel(from_customer(QUERY(1500), src=SHARED), src=B4(1)), 24, 48, src=B4(1), dst=N),
             (("held",), ("to-ipv4", from_customer(QUERY(1500), src=SHARED)))))),
]
