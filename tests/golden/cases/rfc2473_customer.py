"""RFC 2473 §3: the customer's end of a tunnel, which knows its own IPv4 prefixes."""

from corpus import from_ipv4, reply4
from tunnels import B, N, from_customer, outer, section, to_customer

case, wrap, unwrap, drop4, drop6 = section("rfc2473", "ipip-customer.yaml")


def sent(name, note, packet):
    return wrap(name, note, packet, outer(packet, src=B, dst=N))


def received(name, note, packet):
    return unwrap(name, note, outer(packet), packet)


FOREIGN = from_customer(src="192.0.2.96")
ERROR = from_customer(f"ICMP(type=3,code=3)/({to_customer(dst='192.0.2.96')})", src="192.0.2.96")

CASES = [
    sent("3.1-customer-udp", "out to everywhere.", from_customer()),
    sent("3.1-customer-last-address", "an address of the prefix.", from_customer(src="192.0.2.95")),
    sent("3.1-customer-second-prefix", "there may be several.", from_customer(src="198.51.100.1")),
    sent("3.1-customer-gre", "any protocol.", from_customer("data(20)", ",proto=47")),
    sent("3.1-customer-port-0", "addresses are not shared.", from_customer("UDP(sport=0,dport=53)/data(20)")),
    case("3.1-customer-source-of-somebody-else", "ingress filtering: stopped where it begins, and told.",
         from_ipv4(FOREIGN, "reply source-not-ours", reply4("'192.0.2.96'", "ICMP(type=3,code=13)", FOREIGN))),
    drop4("3.1-customer-error-of-somebody-else", "ingress filtering: no error about an error.", ERROR, "source-not-ours"),
    received("3.3-customer-udp", "in from everywhere.", to_customer()),
    received("3.3-customer-last-address", "an address of the prefix.", to_customer(dst="192.0.2.95")),
    received("3.3-customer-second-prefix", "there may be several.", to_customer(dst="198.51.100.1")),
    received("3.3-customer-gre", "any protocol.", to_customer("data(20)", ",proto=47")),
    drop6("3.3-customer-destination-of-somebody-else", "nobody here has 192.0.2.96.",
          outer(to_customer(dst="192.0.2.96")), "destination-not-ours"),
    drop6("3.3-customer-from-another-end", "the tunnel has one other end.",
          outer(to_customer(), src="2001:db8:ffff::2"), "source-spoofed"),
    drop6("3.3-customer-to-another-end", "not for this end.", outer(to_customer(), dst="2001:db8:b4::3"),
          "destination-not-ours"),
]
