"""RFC 6333 §6, §8, §11 and Appendix B: the AFTR."""

from corpus import at, from_ipv4, from_ipv6, reply4
from nat44 import (HOST, NEIGHBOUR, PING, PONG, PROHIBITED, ROUTER6, TCP, TOO_BIG, UDP, UNREACHABLE, ProviderEnd, ip,
                   nat_cases, opens, pieces)

AFTR4, B4_IPV4 = "'192.0.0.1'", "'192.0.0.2'"
OTHER = "2001:db8:0:1::2"    # another B4
AFTR = ProviderEnd("rfc6333", "aftr.yaml", near="2001:db8:0:2::1", far="2001:db8:0:1::1", public="192.0.2.1",
                   own4=AFTR4)
SERVER = "'198.51.100.1'"
BEGIN, ANSWERED = opens(AFTR, 5000), AFTR.back(UDP(53, 5000), UDP(53, 5001))
case = AFTR.case
DF = ",flags='DF'"
LARGE = "UDP(sport=53,dport={})/data(1472)".format
FITS = "UDP(sport=53,dport={})/data(1432)".format
TOO_LARGE = "UDP(sport=53,dport={})/data(1433)".format
SYN = TCP(40000, 5000, "S")
MSS = "TCP(sport={},dport={},flags='{}',options=[('MSS',{})])".format
HALVES = pieces(ip(LARGE(5001), "C4", HOST), "C4", HOST, 1440, 1480)


def dropped(name, note, reason, inner, *, far=None, config=None):
    return case(name, note, from_ipv6(AFTR.received6(inner, far), f"drop {reason}"), config=config)


def refused_outside(reason, icmp, outside, extra=""):
    """Somebody in the Internet is told, by the address that was called."""
    packet = ip(outside, "C4", AFTR.public, extra)
    return from_ipv4(packet, f"reply {reason}", reply4("C4", icmp, packet, AFTR.public))


def from_elsewhere(name, note, source, ok=False, config=None):
    """RFC 6333 §11: whose addresses customers may have."""
    packet = UDP(5001, 53)
    step = (AFTR.out(packet, UDP(5000, 53), host=source) if ok else
            from_ipv6(AFTR.received6(ip(packet, source, "C4")), "drop source-not-ours"))
    return case(name, note, step, config=config)


