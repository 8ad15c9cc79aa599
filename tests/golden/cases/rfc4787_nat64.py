"""What all NATs must do, by the example of NAT64: RFC 4787 (UDP), RFC 6888 (carrier grade), RFC 7857
(updates) and RFC 7422 (ports by number)."""

from corpus import at
from nat import (ADDRESS_UNREACHABLE6, OTHER, PING4, PING6, PONG4, SECOND, TCP, UDP, back, nat_case, no_port,
                 no_way_in, out, refused)

udp = nat_case("4787", "nat64.yaml")
cgn = nat_case("6888", "nat64.yaml")
updates = nat_case("7857", "nat64.yaml")
blocks = nat_case("6888", "nat64-blocks.yaml")
numbered = nat_case("7422", "nat64-deterministic.yaml")
OPENS, ANSWERED = out(UDP(1000, 53), UDP(5000, 53)), back(UDP(53, 5000), UDP(53, 1000))
OTHER_PORT = UDP(54, 5000), UDP(54, 1000)    # of the same server
ANSWERED_BY_NUMBER = back(UDP(53, 5032), UDP(53, 1000))
NEIGHBOUR = "'2001:db8:1::b'"                # in the /64 of HOST


def too_many(payload, **who):
    return refused("subscriber-limit", ADDRESS_UNREACHABLE6, payload, **who)


