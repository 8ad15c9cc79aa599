"""RFC 7599 §5, §8, §9 and Appendix A: the customer edge of MAP-T."""

from corpus import at, from_ipv4, from_ipv6, reply4, reply6
from nat import numbered
from nat44 import HOST, NEIGHBOUR, PING, PONG, PROHIBITED, TCP, TOO_BIG, UDP, UNREACHABLE, Side, ip, pieces

# The default mapping rule's prefix is 2001:db8:ffff::/64 (RFC 6052 §2.2).
C6 = "2001:db8:ffff:0:cb:71:700:0"        # 203.0.113.7
D6 = "2001:db8:ffff:0:c6:3364:900:0"      # 198.51.100.9
R46 = "2001:db8:ffff:0:c6:3364:100:0"     # 198.51.100.1
SECOND = "'198.51.100.9'"
OTHER4, OTHER = "'192.0.2.19'", "2001:db8:13:100:0:c000:213:1"    # PSID 1: 1028 to 1031
T6 = "'2001:db8:12:3400:0:c000:212:34'"
SIX = {"C4": C6, SECOND: D6, "R4": R46, OTHER4: OTHER}
PING6 = "ICMPv6EchoRequest(id={},seq=1,data=data(20))".format
PONG6 = "ICMPv6EchoReply(id={},seq=1,data=data(20))".format
PORT6 = "ICMPv6DestUnreach(code=4)"


class CustomerEdge(Side):
    """MAP-T: as IPv6 packets, and with a hop."""

    def case(self, name, note, *steps, config=None):
        return super().case(name, note, *numbered(steps), config=config)

    def six(self, payload, to="C4", hlim=62, extra=""):
        return f"IPv6(src='{self.near}',dst='{SIX.get(to, to)}',hlim={hlim}{extra})/{payload}"

    def from_six(self, payload, source="C4", hlim=60, extra="", dst=None):
        return f"IPv6(src='{SIX.get(source, source)}',dst='{dst or self.near}',hlim={hlim}{extra})/{payload}"

    def out(self, inside, outside, *, host=HOST, to="C4"):
        return from_ipv4(ip(inside, host, to), "to-ipv6", self.six(outside, to))

    def back(self, outside, inside, *, host=HOST, source="C4"):
        return from_ipv6(self.from_six(outside, source), "to-ipv4",
                         f"IP(src={source},dst={host},ttl=59,id=NEXT)/{inside}")

    def no_way_in(self, reason, outside, *, source="C4", dst=None):
        return from_ipv6(self.from_six(outside, source, dst=dst), f"drop {reason}")

    def refused(self, reason, icmp, inside, *, host=HOST, to="C4", extra="", ttl=63):
        packet = ip(inside, host, to, extra, ttl)
        return from_ipv4(packet, f"reply {reason}", self.told(icmp, packet, host))

    def refused6(self, reason, icmp, outside, *, source):
        packet = self.from_six(outside, source)
        return from_ipv6(packet, f"reply {reason}", reply6(f"'{SIX.get(source, source)}'", icmp, packet, T6))

    def across(self, inside, outside, *, host=HOST, to=NEIGHBOUR):
        return from_ipv4(ip(inside, host, self.public), "to-ipv4", ip(outside, self.public, to))

    def error_in6(self, icmp6, icmp4, outside, inside, to="C4"):
        """A router of the Internet, or of the IPv6 network, reports what the host has sent."""
        return from_ipv6(self.from_six(f"{icmp6}/({self.six(outside, to, 9)})", "R4"), "to-ipv4",
                         f"IP(src=R4,dst={HOST},ttl=59,id=NEXT)/{icmp4}/(IP(src={HOST},dst={to},ttl=9,id=0)/{inside})")

    def error_out6(self, icmp4, icmp6, inside, outside, by=HOST):
        """The host, or a router near it, reports what it has got."""
        return from_ipv4(ip(f"{icmp4}/(IP(src=C4,dst={HOST},ttl=9,id=0)/{inside})", by, "C4"), "to-ipv6",
                         self.six(f"{icmp6}/({self.from_six(outside, hlim=9)})"))


CE = CustomerEdge("rfc7599", "map-t-ce.yaml", near="2001:db8:12:3400:0:c000:212:34", far=None, public="192.0.2.18",
                  own4="T4")