CASES = [
    *nat_cases(AFTR, "8.2", 5000, 5001),
    # --- Appendix B: the examples ---
    case("b-gateway-example", "B.1: host 10.0.0.1 behind a gateway.",
         AFTR.out(TCP(10000, 80, "S"), TCP(5000, 80, "S"), host="'10.0.0.1'", to=SERVER),
         AFTR.back(TCP(80, 5000, "SA"), TCP(80, 10000, "SA"), host="'10.0.0.1'", source=SERVER)),
    case("b-host-example", "B.2: a host that is its own B4.",
         AFTR.out(TCP(10000, 80, "S"), TCP(5000, 80, "S"), host=B4_IPV4, to=SERVER),
         AFTR.back(TCP(80, 5000, "SA"), TCP(80, 10000, "SA"), host=B4_IPV4, source=SERVER)),
    # --- §6.6: the extended binding table ---
    case("6.6-the-same-address-behind-two-b4s", "the B4's address tells them apart.", BEGIN,
         AFTR.out(UDP(5001, 53), UDP(5001, 53), far=OTHER), ANSWERED,
         AFTR.back(UDP(53, 5001), UDP(53, 5001), far=OTHER)),
    case("6.6-two-hosts-behind-one-b4", "they share their subscriber's address.", BEGIN,
         AFTR.out(UDP(5001, 53), UDP(5001, 53), host=NEIGHBOUR),
         AFTR.back(UDP(53, 5001), UDP(53, 5001), host=NEIGHBOUR)),
    case("6.6-error-to-the-right-b4", "the binding says which one.", BEGIN,
         AFTR.out(UDP(5001, 53), UDP(5001, 53), far=OTHER),
         from_ipv4(ip(f"{UNREACHABLE}/({ip(UDP(5001, 53), AFTR.public, 'C4', ttl=9)})", "R4", AFTR.public), "to-ipv6",
                   AFTR.sent6(ip(f"{UNREACHABLE}/({ip(UDP(5001, 53), HOST, 'C4', ttl=9)})", "R4", HOST), OTHER))),
    case("6.6-error-of-the-wrong-b4", "another customer has not got what it quotes.", BEGIN, ANSWERED,
         from_ipv6(AFTR.received6(ip(f"{UNREACHABLE}/({ip(UDP(53, 5001), 'C4', HOST, ttl=9)})", HOST, "C4"), OTHER),
                   "drop no-binding")),
    # --- §11 ---
    *(from_elsewhere(f"11-from-{name}", "RFC 1918, or 192.0.0.0/29.", source, True) for name, source in (
        ("10", "'10.255.255.255'"), ("172", "'172.31.0.1'"), ("192-168", "'192.168.255.1'"),
        ("192-0-0", "'192.0.0.7'"))),
    *(from_elsewhere(f"11-not-from-{name}", "MUST be dropped.", source) for name, source in (
        ("public", "'198.51.100.77'"), ("the-pool", AFTR.public), ("172-32", "'172.32.0.1'"),
        ("192-0-0-8", "'192.0.0.8'"), ("shared-space", "'100.64.0.1'"))),
    from_elsewhere("11-authorized-out-of-band", "inside-prefixes.", "'100.64.0.1'", True, "aftr-inside.yaml"),
    from_elsewhere("11-not-authorized", "inside-prefixes replaces the private addresses.", HOST, False,
                   "aftr-inside.yaml"),
    case("11-registered-customers", "b4-prefixes: the tunnel packets of others are dropped.", BEGIN,
         from_ipv6(AFTR.received6(ip(UDP(5001, 53), HOST, "C4"), "2001:db8:0:9::1"), "drop b4-not-allowed"),
         config="aftr-b4s.yaml"),
    dropped("11-loopback", "RFC 1812 §5.3.7.", "illegal-source", ip(UDP(5001, 53), "'127.0.0.1'", "C4")),
    dropped("11-multicast", "RFC 1812 §5.3.7.", "illegal-destination", ip(UDP(5001, 53), HOST, "'224.0.0.251'")),
    case("11-quota", "one port for each customer; others have theirs.", BEGIN,
         AFTR.refused("subscriber-limit", PROHIBITED, UDP(5002, 53)), ANSWERED,
         AFTR.out(UDP(5002, 53), UDP(5001, 53), far=OTHER), config="aftr-quota.yaml"),
    # --- §8.2: what is refused, and who is told ---
    case("8.2-no-port", "RFC 5508 REQ-8: through the tunnel, from 192.0.0.1.", BEGIN,
         AFTR.refused("no-port", PROHIBITED, UDP(5002, 53)), ANSWERED,
         AFTR.refused("no-port", PROHIBITED, UDP(5001, 53), far=OTHER), config="aftr-one-port.yaml"),
    case("8.2-gre-from-outside", "no port says whose it is; who sent it is told by the address that it was for.",
         refused_outside("protocol-not-natted", "ICMP(type=3,code=2)", "data(20)", ",proto=47")),
    case("8.2-not-in-the-pool", "the routing should not have brought it.",
         from_ipv4(ip(UDP(53, 5000), "C4", "'192.0.2.2'"), "reply destination-not-mapped",
                   reply4("C4", PROHIBITED, ip(UDP(53, 5000), "C4", "'192.0.2.2'"), AFTR4))),
    case("8.2-unsolicited-syn", "RFC 5382 REQ-4: nothing for 6 seconds, then Port Unreachable from the address that was "
         "called.", AFTR.no_way_in("unsolicited-syn", SYN), at(5.9),
         at(6.1, reply4("C4", UNREACHABLE, ip(SYN, "C4", AFTR.public), AFTR.public))),
    case("8.2-syn-answered-by-a-call", "RFC 5382 REQ-4: the customer calls within 6 seconds.",
         AFTR.no_way_in("unsolicited-syn", SYN), at(3), AFTR.out(TCP(5001, 40000, "S"), TCP(5000, 40000, "S")),
         at(6.1)),
    case("8.2-static-binding", "RFC 6888 REQ-9.",
         AFTR.back(TCP(40000, 5443, "S"), TCP(40000, 443, "S"), host="'192.168.1.80'"),
         AFTR.out(TCP(443, 40000, "SA"), TCP(5443, 40000, "SA"), host="'192.168.1.80'"), config="aftr-static.yaml"),
    case("8.2-hairpin-between-two-b4s", "RFC 4787 REQ-9: out of one tunnel and into the other.",
         AFTR.out(UDP(5001, 53), UDP(5000, 53), far=OTHER),
         AFTR.across(UDP(5001, 5000), UDP(5001, 5001), to=HOST, back=OTHER),
         AFTR.across(UDP(5001, 5001), UDP(5000, 5001), to=HOST, far=OTHER)),
    case("8.2-no-hairpinning", "it can be turned off: the packet goes to the IPv4 routing.",
         AFTR.out(UDP(5001, 53), UDP(5000, 53), far=OTHER),
         from_ipv6(AFTR.received6(ip(UDP(5001, 5000), HOST, AFTR.public)), "to-ipv4",
                   ip(UDP(5001, 5000), AFTR.public, AFTR.public)), config="aftr-hairpin-off.yaml"),
    # --- §6.3: what does not fit ---
    case("6.3-1460-octets-fit", "1500 octets of IPv6.", BEGIN,
         AFTR.large_back(FITS(5000), AFTR.sent6(ip(FITS(5001), "C4", HOST, DF)), extra=DF)),
    case("6.3-1461-octets-with-df", "RFC 2473 §7.2: who sent it is told, by an address that the Internet knows.", BEGIN,
         AFTR.large_back(TOO_LARGE(5000), extra=DF, told=TOO_BIG(1460), by=AFTR.public)),
    case("6.3-1500-octets", "the IPv6 packet is cut, after the encapsulation.", BEGIN,
         AFTR.large_back(LARGE(5000), *AFTR.cuts(AFTR.sent6(ip(LARGE(5001), "C4", HOST)), 1448, 1500))),
    case("6.3-1500-octets-cut-inside", "RFC 4459 §3.4.", BEGIN,
         AFTR.large_back(LARGE(5000), *(AFTR.sent6(half) for half in HALVES)), config="aftr-inner.yaml"),
    case("6.3-tunnel-fragments", "put together before the decapsulation.",
         *AFTR.tunnel_cut_out(UDP(5001, 53), UDP(5000, 53), 24, 48)),
    case("6.3-tunnel-fragments-out-of-order", "put together before the decapsulation.",
         *AFTR.tunnel_cut_out(UDP(5001, 53), UDP(5000, 53), 24, 48, order=(1, 0))),
    case("6.3-mss", "both directions of a connection learn what fits.",
         AFTR.out(MSS(5001, 80, "S", 1460), MSS(5000, 80, "S", 1420)),
         AFTR.back(MSS(80, 5000, "SA", 1460), MSS(80, 5001, "SA", 1420)), config="aftr-mss.yaml"),
    # --- §6.5: 192.0.0.1 ---
    case("6.5-echo-to-the-aftr", "answered inside of the tunnel.",
         from_ipv6(AFTR.received6(ip(PING(7), HOST, AFTR4)), "hairpin",
                   AFTR.sent6(ip(PONG(7), AFTR4, HOST, ttl=64)))),
    case("6.5-echo-from-the-b4", "answered inside of the tunnel.",
         from_ipv6(AFTR.received6(ip(PING(7), B4_IPV4, AFTR4, ttl=1), OTHER), "hairpin",
                   AFTR.sent6(ip(PONG(7), AFTR4, B4_IPV4, ttl=64), OTHER))),
    dropped("6.5-udp-to-the-aftr", "it has no other services.", "destination-not-ours",
            ip(UDP(5001, 53), HOST, AFTR4)),
    case("6.5-last-hop", "192.0.0.1 appears in traceroute outputs.",
         AFTR.refused("inner-ttl-exceeded", "ICMP(type=11,code=0)", UDP(5001, 33434), ttl=1)),
    # --- §7.1 ---
    case("7.1-aftr-traffic-class", "carried over in both directions; ECN by RFC 6040.", BEGIN,
         from_ipv4(ip(UDP(53, 5000), "C4", AFTR.public, ",tos=0xba"), "to-ipv6",
                   AFTR.sent6(ip(UDP(53, 5001), "C4", HOST, ",tos=0xba"), extra=",tc=0xba")),
         from_ipv6(AFTR.received6(ip(UDP(5001, 53), HOST, "C4", ",tos=0x2a"), extra=",tc=0xbb"), "to-ipv4",
                   ip(UDP(5000, 53), AFTR.public, "C4", ",tos=0xbb"))),
    case("7.1-aftr-keeps-dscp", "RFC 2983 §3.1.",
         from_ipv6(AFTR.received6(ip(UDP(5001, 53), HOST, "C4", ",tos=0x2a"), extra=",tc=0xbb"), "to-ipv4",
                   ip(UDP(5000, 53), AFTR.public, "C4", ",tos=0x2b")), config="aftr-dscp-keep.yaml"),
    case("7.1-no-route-to-the-b4", "RFC 2473 §8.3; who sent the packet reads of the address that it knows.", BEGIN,
         ANSWERED,
         AFTR.heard("ICMPv6DestUnreach(code=0)", "ICMP(type=3,code=1)", UDP(53, 5001), UDP(53, 5000))),
    case("7.1-no-route-to-the-b4-for-tcp", "RFC 2473 §8.3.", AFTR.out(TCP(5001, 80, "S"), TCP(5000, 80, "S")),
         AFTR.heard("ICMPv6DestUnreach(code=0)", "ICMP(type=3,code=1)", TCP(80, 5001, "SA"), TCP(80, 5000, "SA"))),
    case("7.1-no-route-to-the-b4-for-a-ping", "RFC 2473 §8.3.", AFTR.out(PING(7), PING(5000)),
         AFTR.heard("ICMPv6DestUnreach(code=0)", "ICMP(type=3,code=1)", PONG(7), PONG(5000))),
    case("7.1-packet-too-big-on-the-way-to-the-b4", "RFC 2473 §6.7: learnt for this B4 alone.", BEGIN,
         AFTR.out(UDP(5001, 53), UDP(5001, 53), far=OTHER),
         AFTR.heard("ICMPv6PacketTooBig(mtu=1400)", TOO_BIG(1360), FITS(5001), FITS(5000), DF),
         AFTR.large_back(FITS(5000), extra=DF, told=TOO_BIG(1360), by=AFTR.public),
         AFTR.back(FITS(5001), FITS(5001), extra=DF, far=OTHER)),
    case("7.1-error-about-nothing", "no binding: it did not go from here.",
         from_ipv6(f"IPv6(src='{ROUTER6}',dst='{AFTR.near}')/ICMPv6DestUnreach(code=0)/"
                   f"quote6({AFTR.sent6(ip(UDP(53, 5001), 'C4', HOST))})", "drop tunnel-error-not-relayed")),
    case("7.1-echo-to-the-tunnel-end", "the AFTR is an IPv6 host.",
         from_ipv6(f"IPv6(src='{AFTR.far}',dst='{AFTR.near}')/ICMPv6EchoRequest(id=1,data=data(20))", "hairpin",
                   f"IPv6(src='{AFTR.near}',dst='{AFTR.far}')/ICMPv6EchoReply(id=1,data=data(20))")),
    case("6.2-to-another-address", "not for this end.",
         from_ipv6(AFTR.received6(ip(UDP(5001, 53), HOST, "C4"), near="2001:db8:0:2::2"),
                   "drop destination-not-ours")),
]