CASES = [
    # --- mapping and filtering: what of the other end counts ---
    udp("4.1-address-dependent-mapping", "a binding is for one address, whatever its port.", OPENS,
        out(UDP(1000, 54), UDP(5000, 54)), out(UDP(1000, 53), UDP(5001, 53), to=SECOND), ANSWERED,
        back(UDP(53, 5001), UDP(53, 1000), source=SECOND), out(UDP(1000, 54), UDP(5001, 54), to=SECOND),
        config="nat64-map-address.yaml"),
    udp("4.1-address-and-port-dependent-mapping", "a binding is for one address and port.", OPENS,
        out(UDP(1000, 54), UDP(5001, 54)), out(UDP(1000, 53), UDP(5002, 53), to=SECOND), OPENS,
        back(UDP(54, 5001), UDP(54, 1000)), ANSWERED, config="nat64-map-port.yaml"),
    udp("5-endpoint-independent-filtering", "anybody may send.", OPENS, back(*OTHER_PORT),
        back(UDP(53, 5000), UDP(53, 1000), source=SECOND)),
    udp("5-address-dependent-filtering", "who was sent to may send, from any port.", OPENS, back(*OTHER_PORT),
        no_way_in("filtered", UDP(53, 5000), source=SECOND), out(UDP(1000, 9), UDP(5000, 9), to=SECOND),
        back(UDP(53, 5000), UDP(53, 1000), source=SECOND), config="nat64-filter-address.yaml"),
    udp("5-address-and-port-dependent-filtering", "who was sent to may send, from that port.", OPENS, ANSWERED,
        no_way_in("filtered", OTHER_PORT[0]), no_way_in("filtered", UDP(53, 5000), source=SECOND),
        out(UDP(1000, 54), UDP(5000, 54)), back(*OTHER_PORT), config="nat64-filter-port.yaml"),

    # --- ports ---
    udp("4.2.1-port-ranges-do-not-matter", "keeping the range is recommended, and can be turned off.",
        out(UDP(2000, 53), UDP(1000, 53)), out(UDP(123, 123), UDP(1001, 123)), config="nat64-range-ignored.yaml"),
    udp("4.2.2-no-port-of-that-parity", "a port of the other parity is better than none.",
        out(UDP(1001, 53), UDP(5001, 53)),
        out(UDP(1003, 53), UDP(5000, 53)), no_port(UDP(1005, 53)), config="nat64-parity-two.yaml"),
    udp("4.2.3-contiguity", "a port one above another's gets the port one above, though 5000 is free.", OPENS,
        out(UDP(4000, 53), UDP(5001, 53)), at(200), out(UDP(4000, 53), UDP(5001, 53)), at(301),
        out(UDP(4001, 53), UDP(5002, 53)), out(UDP(7000, 53), UDP(5000, 53)), config="nat64-contiguous.yaml"),

    # --- RFC 6888 REQ-4: quotas ---
    cgn("3-ports-of-one-subscriber",
        "REQ-4: two ports; more are refused, what is there goes on, and others have theirs.",
        OPENS, out(UDP(1001, 53), UDP(5001, 53)), too_many(UDP(1002, 53)), OPENS, ANSWERED,
        out(UDP(1000, 53), UDP(5002, 53), host=OTHER), config="nat64-port-quota.yaml"),
    cgn("3-ports-return-to-the-subscriber", "REQ-4: with its bindings the subscriber's ports are given back. They rest "
        "(REQ-8), so it gets others.", OPENS, out(UDP(1001, 53), UDP(5001, 53)), too_many(UDP(1002, 53)), at(301),
        out(UDP(1002, 53), UDP(5002, 53)), config="nat64-port-quota.yaml"),
    cgn("3-ports-of-one-prefix", "REQ-4: the hosts of a /64 are one subscriber.", OPENS,
        out(UDP(1000, 53), UDP(5001, 53), host=NEIGHBOUR), too_many(UDP(1001, 53)),
        too_many(UDP(1001, 53), host=NEIGHBOUR), out(UDP(1000, 53), UDP(5002, 53), host=OTHER),
        config="nat64-port-quota-64.yaml"),
    cgn("3-sessions-of-one-subscriber", "REQ-5: two sessions; more are refused, and what is there goes on.", OPENS,
        out(UDP(1000, 54), UDP(5000, 54)), too_many(UDP(1000, 55)), OPENS, ANSWERED,
        out(UDP(1000, 55), UDP(5001, 55), host=OTHER), at(301), out(UDP(1000, 55), UDP(5002, 55)),
        config="nat64-session-quota.yaml"),

    # --- RFC 6888 REQ-8: ports rest ---
    cgn("3-udp-port-rests-for-2-minutes", "REQ-8: a port is not given out for 120 seconds after its binding went.",
        OPENS,
        at(301), no_port(UDP(1000, 53), host=OTHER), at(410), no_port(UDP(1000, 53), host=OTHER),
        no_way_in("no-binding", UDP(53, 5000)), at(423), out(UDP(1000, 53), UDP(5000, 53), host=OTHER),
        config="nat64-one-port.yaml"),
    cgn("3-rest-is-configurable", "REQ-8: 30 seconds here.", OPENS, at(301), no_port(UDP(1000, 53), host=OTHER),
        at(333),
        out(UDP(1000, 53), UDP(5000, 53), host=OTHER), config="nat64-rest-30.yaml"),
    cgn("3-no-rest", "REQ-8: none here.", OPENS, at(301), out(UDP(1000, 53), UDP(5000, 53), host=OTHER),
        config="nat64-no-rest.yaml"),
    cgn("3-tcp-port-does-not-rest", "REQ-8: not where the connection is tracked.",
        out(TCP(1000, 80, "S"), TCP(5000, 80, "S")),
        at(241), out(TCP(1000, 80, "S"), TCP(5000, 80, "S"), host=OTHER), config="nat64-one-port.yaml"),
    cgn("3-nobody-loses-a-binding-to-another", "REQ-11: when all is given out, the old bindings stay.", OPENS,
        *(no_port(UDP(port, 53), host=OTHER) for port in (1000, 1001, 1002)), at(299), ANSWERED,
        config="nat64-one-port.yaml"),

    # --- RFC 6888 §4: ports in blocks. Ports 5000 to 5015, 5016 to 5031 and 5032 to 5047 ---
    blocks("4-a-block-for-each-host", "ports of one host come from its block; another host gets a block of its own.",
           OPENS, out(UDP(1000, 53), UDP(5016, 53), host=OTHER), out(UDP(1001, 53), UDP(5001, 53)),
           out(UDP(1001, 53), UDP(5017, 53), host=OTHER), ANSWERED),
    blocks("4-a-block-of-all-protocols", "TCP and ICMP have the same block.", OPENS,
           out(UDP(1000, 53), UDP(5016, 53), host=OTHER), out(TCP(1000, 80, "S"), TCP(5000, 80, "S")),
           out(PING6(7), PING4(5016), host=OTHER)),
    blocks("4-as-many-blocks-as-allowed", "the 17th port is in a second block; there is no third.",
           *(out(UDP(1000 + i, 53), UDP(5000 + i, 53)) for i in range(32)), no_port(UDP(1032, 53)),
           out(UDP(1000, 53), UDP(5032, 53), host=OTHER), ANSWERED),
    blocks("4-no-block-is-left", "a host that comes too late gets none, and who has one keeps it.",
           *(out(UDP(1000 + i, 53), UDP(5000 + i, 53)) for i in range(17)),
           out(UDP(1000, 53), UDP(5032, 53), host=OTHER), no_port(UDP(1000, 53), host=NEIGHBOUR), ANSWERED),
    blocks("4-a-block-rests", "REQ-8 for blocks: 120 seconds after the last binding went it is another's.",
           OPENS, out(UDP(1000, 53), UDP(5016, 53), host=OTHER),
           out(UDP(1000, 53), UDP(5032, 53), host=NEIGHBOUR), at(301),
           no_port(UDP(1000, 53), host="'2001:db8:1::c'"), at(423),
           out(UDP(1000, 53), UDP(5000, 53), host="'2001:db8:1::c'")),

    # --- RFC 7422: host n of 2001:db8:1::/124 has ports 5000 + 16 n' of address n / 8, where n' is n mod 8 ---
    numbered("2-block-follows-from-the-number", "host 10 is the third of the second address, host 11 the fourth, and "
             "host 7 the last of the first; in whatever order they come.",
             out(UDP(1000, 53), UDP(5048, 53), host=NEIGHBOUR), out(UDP(1000, 53), UDP(5032, 53)),
             out(UDP(1000, 53), UDP(5112, 53), host="'2001:db8:1::7'", pool="'192.0.2.0'"),
             out(UDP(1001, 53), UDP(5033, 53)), ANSWERED_BY_NUMBER),
    numbered("2-block-is-all-there-is", "16 ports and no more, though the neighbours use none of theirs.",
             *(out(UDP(1000 + i, 53), UDP(5032 + i, 53)) for i in range(16)), no_port(UDP(1016, 53)),
             ANSWERED_BY_NUMBER),
    numbered("2-without-a-number", "who is none of the subscribers has no ports.", no_port(UDP(1000, 53), host=OTHER)),

    # --- RFC 7857 ---
    updates("3-one-port-for-two-destinations", "hosts may have the same port for different destinations, and only so.",
            OPENS, out(UDP(2000, 53), UDP(5000, 53), host=OTHER, to=SECOND), ANSWERED,
            back(UDP(53, 5000), UDP(53, 2000), host=OTHER, source=SECOND), no_port(UDP(2001, 53), host=OTHER),
            no_port(UDP(1001, 53)), config="nat64-reuse.yaml"),
    updates("4-no-port-left-of-the-address", "a host stays with its address, even if another one has ports.",
            out(UDP(1000, 53), UDP(5000, 53), pool="'192.0.2.0'"), out(UDP(1001, 53), UDP(5001, 53), pool="'192.0.2.0'"),
            no_port(UDP(1002, 53)), out(UDP(1000, 53), UDP(5000, 53), host=OTHER), config="nat64-two-ports.yaml"),
    updates("5-bindings-of-one-protocol",
            "a UDP binding is none of TCP; each protocol's ports are given out by themselves.",
            OPENS, out(UDP(1001, 53), UDP(5001, 53)), out(TCP(1001, 80, "S"), TCP(5000, 80, "S"))),
    updates("6-filters-of-one-protocol", "a UDP binding lets no TCP and no ICMP in.", OPENS,
            no_way_in("tcp-without-session", TCP(53, 5000, "A")), no_way_in("no-binding", PING4(5000)), ANSWERED),
    updates("7-filtered-packets-prolong-nothing", "else anybody could keep a binding alive.", OPENS, at(200),
            no_way_in("filtered", UDP(53, 5000), source=SECOND), at(301), no_way_in("no-binding", UDP(53, 5000)),
            config="nat64-filter-address.yaml"),
    updates("11-query-mapping-goes-with-its-last-session", "a binding of ICMP has no timer of its own.",
            out(PING6(7), PING4(5000)), at(40), out(PING6(7), PING4(5000), to=SECOND), at(61),
            back(PONG4(5000), "ICMPv6EchoReply(id=7,seq=1,data=data(20))", source=SECOND), at(122),
            no_way_in("no-binding", PONG4(5000))),
]