WHOLE = CustomerEdge("rfc7599", "map-t-ce-whole.yaml", near="2001:db8:12:3400:0:c000:212:0", far=None,
                     public="192.0.2.18", own4="T4")
ONE = CustomerEdge("rfc7599", "map-t-ce-one-port.yaml", near="2001:db8:12:3400:0:c000:212:800", far=None,
                   public="192.0.2.18", own4="T4")
OLD = CustomerEdge("rfc7599", "map-t-ce-draft-03.yaml", near="2001:db8:12:3400:c0:2:1200:3400", far=None,
                   public="192.0.2.18", own4="T4")
case = CE.case
BEGIN, ANSWERED = CE.out(UDP(5001, 53), UDP(1232, 53)), CE.back(UDP(53, 1232), UDP(53, 5001))
CONNECTS = CE.out(TCP(5001, 80, "S"), TCP(1232, 80, "S"))
PINGS, PONGS = CE.out(PING(7), PING6(1232)), CE.back(PONG6(1232), PONG(7))
PORTS = (1232, 1233, 1234, 1235, 2256, 2257, 2258, 2259, 3280)
SYN = TCP(40000, 1232, "S")
FAILED_POLICY = "ICMPv6DestUnreach(code=5)"
DF = ",flags='DF'"
LONG_IN, LONG_OUT = "UDP(sport=5001,dport=53)/data(100)", "UDP(sport=1232,dport=53)/data(100)"
LONG_BACK, LONG_BACK_IN = "UDP(sport=53,dport=1232)/data(100)", "UDP(sport=53,dport=5001)/data(100)"
FRAGMENTS = pieces(ip(LONG_IN, HOST, "C4"), HOST, "C4", 56, 108)
FRAGMENTS6 = [CE.from_six(f"IPv6ExtHdrFragment(nh=17,id=7,offset={start // 8},m={more})/"
                          f"raw({CE.from_six(LONG_BACK)})[{40 + start}:{40 + end}]", extra=",nh=44")
              for start, end, more in ((0, 56, 1), (56, 108, 0))]
KINDS = (("port-unreachable", UNREACHABLE, PORT6), ("host-unreachable", "ICMP(type=3,code=1)",
                                                     "ICMPv6DestUnreach(code=0)"),
         ("time-exceeded", "ICMP(type=11,code=0)", "ICMPv6TimeExceeded(code=0)"))
MSS = "TCP(sport={},dport={},flags='{}',options=[('MSS',{})])".format


def whole(result):
    """The fragments of the host, together."""
    return from_ipv4(FRAGMENTS[1], "to-ipv6", result)


