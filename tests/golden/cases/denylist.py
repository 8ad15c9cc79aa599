"""Prefixes that are never translated; RFC 7915 §4.4 and §5.4 tell how a discarded packet is answered."""

from corpus import PROHIBITED4, PROHIBITED6, from_ipv4, from_ipv6, golden, reply4, reply6

UDP = "UDP(sport=1000,dport=53)/b'yonroku!'"


def denied4(name, note, packet, to):
    return golden(f"denylist/{name}", f"RFC 7915 §4.4: {note}",
                  from_ipv4(packet, "reply denied-address", reply4(to, PROHIBITED4, packet)), config="denylist.yaml")


def denied6(name, note, packet, to):
    return golden(f"denylist/{name}", f"RFC 7915 §5.4: {note}",
                  from_ipv6(packet, "reply denied-address", reply6(to, PROHIBITED6, packet)), config="denylist.yaml")


CASES = [
    denied4("ipv4-source", "the source is on the list.", f"IP(src='10.1.2.3',dst=S4,id=4)/{UDP}", "'10.1.2.3'"),
    denied4("ipv4-destination", "the destination is on the list.", f"IP(src=C4,dst='198.51.100.129',id=4)/{UDP}", "C4"),
    denied4("ipv4-destination-whose-mapping-is-denied",
            "192.0.2.1 has an EAM whose IPv6 address is on the IPv6 list.", f"IP(src=C4,dst=R64,id=4)/{UDP}", "C4"),
    denied6("ipv6-destination-that-stands-for-a-denied-address", "10.1.2.3 is on the IPv4 list.",
            f"IPv6(src=S6,dst='2001:db8:64::a01:203')/{UDP}", "S6"),
    denied6("ipv6-source", "the source is on the list.", f"IPv6(src=R6,dst=C6)/{UDP}", "R6"),
    golden("denylist/next-to-the-list", "RFC 7915 §4.4: 198.51.100.127 is not on the list.",
           from_ipv4(f"IP(src='198.51.100.127',dst=S4)/{UDP}", "to-ipv6",
                     f"IPv6(src='2001:db8:64::c633:647f',dst=S6,hlim=63)/{UDP}"), config="denylist.yaml"),
    golden("denylist/echo-requests",
           "RFC 7915 §4.4 and §5.4: an ICMPv4 echo request is answered, an ICMPv6 one is not.",
           from_ipv4("IP(src=C4,dst='10.1.2.3')/ICMP(type=8,id=1,seq=1)", "reply denied-address",
                     reply4("C4", PROHIBITED4, "IP(src=C4,dst='10.1.2.3')/ICMP(type=8,id=1,seq=1)")),
           from_ipv6("IPv6(src=S6,dst='2001:db8:64::a01:203')/ICMPv6EchoRequest(id=1,seq=1)", "drop denied-address"),
           config="denylist.yaml"),
    golden("denylist/error-is-silent", "RFC 7915 §4.4: no error message about an error message.",
           from_ipv4(f"IP(src='10.1.2.3',dst=S4)/ICMP(type=3,code=1)/(IP(src=S4,dst=C4)/{UDP})",
                     "drop denied-address"), config="denylist.yaml"),
]
