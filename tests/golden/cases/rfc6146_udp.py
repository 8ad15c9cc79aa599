"""RFC 6146 §3.5 and §3.5.1: UDP through a NAT64, what it does not take, and the ports that it gives out."""

from corpus import PROHIBITED4, PROHIBITED6, at, fragment6, from_ipv4, from_ipv6
from nat import (CLIENT, HOST, OTHER, PING4, PING6, POOL, POOL6, SECOND, TCP, UDP, back, nat_case, no_port, no_way_in,
                 no_way_out, out, received, refused, refused_in, sent)

case = nat_case("6146", "nat64.yaml")
OPENS, ANSWERED = out(UDP(1000, 53), UDP(5000, 53)), back(UDP(53, 5000), UDP(53, 1000))
UNBOUND = no_way_in("no-binding", UDP(53, 5000))


def third(port):
    """The first packet of another host's binding."""
    return out(UDP(1000, 53), UDP(port, 53), host=OTHER)


def by_prefix(length, server):
    """A host talks to 192.0.2.33 by its representation in RFC 6052 §2.4."""
    host, peer = "'3fff:1::a'", ("'192.0.2.33'", f"'{server}'")
    return case(f"3.5.4-prefix-of-{length}", f"the representation of RFC 6052 §2.3, {length} bits.",
                out(UDP(1000, 53), UDP(5000, 53), host=host, to=peer),
                back(UDP(53, 5000), UDP(53, 1000), host=host, source=peer), config=f"nat64-prefix-{length}.yaml")


def foreign(name, number):
    """A protocol that is neither UDP nor TCP nor ICMP, in both directions."""
    return case(f"3.4-{name}-is-refused", "Port Unreachable goes to the IPv6 side, Protocol Unreachable to the other.",
                refused("protocol-not-natted", "ICMPv6DestUnreach(code=4)", "data(20)", extra=f",nh={number}"),
                refused_in("protocol-not-natted", "ICMP(type=3,code=2)", "data(20)", extra=f",proto={number}"))


