"""RFC 7597 §5, §8, §9 and Appendix A: the customer edge of MAP-E."""

from corpus import at, from_ipv4, from_ipv6
from nat44 import (BARE, HOST, NEIGHBOUR, PING, PONG, PROHIBITED, ROUTER6, TCP, TOO_BIG, UDP, UNREACHABLE, CustomerEnd,
                   ip, nat_cases, opens, pieces, zero_sum)

BR = "2001:db8:ffff::1"
CE = CustomerEnd("rfc7597", "map-e-ce.yaml", near="2001:db8:12:3400:0:c000:212:34", far=BR, public="192.0.2.18",
                 own4="T4")
WHOLE = CustomerEnd("rfc7597", "map-e-ce-whole.yaml", near="2001:db8:12:3400:0:c000:212:0", far=BR,
                    public="192.0.2.18", own4="T4")
PREFIX = CustomerEnd("rfc7597", "map-e-ce-prefix.yaml", near="2001:db8:10:0:0:c000:210:0", far=BR,
                     public="192.0.2.16", own4="T4")
OLD = CustomerEnd("rfc7597", "map-e-ce-draft-03.yaml", near="2001:db8:12:3400:c0:2:1200:3400", far=BR,
                  public="192.0.2.18", own4="T4")
# Another customer: 192.0.2.19, PSID 1, so ports 1028 to 1031 and so on.
OTHER, OTHER4, OTHER_PORT = "2001:db8:13:100:0:c000:213:1", "'192.0.2.19'", 1028
BEGIN, ANSWERED = opens(CE, 1232), CE.back(UDP(53, 1232), UDP(53, 5001))
case = CE.case


def of_size(octets, port, flags=""):
    return f"UDP(sport={port},dport=53)/data({octets - 28})", f",flags='{flags}'"


def spoofed(name, note, inner, by=OTHER, config=None):
    """Dropped though there is a binding that anybody may send to."""
    return case(name, note, BEGIN, from_ipv6(CE.received6(inner, by), "drop source-spoofed"), config=config)


INSIDE, DF = of_size(1461, 5001, "DF")
OUTSIDE = of_size(1461, 1232)[0]
FITS_IN, FITS_OUT = of_size(1460, 5001)[0], of_size(1460, 1232)[0]
LARGE_IN, LARGE_OUT = of_size(1500, 5001)[0], of_size(1500, 1232)[0]
HALVES = pieces(ip(LARGE_OUT, CE.public, "C4"), CE.public, "C4", 1440, 1480)
PORTS = (1232, 1233, 1234, 1235, 2256, 2257, 2258, 2259, 3280)
GATHERED = f"({ip('UDP(sport=5001,dport=53)/data(1200)', HOST, 'C4')})"
SYN = TCP(40000, 1232, "S")
SYN_REFUSED = CE.sent6(CE.told(UNREACHABLE, ip(SYN, "C4", CE.public), "C4", CE.public), extra=",tc=0xc0")
PROTOCOL_UNREACHABLE = "ICMP(type=3,code=2)"
ZERO = zero_sum(CE.public, "C4", 1232, 53)
ZERO_BACK = zero_sum("C4", HOST, 53, 5001)
SYN_WITH_MSS = "TCP(sport={},dport=80,flags='S',options=[('MSS',{})])".format
SYNACK_WITH_MSS = "TCP(sport=80,dport={},flags='SA',options=[('MSS',{})])".format
TO_OTHER_CE = ip(UDP(1232, OTHER_PORT), CE.public, OTHER4)
FROM_OTHER = ip(UDP(OTHER_PORT, 1232), OTHER4, CE.public)
FROM_OTHER_IN = ip(UDP(OTHER_PORT, 5001), OTHER4, HOST)


def unknown_at_home(inner):
    return from_ipv6(CE.received6(inner), "drop destination-not-ours")