CASES = [
    # --- §8.1, §8.2: out and back ---
    case("8.1-udp-out-and-back", "the NAT, then the translation.", BEGIN, ANSWERED),
    case("8.1-tcp-out-and-back", "a connection begins.", CONNECTS,
         CE.back(TCP(80, 1232, "SA"), TCP(80, 5001, "SA")), CE.out(TCP(5001, 80, "A"), TCP(1232, 80, "A"))),
    case("9-ping-out-and-back", "the identifier is derived from the PSID.", PINGS, PONGS),
    case("8.1-udp-without-checksum", "RFC 7915 §4.5: it gets one.",
         CE.out("UDP(sport=5001,dport=53,chksum=0)/data(20)", UDP(1232, 53))),
    case("8.1-odd-udp", "an odd number of octets.",
         CE.out("UDP(sport=5001,dport=53)/data(21)", "UDP(sport=1232,dport=53)/data(21)")),
    case("8.1-ports-of-the-set", "PSID 52 with 6 bits before it: 4 ports out of each 1024.",
         *(CE.out(UDP(6000 + i, 53), UDP(port, 53)) for i, port in enumerate(PORTS))),
    case("9-identifiers-of-the-set", "as ports are.", *(CE.out(PING(i), PING6(port)) for i, port in enumerate(PORTS))),
    case("8.1-two-hosts-with-one-port", "each has its own.", BEGIN,
         CE.out(UDP(5001, 53), UDP(1233, 53), host=NEIGHBOUR), CE.back(UDP(53, 1233), UDP(53, 5001), host=NEIGHBOUR),
         ANSWERED),
    case("8.1-one-port-for-all-destinations", "RFC 4787 REQ-1.", BEGIN,
         CE.out(UDP(5001, 123), UDP(1232, 123), to=SECOND), CE.back(UDP(123, 1232), UDP(123, 5001), source=SECOND)),
    case("8.2-port-of-another-customer", "MUST be dropped in silence.", CE.no_way_in("no-binding", UDP(53, 1236))),
    case("8.2-nobody-has-the-port", "dropped in silence.", CE.no_way_in("no-binding", UDP(53, 1232)),
         CE.no_way_in("no-binding", PING6(1232))),
    case("8.2-udp-ends-after-5-minutes", "RFC 4787 REQ-5.", BEGIN, at(299), ANSWERED, at(600),
         CE.no_way_in("no-binding", UDP(53, 1232))),
    # --- Appendix A ---
    case("a-example-1-customer", "the MAP address of the basic mapping rule.", CONNECTS,
         CE.back(TCP(80, 1232, "SA"), TCP(80, 5001, "SA"))),
    case("a-example-3-customer", "a packet for another customer goes there by the forwarding mapping rule.",
         CE.out(UDP(5001, 1028), UDP(1232, 1028), to=OTHER4), CE.back(UDP(1028, 1232), UDP(1028, 5001), source=OTHER4)),
    WHOLE.case("a-example-4-customer", "a whole address has all ports from 1024 on.",
               WHOLE.out(UDP(5001, 53), UDP(1024, 53)), WHOLE.back(UDP(53, 1024), UDP(53, 5001))),
    OLD.case("6-draft-03-customer", "the interface identifier of draft-ietf-softwire-map-03.",
             OLD.out(UDP(5001, 53), UDP(1232, 53)), OLD.back(UDP(53, 1232), UDP(53, 5001))),
    # --- §8.1, §8.2: other customers ---
    case("8.1-no-forwarding-rule", "other customers are in the default mapping rule.",
         from_ipv4(ip(UDP(5001, 1028), HOST, OTHER4), "to-ipv6",
                   CE.six(UDP(1232, 1028), "2001:db8:ffff:0:c0:2:1300:0")), config="map-t-ce-no-fmr.yaml"),
    case("8.1-port-of-no-customer", "no rule matches address and port but the default one.",
         from_ipv4(ip(UDP(5001, 80), HOST, OTHER4), "to-ipv6", CE.six(UDP(1232, 80), "2001:db8:ffff:0:c0:2:1300:0"))),
    case("8.2-port-of-another-set", "192.0.2.19 has 1028, and 1032 is PSID 2: its sender SHOULD be told.", BEGIN,
         CE.refused6("source-spoofed", FAILED_POLICY, UDP(1032, 1232), source=OTHER4)),
    case("8.2-identifier-of-another-set", "as a port is.", PINGS,
         CE.refused6("source-spoofed", FAILED_POLICY, PONG6(1032), source=OTHER4)),
    case("8.2-another-interface-identifier", "the prefix is the customer's, the address is not.", BEGIN,
         CE.refused6("source-spoofed", FAILED_POLICY, UDP(1028, 1232), source="2001:db8:13:100::1")),
    case("8.2-from-nowhere", "neither the default rule's prefix nor a forwarding rule's.", BEGIN,
         CE.refused6("source-not-mapped", "ICMPv6DestUnreach(code=1)", UDP(53, 1232), source="3fff::1")),
    case("8.2-to-another-address", "the prefix is ours, the address is not.",
         CE.no_way_in("destination-not-ours", UDP(53, 1232), dst="2001:db8:12:3400::1")),
    case("8.1-public-source-on-the-lan", "what has the public address already was not sent by a host.",
         CE.refused("source-not-ours", PROHIBITED, UDP(1232, 53), host=CE.public)),
    case("8.1-ttl-1", "RFC 7915 §4.1: the customer edge is a router.",
         CE.refused("ttl-exceeded", "ICMP(type=11,code=0)", UDP(5001, 53), ttl=1)),
    case("8.2-hop-limit-1", "RFC 7915 §5.1.", BEGIN,
         from_ipv6(CE.from_six(UDP(53, 1232), hlim=1), "reply hop-limit-exceeded",
                   reply6(f"'{C6}'", "ICMPv6TimeExceeded(code=0)", CE.from_six(UDP(53, 1232), hlim=1), T6))),
    case("8.1-traffic-class", "RFC 7915 §4.1, §5.1: copied.", from_ipv4(ip(UDP(5001, 53), HOST, "C4", ",tos=0xbb"),
                                                                       "to-ipv6", CE.six(UDP(1232, 53), extra=",tc=0xbb")),
         from_ipv6(CE.from_six(UDP(53, 1232), extra=",tc=0x2b"), "to-ipv4",
                   f"IP(src=C4,dst={HOST},ttl=59,id=NEXT,tos=0x2b)/{UDP(53, 5001)}")),
    # --- §9: errors ---
    *(case(f"9-{name}-about-udp", "RFC 5508 REQ-4: what is quoted is rewritten too.", BEGIN,
           CE.error_in6(icmp6, icmp4, UDP(1232, 53), UDP(5001, 53))) for name, icmp4, icmp6 in KINDS),
    case("9-too-big-about-udp", "RFC 7915 §5.2: 20 octets less.", BEGIN,
         CE.error_in6("ICMPv6PacketTooBig(mtu=1400)", TOO_BIG(1380), UDP(1232, 53), UDP(5001, 53))),
    case("9-error-about-tcp", "what is quoted is rewritten too.", CONNECTS,
         CE.error_in6(PORT6, UNREACHABLE, TCP(1232, 80, "S"), TCP(5001, 80, "S"))),
    case("9-error-about-a-ping", "the quoted identifier is rewritten.", PINGS,
         CE.error_in6("ICMPv6TimeExceeded(code=0)", "ICMP(type=11,code=0)", PING6(1232), PING(7))),
    case("9-error-about-nothing", "RFC 5508 REQ-4: without a binding it is dropped.",
         from_ipv6(CE.from_six(f"{PORT6}/({CE.six(UDP(1232, 53), hlim=9)})", "R4"), "drop no-binding")),
    *(case(f"9-{name}-from-inside", "RFC 5508 REQ-5: what is quoted is rewritten too.", BEGIN, ANSWERED,
           CE.error_out6(icmp4, icmp6, UDP(53, 5001), UDP(53, 1232))) for name, icmp4, icmp6 in KINDS),
    case("9-error-from-inside-about-tcp", "what is quoted is rewritten too.", CONNECTS,
         CE.back(TCP(80, 1232, "SA"), TCP(80, 5001, "SA")),
         CE.error_out6(UNREACHABLE, PORT6, TCP(80, 5001, "SA"), TCP(80, 1232, "SA"))),
    case("9-error-from-inside-about-a-ping", "the quoted identifier is rewritten.", PINGS, PONGS,
         CE.error_out6("ICMP(type=11,code=0)", "ICMPv6TimeExceeded(code=0)", PONG(7), PONG6(1232))),
    case("9-error-from-a-router-inside", "RFC 5508 REQ-5: it comes from the binding's address.", BEGIN, ANSWERED,
         CE.error_out6("ICMP(type=11,code=0)", "ICMPv6TimeExceeded(code=0)", UDP(53, 5001), UDP(53, 1232),
                       by="'192.168.1.99'")),
    # --- §10: fragments, and what does not fit ---
    case("10-fragments-out", "put together, since one port is looked for.", from_ipv4(FRAGMENTS[0], "held"),
         whole(CE.six(LONG_OUT))),
    case("10-fragments-out-of-order-out", "RFC 4787 REQ-14.", from_ipv4(FRAGMENTS[1], "held"),
         from_ipv4(FRAGMENTS[0], "to-ipv6", CE.six(LONG_OUT))),
    case("10-fragments-back", "put together, since one port is looked for.", BEGIN,
         from_ipv6(FRAGMENTS6[0], "held"),
         from_ipv6(FRAGMENTS6[1], "to-ipv4", f"IP(src=C4,dst={HOST},ttl=59,id=7)/{LONG_BACK_IN}")),
    case("10-fragments-out-of-order-back", "RFC 4787 REQ-14.", BEGIN, from_ipv6(FRAGMENTS6[1], "held"),
         from_ipv6(FRAGMENTS6[0], "to-ipv4", f"IP(src=C4,dst={HOST},ttl=59,id=7)/{LONG_BACK_IN}")),
    case("10-1480-octets-with-df", "1500 octets of IPv6.",
         from_ipv4(ip("UDP(sport=5001,dport=53)/data(1452)", HOST, "C4", DF), "to-ipv6",
                   CE.six("UDP(sport=1232,dport=53)/data(1452)"))),
    case("10-1481-octets-with-df", "the host is told, and reads of its own packet.",
         CE.refused("packet-too-big", TOO_BIG(1480), "UDP(sport=5001,dport=53)/data(1453)", extra=DF)),
    case("10-mss", "both directions of a connection learn what fits.",
         CE.out(MSS(5001, 80, "S", 1460), MSS(1232, 80, "S", 1440)),
         CE.back(MSS(80, 1232, "SA", 1460), MSS(80, 5001, "SA", 1440)), config="map-t-ce-mss.yaml"),
    # --- §11: what else a NAT does ---
    case("11-unsolicited-syn", "RFC 5382 REQ-4: nothing for 6 seconds, then Port Unreachable, which the border relay "
         "translates.", CE.no_way_in("unsolicited-syn", SYN), at(5.9),
         at(6.1, reply6(f"'{C6}'", PORT6, CE.from_six(SYN), T6))),
    case("11-syn-answered-by-a-call", "RFC 5382 REQ-4: a host calls within 6 seconds.",
         CE.no_way_in("unsolicited-syn", SYN), at(3), CE.out(TCP(5001, 40000, "S"), TCP(1232, 40000, "S")), at(6.1)),
    case("11-port-forward", "RFC 6888 REQ-9.", CE.back(SYN, TCP(40000, 443, "S"), host="'192.168.1.80'"),
         CE.out(TCP(443, 40000, "SA"), TCP(1232, 40000, "SA"), host="'192.168.1.80'"), config="map-t-ce-static.yaml"),
    ONE.case("11-no-port", "RFC 5508 REQ-8: the host is told.", ONE.out(UDP(5001, 53), UDP(2048, 53)),
             ONE.refused("no-port", PROHIBITED, UDP(5002, 53)), ONE.out(TCP(5002, 80, "S"), TCP(2048, 80, "S"))),
    case("11-gre-is-refused", "Protocol Unreachable.",
         CE.refused("protocol-not-natted", "ICMP(type=3,code=2)", "data(20)", extra=",proto=47")),
    case("11-hairpin-udp", "RFC 4787 REQ-9.", CE.out(UDP(5001, 53), UDP(1232, 53), host=NEIGHBOUR),
         CE.across(UDP(5001, 1232), UDP(1233, 5001)),
         CE.across(UDP(5001, 1233), UDP(1232, 5001), host=NEIGHBOUR, to=HOST)),
    case("11-hairpin-tcp", "RFC 5382 REQ-8.", CE.out(TCP(5001, 80, "S"), TCP(1232, 80, "S"), host=NEIGHBOUR),
         CE.across(TCP(5001, 1232, "S"), TCP(1233, 5001, "S")),
         CE.across(TCP(5001, 1233, "SA"), TCP(1232, 5001, "SA"), host=NEIGHBOUR, to=HOST)),
    case("11-hairpin-error", "RFC 5508 REQ-7.", CE.out(UDP(5001, 53), UDP(1232, 53), host=NEIGHBOUR),
         CE.across(UDP(5001, 1232), UDP(1233, 5001)),
         CE.across(f"{UNREACHABLE}/({ip(UDP(1233, 5001), CE.public, NEIGHBOUR, ttl=9)})",
                   f"{UNREACHABLE}/({ip(UDP(5001, 1232), HOST, CE.public, ttl=9)})", host=NEIGHBOUR, to=HOST)),
    case("11-no-hairpinning", "it can be turned off.", CE.out(UDP(5001, 53), UDP(1232, 53), host=NEIGHBOUR),
         from_ipv4(ip(UDP(5001, 1232), HOST, CE.public), "drop no-binding"), config="map-t-ce-hairpin-off.yaml"),
]
