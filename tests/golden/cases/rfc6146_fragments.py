"""RFC 6146 §3.4: fragments. Only the first one has ports, so they are put together, in whatever order they come."""

from corpus import at, fragment4, fragment6, from_ipv4, from_ipv6
from nat import HOST, PING4, PING6, POOL, UDP, nat_case, out

case = nat_case("6146", "nat64.yaml")
OPENS = out(UDP(1000, 53), UDP(5000, 53))
QUERY, QUERY4 = "UDP(sport=1000,dport=53)/data({})".format, "UDP(sport=5000,dport=53)/data({})".format
ANSWER, ANSWER6 = "UDP(sport=53,dport=5000{})/data({})".format, "UDP(sport=53,dport=1000)/data({})".format
THREE = ((0, 40), (40, 80), (80, 108))


def pieces6(payload, spans, nh=17):
    """Fragments of a host's packet, in the order of the spans."""
    return [fragment6(f"IPv6(src={HOST},dst=C6)/{payload}", start, end, (start, end) != max(spans), src=HOST, dst="C6",
                      ident=9, nh=nh, hlim=64) for start, end in spans]


def pieces4(payload, spans, proto=17):
    """Fragments of a packet from the Internet, likewise."""
    return [fragment4(f"IP(src=C4,dst={POOL})/{payload}", start, end, (start, end) != max(spans), src="C4", dst=POOL,
                      ident=7, proto=proto) for start, end in spans]


def leaves(payload, extra=""):
    # Its sender can fragment, so the packet has no DF, and the identification of its fragments (RFC 7915 §5.1.1).
    return f"IP(src={POOL},dst=C4,ttl=63,id=9{extra})/{payload}"


def arrives(payload):
    return f"IPv6(src=C6,dst={HOST},hlim=63)/{payload}"


def together6(fragments, *outputs):
    """All but the last to come are held; then the whole packet leaves."""
    return [*(from_ipv6(each, "held") for each in fragments[:-1]), from_ipv6(fragments[-1], "to-ipv4", *outputs)]


def together4(fragments, *outputs):
    return [*(from_ipv4(each, "held") for each in fragments[:-1]), from_ipv4(fragments[-1], "to-ipv6", *outputs)]


LARGE = ((0, 1232), (1232, 2008))
CASES = [
    *(case(f"3.4-fragments-of-a-host-{word}", "they are translated once all are there.",
           *together6(pieces6(QUERY(100), [THREE[i] for i in order]), leaves(QUERY4(100))))
      for word, order in (("in-order", (0, 1, 2)), ("out-of-order", (2, 0, 1)), ("backwards", (2, 1, 0)))),
    *(case(f"3.4-fragments-to-a-host-{word}", "they are translated once all are there.", OPENS,
           *together4(pieces4(ANSWER("", 100), [THREE[i] for i in order]), arrives(ANSWER6(100))))
      for word, order in (("in-order", (0, 1, 2)), ("out-of-order", (1, 2, 0)), ("backwards", (2, 1, 0)))),
    case("3.4-fragments-without-udp-checksum", "put together, and the checksum computed.", OPENS,
         *together4(pieces4(ANSWER(",chksum=0", 100), THREE), arrives(ANSWER6(100)))),
    case("3.4-fragments-after-2-seconds", "FRAGMENT_MIN is the least time that they may need.", OPENS,
         from_ipv4(pieces4(ANSWER("", 100), THREE)[0], "held"), at(2),
         *together4(pieces4(ANSWER("", 100), THREE)[1:], arrives(ANSWER6(100)))),
    case("3.4-fragments-of-a-large-datagram-to-a-host", "the whole is cut again for the IPv6 network (RFC 7915 §4.1).",
         OPENS, *together4(pieces4(ANSWER("", 2000), ((0, 1480), (1480, 2008))),
                           *(fragment6(arrives(ANSWER6(2000)), start, end, end < 2008, src="C6", dst=HOST, ident=7)
                             for start, end in LARGE))),
    case("3.4-fragments-of-a-large-datagram-of-a-host", "the whole is cut again for the IPv4 link.",
         *together6(pieces6(QUERY(2000), LARGE),
                    *(fragment4(leaves(QUERY4(2000)), start, end, end < 2008, src=POOL, dst="C4", ident=9, ttl=63)
                      for start, end in ((0, 1480), (1480, 2008))))),
    case("3.4-fragments-of-an-echo-request", "an identifier is in the first fragment alone, and the checksum is for "
         "the whole.",
         *together6(pieces6("ICMPv6EchoRequest(id=7,seq=1,data=data(100))", THREE, nh=58),
                    leaves("ICMP(type=8,id=5000,seq=1)/data(100)"))),
    case("3.4-fragments-of-an-echo-reply", "likewise.", out(PING6(7), PING4(5000)),
         *together4(pieces4("ICMP(type=0,id=5000,seq=1)/data(100)", THREE, proto=1),
                    arrives("ICMPv6EchoReply(id=7,seq=1,data=data(100))"))),
    case("3.4-fragments-of-a-tcp-segment", "TCP likewise.", out("TCP(sport=1000,dport=80,flags='S')",
                                                               "TCP(sport=5000,dport=80,flags='S')"),
         *together4(pieces4("TCP(sport=80,dport=5000,flags='A')/data(88)", THREE, proto=6),
                    arrives("TCP(sport=80,dport=1000,flags='A')/data(88)"))),
    case("3.5.1-fragments-without-a-binding", "nobody has the port.",
         *(from_ipv4(each, "held") for each in pieces4(ANSWER("", 100), THREE)[:2]),
         from_ipv4(pieces4(ANSWER("", 100), THREE)[2], "drop no-binding")),
]
