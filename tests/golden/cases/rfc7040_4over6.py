"""RFC 7040 §4 and §6: the border relay of public 4over6, where every customer has addresses of their own."""

from corpus import from_ipv4, from_ipv6, reply6
from tunnels import N, NO_SOFTWIRE4, cuts4, from_customer, hear, in_tunnel, outer, section, to_customer

case, wrap, unwrap, drop4, drop6 = section("rfc7040", "4over6.yaml")

CE = "2001:db8:b4::{}".format


def inbound(name, note, ce, packet):
    return wrap(name, note, packet, outer(packet, dst=CE(ce)))


def outbound(name, note, ce, packet):
    return unwrap(name, note, in_tunnel(packet, src=CE(ce)), packet)


def spoofed(name, note, ce, packet):
    return drop6(name, note, in_tunnel(packet, src=CE(ce)), "source-spoofed")


FORGED = in_tunnel(from_customer(src="192.0.2.2"), src=CE(1))
CASES = [
    inbound("6-to-the-customer", "by the address alone.", 1, to_customer(dst="192.0.2.1")),
    inbound("6-to-another-customer", "by the address alone.", 2, to_customer(dst="192.0.2.2")),
    inbound("6-to-a-system-port", "every port is the customer's.", 1,
            to_customer("TCP(sport=40000,dport=80,flags='S')", dst="192.0.2.1")),
    inbound("6-gre-to-the-customer", "every protocol is the customer's.", 1,
            to_customer("data(20)", ",proto=47", dst="192.0.2.1")),
    inbound("6-first-fragment-to-the-customer", "no port is needed.", 1,
            cuts4(to_customer(), 16, 28, dst="'192.0.2.1'")[0]),
    inbound("6-last-fragment-to-the-customer", "no port is needed.", 1,
            cuts4(to_customer(), 16, 28, dst="'192.0.2.1'")[1]),
    inbound("6-error-to-the-customer", "not even one that quotes too little.", 1,
            f"IP(src=R4,dst='192.0.2.1')/ICMP(type=3,code=3)/cut({from_customer('data(20)', ',proto=47', src='192.0.2.1')},28)"),
    inbound("6-to-a-prefix", "a customer may have several.", 3, to_customer(dst="192.0.2.71")),
    inbound("6-to-an-address-in-the-prefix-of-another", "the longer one.", 4, to_customer(dst="192.0.2.66")),
    case("6-to-the-address-of-nobody", "discarded, and told.",
         from_ipv4(to_customer(dst="192.0.2.3"), "reply no-softwire",
                   hear(NO_SOFTWIRE4, to_customer(dst="192.0.2.3")))),
    outbound("6-from-the-customer", "address and tunnel belong together.", 1, from_customer(src="192.0.2.1")),
    outbound("6-gre-from-the-customer", "every protocol.", 1, from_customer("data(20)", ",proto=47", src="192.0.2.1")),
    outbound("6-fragment-from-the-customer", "no port is needed.", 1,
             cuts4(from_customer(), 16, 28, src="'192.0.2.1'", dst="C4")[1]),
    outbound("6-from-a-prefix", "any address of it.", 3, from_customer(src="192.0.2.64")),
    spoofed("6-from-the-address-of-another", "192.0.2.2 is another customer's.", 1, from_customer(src="192.0.2.2")),
    spoofed("6-from-an-address-in-the-prefix-that-another-has", "the longer one is another customer's.", 3,
            from_customer(src="192.0.2.66")),
    spoofed("6-from-an-unknown-customer", "2001:db8:b4::9 has no softwire.", 9, from_customer(src="192.0.2.1")),
    case("6-spoofing-reported", "as RFC 7596 §6.2 has it.",
         from_ipv6(FORGED, "reply source-spoofed",
                   reply6(f"'{CE(1)}'", "ICMPv6DestUnreach(code=5)", FORGED, source=f"'{N}'")),
         config="4over6-report.yaml"),
    case("6-between-customers", "straight back, one hop.",
         from_ipv6(in_tunnel(from_customer(src="192.0.2.1", dst="'192.0.2.2'"), src=CE(1)), "hairpin",
                   outer(from_customer(src="192.0.2.1", dst="'192.0.2.2'", ttl=62), dst=CE(2)))),
    case("6-fragment-between-customers", "no port is needed.",
         from_ipv6(in_tunnel(cuts4(from_customer(), 16, 28, src="'192.0.2.1'", dst="'192.0.2.2'", ttl=63)[1], src=CE(1)),
                   "hairpin", outer(cuts4(from_customer(), 16, 28, src="'192.0.2.1'", dst="'192.0.2.2'", ttl=62)[1],
                                    dst=CE(2)))),
]