CASES = [
    case("3.5.1-udp-out-and-back", "the source becomes an address and a port of the pool, and the answer finds the "
         "host. Checksums count addresses and ports.", OPENS, ANSWERED),
    case("3.5.1-two-hosts-with-the-same-port", "each host has a port of its own.", OPENS, third(5001),
         back(UDP(53, 5001), UDP(53, 1000), host=OTHER), ANSWERED),
    case("3.5.1-two-ports-of-one-host", "each source port has a port of its own.", OPENS,
         out(UDP(1001, 53), UDP(5001, 53)), back(UDP(53, 5001), UDP(53, 1001)), ANSWERED),
    case("3.5.1-one-port-to-two-servers", "a binding is for all destinations.", OPENS,
         out(UDP(1000, 123), UDP(5000, 123), to=SECOND), back(UDP(123, 5000), UDP(123, 1000), source=SECOND), ANSWERED),
    case("3.5.1-udp-without-a-binding", "dropped; the ICMP error is optional, and not sent.", UNBOUND,
         OPENS, ANSWERED, no_way_in("no-binding", UDP(53, 5001))),
    case("3.5.1-anybody-may-send-to-a-binding", "without address-dependent filters.", OPENS,
         back(UDP(9, 5000), UDP(9, 1000), source=SECOND)),
    case("3.5.1-udp-session-ends-after-5-minutes", "UDP_DEFAULT, and with the session goes the binding.", OPENS,
         at(301), UNBOUND),
    case("3.5.1-udp-session-lasts-for-5-minutes", "UDP_DEFAULT.", OPENS, at(299), ANSWERED),
    case("3.5.1-packets-of-the-host-prolong-the-session", "the timer is reset.", OPENS, at(299),
         out(UDP(1000, 53), UDP(5000, 53)), at(597), ANSWERED),
    case("3.5.1-packets-to-the-host-prolong-the-session", "the timer is reset.", OPENS, at(299), ANSWERED, at(597),
         ANSWERED),
    case("3.5.1-binding-lasts-as-long-as-a-session", "the binding goes with its last session.", OPENS, at(200),
         out(UDP(1000, 53), UDP(5000, 53), to=SECOND), at(450), back(UDP(53, 5000), UDP(53, 1000), source=SECOND),
         out(UDP(1000, 53), UDP(5000, 53))),
    case("3.5.1-udp-timeout-is-configurable", "it may be.", OPENS, at(119), ANSWERED, at(240), UNBOUND,
         config="nat64-timeouts.yaml"),

    # --- §3.4: checksums, and what is no UDP, TCP or ICMP ---
    case("3.4-udp-without-checksum", "it is computed: IPv6 has no UDP without.", OPENS,
         back("UDP(sport=53,dport=5000,chksum=0)/data(20)", UDP(53, 1000))),
    case("3.7-wrong-checksum-stays-wrong", "checksums change by the difference of addresses and ports.",
         from_ipv6(f"wrong({sent(UDP(1000, 53))},5)", "to-ipv4",
                   f"wrong(IP(src={POOL},dst=C4,ttl=63,id=NEXT)/{UDP(5000, 53)},5)"),
         from_ipv4(f"wrong({received(UDP(53, 5000))},5)", "to-ipv6",
                   f"wrong(IPv6(src=C6,dst={HOST},hlim=63)/{UDP(53, 1000)},5)")),
    case("3.7-checksum-that-comes-to-zero", "zero would mean that there is none, so it leaves as 0xffff (RFC 768).",
         out(r"UDP(sport=1000,dport=53)/b'zero in IPv4\xb3\x18'", r"UDP(sport=5000,dport=53)/b'zero in IPv4\xb3\x18'"),
         back(r"UDP(sport=53,dport=5000)/b'zero in IPv6\x28\xd7'",
              r"UDP(sport=53,dport=1000)/b'zero in IPv6\x28\xd7'")),
    case("3.7-hop-limit-and-traffic-class", "the rest is as stateless translation has it (RFC 7915 §4.1, §5.1).",
         from_ipv6(sent(UDP(1000, 53), extra=",hlim=9,tc=0xb8,fl=0x12345"), "to-ipv4",
                   f"IP(src={POOL},dst=C4,ttl=8,id=NEXT,tos=0xb8)/{UDP(5000, 53)}"),
         from_ipv4(received(UDP(53, 5000), extra=",ttl=9,tos=0xb8"), "to-ipv6",
                   f"IPv6(src=C6,dst={HOST},hlim=8,tc=0xb8)/{UDP(53, 1000)}")),
    *(foreign(name, number) for name, number in (("sctp", 132), ("gre", 47), ("udp-lite", 136))),

    # --- §3.5: which addresses are taken ---
    case("3.5-source-inside-of-the-prefix", "dropped silently, so that nothing can loop.",
         no_way_out("source-in-pref64", UDP(1000, 53), host=POOL6),
         no_way_out("source-in-pref64", TCP(1000, 80, "S"), host=CLIENT[1], to=SECOND),
         no_way_out("source-in-pref64", PING6(7), host=SECOND[1])),
    case("3.5-destination-outside-of-the-prefix", "not processed; told as RFC 7915 §5.4 has it.",
         refused("destination-not-mapped", PROHIBITED6, UDP(1000, 53), to=(None, "'2001:db8:99::1'"))),
    case("3.5-destination-outside-of-the-pool", "not processed; told as RFC 7915 §4.4 has it.",
         refused_in("destination-not-mapped", PROHIBITED4, UDP(53, 5000), pool="'192.0.2.2'")),
    *(by_prefix(*row) for row in (
        (32, "2001:db8:c000:221::"), (40, "2001:db8:1c0:2:21::"), (48, "2001:db8:122:c000:2:2100::"),
        (56, "2001:db8:122:3c0:0:221::"), (64, "2001:db8:122:344:c0:2:2100::"), (96, "2001:db8:122:344::c000:221"))),

    case("3.5.4-well-known-prefix", "64:ff9b::/96 (RFC 6052 §2.1).",
         out(UDP(1000, 53), UDP(5000, 53), to=("'8.8.8.8'", "'64:ff9b::808:808'")),
         back(UDP(53, 5000), UDP(53, 1000), source=("'8.8.8.8'", "'64:ff9b::808:808'")),
         config="nat64-well-known-prefix.yaml"),

    # --- §3.7: sizes are as RFC 7915 §4 and §5 have them ---
    case("3.7-too-big-for-the-ipv4-link", "Packet Too Big; the binding is as good as before.", OPENS,
         refused("packet-too-big", "ICMPv6PacketTooBig(mtu=1520)", "UDP(sport=1000,dport=53)/data(1473)"), ANSWERED),
    case("3.7-too-big-for-the-ipv6-link", "DF is set: Fragmentation Needed.", OPENS,
         refused_in("packet-too-big", "ICMP(type=3,code=4,nexthopmtu=1480)", "UDP(sport=53,dport=5000)/data(1472)",
                    extra=",flags='DF'")),
    case("3.7-cut-for-the-ipv6-network", "DF is clear: fragments of 1280 octets.", OPENS,
         from_ipv4(received("UDP(sport=53,dport=5000)/data(1472)"), "to-ipv6",
                   *(fragment6(f"IPv6(src=C6,dst={HOST})/UDP(sport=53,dport=1000)/data(1472)", start, end, end < 1480,
                               src="C6", dst=HOST, ident=7) for start, end in ((0, 1232), (1232, 1480))))),
    case("3.7-large-packet-of-a-host", "1481 octets of IPv4 leave with DF.",
         from_ipv6(sent("UDP(sport=1000,dport=53)/data(1453)"), "to-ipv4",
                   f"IP(src={POOL},dst=C4,ttl=63,flags='DF',id=0)/UDP(sport=5000,dport=53)/data(1453)")),

    # --- §3.5.1.1: ports ---
    case("3.5.1.1-ports-below-1024", "a port below 1024 gets one of these, others do not.",
         out(UDP(123, 123), UDP(1000, 123)),
         out(UDP(2000, 53), UDP(1024, 53)), out(UDP(1023, 53), UDP(1001, 53)), out(UDP(1024, 53), UDP(1025, 53)),
         config="nat64-range.yaml"),
    case("3.5.1.1-no-port-below-1024", "if there is none in the range, another one may be taken.",
         out(UDP(123, 123), UDP(5000, 123))),
    case("3.5.2.3-tcp-ports-below-1024", "TCP ports likewise.", out(TCP(22, 80, "S"), TCP(1000, 80, "S")),
         out(TCP(2000, 80, "S"), TCP(1024, 80, "S")), config="nat64-range.yaml"),
    case("3.5.1.1-parity", "odd ports get odd ones, even ports even ones.", out(UDP(1001, 53), UDP(5001, 53)),
         out(UDP(1003, 53), UDP(5003, 53)), out(UDP(1000, 53), UDP(5000, 53)), out(UDP(1002, 53), UDP(5002, 53)),
         config="nat64-parity.yaml"),
    case("3.5.2.3-no-parity-of-tcp", "nothing is said of it.", out(TCP(1001, 80, "S"), TCP(5000, 80, "S")),
         config="nat64-parity.yaml"),
    case("3.5.1.1-same-port-for-each-protocol", "a port is taken in one of the three tables.", OPENS,
         out(TCP(1000, 80, "S"), TCP(5000, 80, "S"), host=OTHER), out(PING6(7), PING4(5000)),
         back(TCP(80, 5000, "SA"), TCP(80, 1000, "SA"), host=OTHER), ANSWERED),
    case("3.5.1.1-same-address-for-all-bindings-of-a-host", "the second host's first port is of the second address, "
         "and so is all it gets (RFC 6146 §3.5.2.3, §3.5.3).", OPENS,
         out(UDP(1000, 53), UDP(5000, 53), host=OTHER, pool="'192.0.2.2'"),
         out(TCP(1000, 80, "S"), TCP(5000, 80, "S"), host=OTHER, pool="'192.0.2.2'"),
         out(PING6(7), PING4(5000), host=OTHER, pool="'192.0.2.2'"), out(TCP(1000, 80, "S"), TCP(5000, 80, "S")),
         config="nat64-two-addresses.yaml"),
    case("3.5.1.1-no-port-left", "discarded, and Address Unreachable goes to the host; who has a port keeps it.", OPENS,
         no_port(UDP(1000, 53), host=OTHER), no_port(UDP(1001, 53)), ANSWERED, config="nat64-one-port.yaml"),
    case("3.5.2.3-no-tcp-port-left", "discarded, and Address Unreachable goes to the host.",
         out(TCP(1000, 80, "S"), TCP(5000, 80, "S")), no_port(TCP(1000, 80, "S"), host=OTHER),
         back(TCP(80, 5000, "SA"), TCP(80, 1000, "SA")), config="nat64-one-port.yaml"),

    # --- §3.1: bindings made by the operator ---
    case("3.1-static-binding-from-outside", "it needs no session, and lasts.", back(UDP(1000, 5000), UDP(1000, 53)),
         out(UDP(53, 1000), UDP(5000, 1000)), at(1000), back(UDP(1000, 5000), UDP(1000, 53), source=SECOND),
         config="nat64-static.yaml"),
    case("3.1-static-binding-of-tcp", "a connection from the Internet.", back(TCP(1000, 5001, "S"), TCP(1000, 80, "S")),
         out(TCP(80, 1000, "SA"), TCP(5001, 1000, "SA")), at(7000), back(TCP(1000, 5001, "A"), TCP(1000, 80, "A")),
         config="nat64-static.yaml"),
    case("3.1-static-binding-of-icmp", "an identifier of its own.", back(PING4(5002), PING6(7)),
         out("ICMPv6EchoReply(id=7,seq=1,data=data(20))", "ICMP(type=0,id=5002,seq=1)/data(20)"), at(1000),
         back(PING4(5002), PING6(7)), out(PING6(8), PING4(5000)), config="nat64-static.yaml"),
    case("3.1-static-binding-from-inside", "its host leaves by its port, and nobody else does.",
         out(UDP(1000, 53), UDP(5001, 53), host=OTHER), out(UDP(53, 1000), UDP(5000, 1000)),
         out(UDP(1000, 53), UDP(5002, 53)), config="nat64-static.yaml"),
    case("3.1-static-binding-and-filtering", "it is made to be reached: filters do not hold for it.",
         back(UDP(1000, 5000), UDP(1000, 53)), out(UDP(53, 1000), UDP(5000, 1000)),
         back(UDP(1000, 5000), UDP(1000, 53), source=SECOND), config="nat64-static-filtered.yaml"),
]
