"""RFC 7596 §5: the lwB4."""

from corpus import at, from_ipv6
from nat44 import (HOST, PING, PROHIBITED, SECOND, TCP, TOO_BIG, UDP, CustomerEnd, ip, nat_cases, opens)

N = "2001:db8:ffff::1"
B4 = CustomerEnd("rfc7596", "lwb4.yaml", near="2001:db8:b4::2", far=N, public="192.0.2.18", own4="T4")
BEGIN = opens(B4, 1232)
case = B4.case
DF = ",flags='DF'"
TWO, REFUSING = "lwb4-two-ports.yaml", "lwb4-two-ports-refuse.yaml"


def full(protocol_out):
    """Both ports are taken."""
    return (protocol_out(5001, 2048), protocol_out(5002, 2049))


def udp(inside, outside, to="C4"):
    return B4.out(UDP(inside, 53), UDP(outside, 53), to=to)


CASES = [
    *nat_cases(B4, "5.2", 1232, 1233),
    case("5.2-from-another-address", "the tunnel has one other end.", BEGIN,
         from_ipv6(B4.received6(ip(UDP(53, 1232), "C4", B4.public), "2001:db8:ffff::2"), "drop source-spoofed")),
    case("5.2-to-another-address", "the customer's own alone.",
         from_ipv6(B4.received6(ip(UDP(53, 1232), "C4", "'192.0.2.19'")), "drop destination-not-ours")),
    case("5.2-to-a-port-of-another", "not in the port set.", B4.no_way_in("no-binding", UDP(53, 1236))),
    case("5.2-whole-address", "no PSID: every port from 1024 on.", opens(B4, 1024),
         B4.back(UDP(53, 1024), UDP(53, 5001)), config="lwb4-whole.yaml"),
    # --- a port set that is used up ---
    case("5.2-no-port", "RFC 5508 REQ-8: the host is told.", *full(udp),
         B4.refused("no-port", PROHIBITED, UDP(5003, 53)), config=REFUSING),
    case("5.2-no-port-for-tcp", "RFC 5508 REQ-8: the host is told.",
         *full(lambda i, o: B4.out(TCP(i, 80, "S"), TCP(o, 80, "S"))),
         B4.refused("no-port", PROHIBITED, TCP(5003, 80, "S")), udp(5003, 2048), config=REFUSING),
    case("5.2-no-identifier", "RFC 5508 REQ-8: the host is told.",
         *full(lambda i, o: B4.out(PING(i), PING(o))), B4.refused("no-port", PROHIBITED, PING(5003)), config=REFUSING),
    case("5.2-port-again-after-its-end", "a customer's port need not rest.", *full(udp), at(301), udp(5003, 2048),
         config=REFUSING),
    case("5.2-port-for-another-destination", "RFC 7857 §3: a port serves two hosts that talk to different servers.",
         *full(udp), udp(5003, 2048, to=SECOND), B4.back(UDP(53, 2048), UDP(53, 5003), source=SECOND),
         B4.back(UDP(53, 2048), UDP(53, 5001)), config=TWO),
    case("5.2-port-for-the-same-destination", "RFC 7857 §3: not where the answers would look alike.", *full(udp),
         B4.refused("no-port", PROHIBITED, UDP(5003, 53)), udp(5003, 2048, to=SECOND), config=TWO),
    # --- §5.2.1 ---
    case("5.2.1-error-in-the-tunnel", "RFC 2473 §8.3: who sent the packet is told.", BEGIN,
         B4.heard("ICMPv6DestUnreach(code=0)", "ICMP(type=3,code=1)", UDP(1232, 53), UDP(5001, 53))),
    case("5.2.1-too-big", "RFC 6333 §5.3.",
         B4.large_out("UDP(sport=5001,dport=53)/data(1433)", extra=DF, told=TOO_BIG(1460))),
    case("5.2.1-tunnel-fragments", "RFC 6333 §5.3.", BEGIN,
         *B4.tunnel_cut_back(UDP(53, 1232), UDP(53, 5001), 24, 48)),
]