CASES = [
    *nat_cases(CE, "9", 1232, 1233),
    *(CE.case(f"9-{name}", note, *steps) for name, note, *steps in (
        ("hairpin-ping-to-its-own-identifier", "RFC 5508 REQ-1: what a host sends to the public address comes back to "
         "whoever has the identifier.", from_ipv4(ip(PING(7), HOST, CE.public), "to-ipv4",
                                                  ip(PING(7), CE.public, HOST))),
        ("udp-checksum-zero", "what is computed to be 0 is sent as all ones (RFC 768).",
         CE.out(f"UDP(sport=5001,dport=53)/{ZERO}", f"UDP(sport=1232,dport=53)/{ZERO}"),
         CE.back(f"UDP(sport=53,dport=1232)/{ZERO_BACK}", f"UDP(sport=53,dport=5001)/{ZERO_BACK}")),
    )),
    # --- §5.1, §8: ports of the set alone ---
    case("5.1-ports-of-the-set", "PSID 52 with 6 bits before it: 4 ports out of each 1024.",
         *(CE.out(UDP(6000 + i, 53), UDP(port, 53)) for i, port in enumerate(PORTS))),
    case("5.1-identifiers-of-the-set", "§8.2: identifiers are given out as ports are.",
         *(CE.out(PING(i), PING(port)) for i, port in enumerate(PORTS))),
    case("5.1-system-port", "a host's port below 1024 becomes one of the set: there are no others.",
         CE.out(UDP(123, 123), UDP(1232, 123))),
    case("5.1-port-of-another-customer", "1236 is PSID 53; the border relay would not send it.",
         CE.no_way_in("no-binding", UDP(53, 1236))),
    # --- Appendix A ---
    case("a-example-1-customer", "the MAP address of the basic mapping rule.",
         CE.out(TCP(5001, 80, "S"), TCP(1232, 80, "S")), CE.back(TCP(80, 1232, "SA"), TCP(80, 5001, "SA"))),
    case("a-example-3-customer", "a packet for another customer goes there by the forwarding mapping rule.",
         from_ipv4(ip(UDP(5001, OTHER_PORT), HOST, OTHER4), "to-ipv6", CE.sent6(TO_OTHER_CE, OTHER)),
         from_ipv6(CE.received6(FROM_OTHER, OTHER), "to-ipv4", FROM_OTHER_IN)),
    WHOLE.case("a-example-4-customer", "a whole address has all ports from 1024 on.", opens(WHOLE, 1024),
               WHOLE.out(UDP(123, 123), UDP(1025, 123))),
    case("a-example-5-customer", "the PSID was given.", BEGIN, ANSWERED, config="map-e-ce-given.yaml"),
    PREFIX.case("5.2-prefix-of-the-customer", "192.0.2.16/28: the first address is used first.", opens(PREFIX, 1024),
                PREFIX.back(UDP(53, 1024), UDP(53, 5001))),
    OLD.case("6-draft-03-customer", "the interface identifier of draft-ietf-softwire-map-03.", opens(OLD, 1232),
             OLD.back(UDP(53, 1232), UDP(53, 5001))),
    # --- §5, §8.1: other customers ---
    case("5-no-forwarding-rule", "other customers are reached through the border relay.",
         from_ipv4(ip(UDP(5001, OTHER_PORT), HOST, OTHER4), "to-ipv6", CE.sent6(TO_OTHER_CE)),
         from_ipv6(CE.received6(FROM_OTHER), "to-ipv4", FROM_OTHER_IN),
         from_ipv6(CE.received6(FROM_OTHER, OTHER), "drop source-spoofed"), config="map-e-ce-no-fmr.yaml"),
    case("5-port-of-no-customer", "no rule matches address and port, so it is for the border relay to say.",
         from_ipv4(ip(UDP(5001, 80), HOST, OTHER4), "to-ipv6", CE.sent6(ip(UDP(1232, 80), CE.public, OTHER4)))),
    case("5-gre-to-a-shared-address", "no port says whose it is.",
         CE.refused("protocol-without-ports", "ICMP(type=3,code=1)", "data(20)", to=OTHER4, extra=",proto=47")),
    spoofed("8.1-port-of-another-set", "192.0.2.19 has 1028, and 1032 is PSID 2.",
            ip(UDP(1032, 1232), OTHER4, CE.public)),
    spoofed("8.1-customer-with-the-address-of-another", "192.0.2.20 is not in the sender's prefix.",
            ip(UDP(OTHER_PORT, 1232), "'192.0.2.20'", CE.public)),
    spoofed("8.1-address-of-the-internet", "only the border relay brings these.", ip(UDP(53, 1232), "C4", CE.public)),
    spoofed("8.1-identifier-of-another-set", "an identifier is looked at as a port is.",
            ip(PONG(1032), OTHER4, CE.public)),
    spoofed("8.1-from-nowhere", "an IPv6 address that no rule is for.", ip(UDP(53, 1232), "C4", CE.public),
            "2001:db8:ffff::9"),
    spoofed("8.1-from-nowhere-as-a-customer", "an IPv6 address that no rule is for.", FROM_OTHER, "2001:db8:ffff::9"),
    spoofed("8.1-customer-with-another-interface-identifier", "the prefix is the customer's, the address is not.", FROM_OTHER,
            "2001:db8:13:100::1"),
    spoofed("8.1-our-own-address", "what claims to be from here comes from nowhere else.",
            ip(UDP(1233, 1232), CE.public, CE.public), BR),
    case("8.1-border-relay-may-send-for-all", "its packets are not checked.", BEGIN,
         from_ipv6(CE.received6(FROM_OTHER), "to-ipv4", FROM_OTHER_IN)),
    case("8.1-second-border-relay", "any of them may send.", BEGIN,
         CE.back(UDP(53, 1232), UDP(53, 5001), far="2001:db8:ffff::2"), config="map-e-ce-borders.yaml"),
    case("8.1-fragments-of-another-customer", "put together before their port is looked at.", BEGIN,
         *(from_ipv6(CE.received6(piece, OTHER), *result) for piece, result in zip(
             pieces(FROM_OTHER, OTHER4, CE.public, 16, 28), (("held",), ("to-ipv4", FROM_OTHER_IN))))),
    case("8.1-spoofed-fragments-of-another-customer", "put together before their port is looked at.", BEGIN,
         *(from_ipv6(CE.received6(piece, OTHER), result) for piece, result in zip(
             pieces(ip(UDP(1032, 1232), OTHER4, CE.public), OTHER4, CE.public, 16, 28),
             ("held", "drop source-spoofed")))),
    case("8.1-not-for-this-customer", "another address than the customer's own.",
         unknown_at_home(ip(UDP(53, 1232), "C4", OTHER4)), unknown_at_home(ip(UDP(53, 5001), "C4", HOST))),
    case("8.1-multicast-from-the-border-relay", "not the customer's own either.",
         unknown_at_home(ip(UDP(53, 1232), "C4", "'224.0.0.251'"))),
    case("8.1-to-another-tunnel-end", "the prefix is ours, the address is not.",
         from_ipv6(CE.received6(ip(UDP(53, 1232), "C4", CE.public), near="2001:db8:12:3400::1"),
                   "drop destination-not-ours")),
    case("8-public-source-on-the-lan", "what has the public address already was not sent by a host.",
         CE.refused("source-not-ours", PROHIBITED, UDP(1232, 53), host=CE.public)),
    # --- §8.2: errors from inside of the tunnel ---
    case("8.2-no-route-in-the-tunnel", "RFC 2473 §8.3; the host reads of its own packet.", BEGIN,
         CE.heard("ICMPv6DestUnreach(code=0)", "ICMP(type=3,code=1)", UDP(1232, 53), UDP(5001, 53))),
    case("8.2-hop-limit-in-the-tunnel", "RFC 2473 §8.3.", BEGIN,
         CE.heard("ICMPv6TimeExceeded(code=0)", "ICMP(type=3,code=1)", UDP(1232, 53), UDP(5001, 53))),
    case("8.2-error-about-tcp-in-the-tunnel", "RFC 2473 §8.3.", CE.out(TCP(5001, 80, "S"), TCP(1232, 80, "S")),
         CE.heard("ICMPv6DestUnreach(code=0)", "ICMP(type=3,code=1)", TCP(1232, 80, "S"), TCP(5001, 80, "S"))),
    case("8.2-error-about-a-ping-in-the-tunnel", "RFC 2473 §8.3.", CE.out(PING(7), PING(1232)),
         CE.heard("ICMPv6DestUnreach(code=0)", "ICMP(type=3,code=1)", PING(1232), PING(7))),
    case("8.2-error-about-udp-without-checksum-in-the-tunnel", "RFC 2473 §8.3.",
         CE.out(BARE(5001, 53), BARE(1232, 53)),
         CE.heard("ICMPv6DestUnreach(code=0)", "ICMP(type=3,code=1)", BARE(1232, 53), BARE(5001, 53))),
    case("8.2-error-about-nothing-in-the-tunnel", "a binding that is not there.",
         from_ipv6(f"IPv6(src='{ROUTER6}',dst='{CE.near}')/ICMPv6DestUnreach(code=0)/"
                   f"quote6({CE.sent6(ip(UDP(1232, 53), CE.public, 'C4'))})", "drop tunnel-error-not-relayed")),
    case("8.2-error-about-another-tunnel", "what is quoted did not go from here.", BEGIN,
         from_ipv6(f"IPv6(src='{ROUTER6}',dst='{CE.near}')/ICMPv6DestUnreach(code=0)/"
                   f"quote6({CE.sent6(ip(UDP(1232, 53), CE.public, 'C4'), OTHER)})", "drop tunnel-error-not-relayed")),
    # --- §8.3: what does not fit ---
    case("8.3.1-1460-octets-fit", "1500 octets of IPv6.", CE.large_out(FITS_IN, CE.sent6(ip(FITS_OUT, CE.public, "C4",
                                                                                         DF)), extra=DF)),
    case("8.3.1-1461-octets-with-df", "RFC 2473 §7.2: the host is told, and reads of its own packet.",
         CE.large_out(INSIDE, extra=DF, told=TOO_BIG(1460))),
    case("8.3.1-1500-octets", "RFC 2473 §7.2: the tunnel packet is cut.",
         CE.large_out(LARGE_IN, *CE.cuts(CE.sent6(ip(LARGE_OUT, CE.public, "C4")), 1448, 1500))),
    case("8.3.1-1500-octets-cut-inside", "RFC 4459 §3.4: the IPv4 packet is cut, when it has its new address.",
         CE.large_out(LARGE_IN, *(CE.sent6(half) for half in HALVES)), config="map-e-ce-inner.yaml"),
    case("8.3.1-packet-too-big", "RFC 2473 §6.7: the path's MTU is learnt, and the host told.",
         CE.large_out(FITS_IN, CE.sent6(ip(FITS_OUT, CE.public, "C4", DF)), extra=DF),
         CE.heard("ICMPv6PacketTooBig(mtu=1400)", TOO_BIG(1360), FITS_OUT, FITS_IN, DF),
         CE.large_out(FITS_IN, extra=DF, told=TOO_BIG(1360))),
    case("8.3.1-tunnel-fragments", "put together before the decapsulation.", BEGIN,
         *CE.tunnel_cut_back(UDP(53, 1232), UDP(53, 5001), 24, 48)),
    case("8.3.1-tunnel-fragments-out-of-order", "put together before the decapsulation.", BEGIN,
         *CE.tunnel_cut_back(UDP(53, 1232), UDP(53, 5001), 24, 48, order=(1, 0))),
    case("8.3.1-mss", "both directions of a connection learn what fits.",
         CE.out(SYN_WITH_MSS(5001, 1460), SYN_WITH_MSS(1232, 1420)),
         CE.back(SYNACK_WITH_MSS(1232, 1460), SYNACK_WITH_MSS(5001, 1420)), config="map-e-ce-mss.yaml"),
    case("8.3.2-fragments-that-are-large-together", "put together, and cut again around.",
         *CE.cut_out("UDP(sport=5001,dport=53)/data(2000)", "UDP(sport=1232,dport=53)/data(2000)", 1480, 2008,
                     sent=CE.cuts(CE.sent6(ip("UDP(sport=1232,dport=53)/data(2000)", CE.public, "C4")), 1448, 2028))),
    # --- §9: what else a NAT does ---
    case("9-unsolicited-syn", "RFC 5382 REQ-4: nothing for 6 seconds, then Port Unreachable from the address that was "
         "called.", CE.no_way_in("unsolicited-syn", SYN), at(5.9), at(6.1, SYN_REFUSED)),
    case("9-simultaneous-open", "RFC 5382 REQ-2: a host calls too, and nothing is said.",
         CE.out(TCP(5001, 8080, "S"), TCP(1232, 8080, "S")),
         CE.back(TCP(40000, 1232, "S"), TCP(40000, 5001, "S"))),
    case("9-syn-answered-by-a-call", "RFC 5382 REQ-4: a host calls within 6 seconds.",
         CE.no_way_in("unsolicited-syn", SYN), at(3), CE.out(TCP(5001, 40000, "S"), TCP(1232, 40000, "S")), at(6.1)),
    case("9-gre-from-outside", "no port says whose it is; who sent it is told by the address that it was for.",
         from_ipv6(CE.received6(ip("data(20)", "C4", CE.public, ",proto=47")), "reply protocol-not-natted",
                   CE.sent6(CE.told(PROTOCOL_UNREACHABLE, ip("data(20)", "C4", CE.public, ",proto=47"), "C4",
                                    CE.public), extra=",tc=0xc0"))),
    case("9-port-forward", "RFC 6888 REQ-9.", CE.back(SYN, TCP(40000, 443, "S"), host="'192.168.1.80'"),
         CE.out(TCP(443, 40000, "SA"), TCP(1232, 40000, "SA"), host="'192.168.1.80'"),
         config="map-e-ce-static.yaml"),
    case("9-port-forward-is-not-given-out", "RFC 6888 REQ-9.", CE.out(TCP(5001, 80, "S"), TCP(1233, 80, "S")),
         config="map-e-ce-static.yaml"),
    case("9-hairpin-by-port-forward", "RFC 4787 REQ-9.",
         CE.across(TCP(5001, 1232, "S"), TCP(1233, 443, "S"), to="'192.168.1.80'"), config="map-e-ce-static.yaml"),
    case("9-no-hairpinning", "it can be turned off.", CE.out(UDP(5001, 53), UDP(1232, 53), host=NEIGHBOUR),
         from_ipv4(ip(UDP(5001, 1232), HOST, CE.public), "drop no-binding"), config="map-e-ce-hairpin-off.yaml"),
    case("11-address-dependent-filtering", "who was sent to may answer.", BEGIN, ANSWERED,
         CE.no_way_in("filtered", UDP(53, 1232), source="'198.51.100.9'"), config="map-e-ce-filter.yaml"),
    # --- RFC 2983, RFC 6040 ---
    case("8-dscp-and-ecn", "carried over; on the way back the inner DSCP stays, and a mark is passed on.",
         from_ipv4(ip(UDP(5001, 53), HOST, "C4", ",tos=0xba"), "to-ipv6",
                   CE.sent6(ip(UDP(1232, 53), CE.public, "C4", ",tos=0xba"), extra=",tc=0xba")),
         from_ipv6(CE.received6(ip(UDP(53, 1232), "C4", CE.public, ",tos=0x2a"), extra=",tc=0xbb"), "to-ipv4",
                   ip(UDP(53, 5001), "C4", HOST, ",tos=0x2b")),
         from_ipv6(CE.received6(ip(UDP(53, 1232), "C4", CE.public), extra=",tc=3"), "drop congestion-lost")),
    case("8-ttl-1", "the tunnel is one hop, counted by whoever routes the packet to it.",
         CE.out(UDP(5001, 53), UDP(1232, 53), ttl=1), CE.back(UDP(53, 1232), UDP(53, 5001), ttl=1)),
    case("8-echo-to-the-tunnel-end", "the customer edge is an IPv6 host.",
         from_ipv6(f"IPv6(src='{BR}',dst='{CE.near}')/ICMPv6EchoRequest(id=1,data=data(20))", "hairpin",
                   f"IPv6(src='{CE.near}',dst='{BR}')/ICMPv6EchoReply(id=1,data=data(20))")),
]
