"""What the cases of NAT64 share: who is who, and the functions that write their steps.

HOST and OTHER are in the IPv6 network and share the address POOL. C4 and D4 are in the Internet, R4 is a router there,
N6 one in the IPv6 network; C6, D6 and R46 are how the hosts see them.
"""

import re
from dataclasses import replace

from corpus import from_ipv4, from_ipv6, golden, reply4, reply6

HOST, OTHER = "'2001:db8:1::a'", "'2001:db8:b::1'"
POOL, POOL6 = "'192.0.2.1'", "'2001:db8:64::c000:201'"
CLIENT = ("C4", "C6")
SECOND = ("'198.51.100.9'", "'2001:db8:64::c633:6409'")
ROUTER = ("R4", "R46")
OURS4, OURS6 = "'192.0.2.254'", "'2001:db8:ffff::1'"    # the NAT's own addresses, for its errors

UDP = "UDP(sport={},dport={})/data(20)".format
TCP = "TCP(sport={},dport={},flags='{}',seq=1000,ack=2000)".format
PING4, PONG4 = "ICMP(type=8,id={},seq=1)/data(20)".format, "ICMP(type=0,id={},seq=1)/data(20)".format
PING6 = "ICMPv6EchoRequest(id={},seq=1,data=data(20))".format
PONG6 = "ICMPv6EchoReply(id={},seq=1,data=data(20))".format
ADDRESS_UNREACHABLE6 = "ICMPv6DestUnreach(code=3)"


def numbered(steps):
    """id=NEXT becomes the identifications that the translator generates: 1, 2 and so on for each pair of addresses and
    each protocol (RFC 6864 §4.1 asks for no more)."""
    counts = {}
    for step in steps:
        outputs = []
        for output in step.outputs:
            if "id=NEXT" in output:
                flow = re.search(r"IP\(src=([^,]*),dst=([^,]*),[^/]*/([A-Z]+)", output).groups()
                counts[flow] = counts.get(flow, 0) + 1
                output = output.replace("id=NEXT", f"id={counts[flow]}")
            outputs.append(output)
        yield replace(step, outputs=tuple(outputs))


def nat_case(rfc, config):
    """The constructor of cases of one RFC; the name begins with the section."""

    def case(name, note, *steps, config=config):
        return golden(f"rfc{rfc}/{name}", f"RFC {rfc} §{name.split('-')[0]}: {note}", *numbered(steps), config=config)

    return case


def sent(payload, *, host=HOST, to=CLIENT, extra=""):
    """The packet of a host to somebody in the Internet."""
    return f"IPv6(src={host},dst={to[1]}{extra})/{payload}"


def received(payload, *, source=CLIENT, pool=POOL, extra=""):
    """The packet of somebody in the Internet to the pool."""
    return f"IP(src={source[0]},dst={pool},id=7{extra})/{payload}"


def out(inside, outside, *, host=HOST, to=CLIENT, pool=POOL):
    """A host sends, and it leaves."""
    return from_ipv6(sent(inside, host=host, to=to), "to-ipv4", f"IP(src={pool},dst={to[0]},ttl=63,id=NEXT)/{outside}")


def back(outside, inside, *, host=HOST, source=CLIENT, pool=POOL):
    """Somebody in the Internet sends, and the host gets it."""
    return from_ipv4(received(outside, source=source, pool=pool), "to-ipv6",
                     f"IPv6(src={source[1]},dst={host},hlim=63)/{inside}")


def no_way_out(reason, inside, **who):
    """A host sends in vain, and is not told."""
    return from_ipv6(sent(inside, **who), f"drop {reason}")


def no_way_in(reason, outside, **who):
    """Somebody in the Internet sends in vain, and is not told."""
    return from_ipv4(received(outside, **who), f"drop {reason}")


def refused(reason, icmp, inside, *, host=HOST, **who):
    """A host sends in vain, and is told."""
    packet = sent(inside, host=host, **who)
    return from_ipv6(packet, f"reply {reason}", reply6(host, icmp, packet, source=OURS6))


def refused_in(reason, icmp, outside, *, source=CLIENT, **who):
    """Somebody in the Internet sends in vain, and is told."""
    packet = received(outside, source=source, **who)
    return from_ipv4(packet, f"reply {reason}", reply4(source[0], icmp, packet, source=OURS4))


def no_port(inside, **who):
    return refused("no-port", ADDRESS_UNREACHABLE6, inside, **who)


def across(inside, outside, *, host, port_of, by=POOL6):
    """A packet between two hosts, both of whom know the other by the pool's address."""
    return from_ipv6(f"IPv6(src={host},dst={by})/{inside}", "hairpin",
                     f"IPv6(src={by},dst={port_of},hlim=63)/{outside}")
