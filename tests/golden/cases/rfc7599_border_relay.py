"""RFC 7599: the MAP-T border relay, with the addresses of Appendix A (errata applied: as RFC 7597 has them)."""

from corpus import from_ipv4, from_ipv6, golden

CE = "2001:db8:12:3400:0:c000:212:34"     # 192.0.2.18, PSID 0x34: ports 1232 to 1235, 2256 to 2259 ...
WHOLE = "2001:db8:112:0:0:c633:6412:0"    # 198.51.100.18
HOST = "2001:db8:240:0:0:cb00:71a5:0"     # 203.0.113.165, of the customer who has 203.0.113.160/28
OUT = "2001:db8:ffff:0:a:203:400:0"       # 10.2.3.4 in the default mapping rule's prefix
T6 = "2001:db8:ffff:0:c0:0:800:0"         # 192.0.0.8, the border relay itself
CONFIG = "map-t.yaml"
QUESTION = "UDP(sport={},dport=53)/data(20)".format
ANSWER = "UDP(sport=53,dport={})/data(20)".format


def case(name, note, *steps):
    return golden(f"rfc7599/{name}", note, *steps, config=CONFIG)


def to_ce(name, note, payload, dst="192.0.2.18", ce=CE, outside="10.2.3.4", outside6=OUT, payload6=None):
    return case(name, note, from_ipv4(f"IP(src='{outside}',dst='{dst}',ttl=64,id=7,flags='DF')/{payload}", "to-ipv6",
                                      f"IPv6(src='{outside6}',dst='{ce}',hlim=63)/{payload6 or payload}"))


def from_ce(name, note, payload, src="192.0.2.18", ce=CE, payload4=None):
    return case(name, note, from_ipv6(f"IPv6(src='{ce}',dst='{OUT}',hlim=64)/{payload}", "to-ipv4",
                                      f"IP(src='{src}',dst='10.2.3.4',ttl=63,id=1)/{payload4 or payload}"))


def refused(name, note, payload, ce=CE, reason="source-spoofed", code=5):
    """RFC 7599 §8.3: dropped, counted, and the sender is told."""
    packet = f"IPv6(src='{ce}',dst='{OUT}',hlim=64)/{payload}"
    return case(name, note, from_ipv6(packet, f"reply {reason}",
                                      f"IPv6(src='{T6}',dst='{ce}')/ICMPv6DestUnreach(code={code})/quote6({packet})"))


def to_nobody(name, note, payload, reason, dst="192.0.2.18"):
    packet = f"IP(src='10.2.3.4',dst='{dst}',ttl=64,id=7)/{payload}"
    return case(name, note, from_ipv4(packet, f"reply {reason}",
                                      "IP(src='192.0.0.8',dst='10.2.3.4',ttl=64,tos=0xc0,flags='DF',id=0)/"
                                      f"ICMP(type=3,code=1)/raw({packet})"))


ABOUT6 = f"IPv6(src='{OUT}',dst='{CE}',hlim=60)/{ANSWER(1232)}"
ABOUT4 = f"IP(src='10.2.3.4',dst='192.0.2.18',ttl=60,id=0)/{ANSWER(1232)}"
MANY = "UDP(sport=1232,dport=53)/data(2000)"

CASES = [
    to_ce("a-example-2-forwarded-to-the-ce", "RFC 7599 Appendix A, example 2.",
          "TCP(sport=80,dport=1232,flags='SA',seq=1,ack=2)"),
    from_ce("a-example-3-forwarded-by-the-ce", "RFC 7599 Appendix A, example 3, as the border relay sees it.",
            "TCP(sport=1232,dport=80,flags='S',seq=1)"),
    *(to_ce(f"8.4-to-port-{port}", "RFC 7599 §8.4: address and port choose the customer.", ANSWER(port))
      for port in (1235, 2256, 64720, 64723)),
    *(from_ce(f"8.3-from-port-{port}", "RFC 7599 §8.3: a port of PSID 0x34.", QUESTION(port))
      for port in (1235, 2259, 64723)),
    to_ce("8.4-to-a-whole-address", "RFC 7599 §8.4: no PSID, so every port.", ANSWER(7), "198.51.100.18", WHOLE),
    from_ce("8.3-from-a-whole-address", "RFC 7599 §8.3.", QUESTION(7), "198.51.100.18", WHOLE),
    to_ce("6-to-a-host-of-a-prefix", "RFC 7599 §6: the interface identifier holds the host's whole address, since a "
          "translated packet has no other place for it.", ANSWER(7), "203.0.113.165", HOST),
    from_ce("6-from-a-host-of-a-prefix", "RFC 7599 §6.", QUESTION(7), "203.0.113.165", HOST),
    to_ce("9-echo-by-identifier", "RFC 7599 §9: the identifier stands for the port.",
          "ICMP(type=8,id=1232,seq=1)/data(20)", payload6="ICMPv6EchoRequest(id=1232,seq=1,data=data(20))"),
    from_ce("9-echo-from-the-ce", "RFC 7599 §9.", "ICMPv6EchoReply(id=1233,seq=1,data=data(20))",
            payload4="ICMP(type=0,id=1233,seq=1)/data(20)"),
    to_ce("5.1-from-a-mapped-host", "RFC 7599 §5.1: a host with an explicit mapping is known by it, not by the default mapping rule.",
          ANSWER(1232), outside="192.0.0.80", outside6="2001:db8:80::80"),

    refused("8.3-port-of-another", "RFC 7599 §8.3: 1236 is of PSID 0x35.", QUESTION(1236)),
    refused("8.3-excluded-port", "RFC 7599 §8.3: the low ports are nobody's.", QUESTION(208)),
    case("8.3-identifier-of-another", "RFC 7599 §8.3, §9: ICMPv6 errors about ICMPv6 informational messages are allowed.",
         from_ipv6(f"IPv6(src='{CE}',dst='{OUT}',hlim=64)/ICMPv6EchoReply(id=80,seq=1,data=data(20))",
                   "reply source-spoofed",
                   f"IPv6(src='{T6}',dst='{CE}')/ICMPv6DestUnreach(code=5)/quote6(IPv6(src='{CE}',dst='{OUT}',hlim=64)/"
                   "ICMPv6EchoReply(id=80,seq=1,data=data(20)))")),
    refused("8.3-identifier-bits-disagree", "RFC 7599 §8.3: the interface identifier is not what the EA bits make.",
            QUESTION(1232), ce="2001:db8:12:3400:0:c000:213:34"),
    refused("8.3-no-rule", "RFC 7599 §8.3: no rule and no mapping for the source.", QUESTION(1232),
            ce="2001:db9::1", reason="source-not-mapped", code=1),
    to_nobody("8.4-excluded-port", "RFC 7599 §8.4: the low ports are nobody's.", ANSWER(208), "port-not-assigned"),
    to_nobody("8.4-no-rule", "RFC 7599 §8.4.", ANSWER(1232), "no-softwire", dst="198.18.0.1"),
    case("9-error-from-outside", "RFC 7599 §9: an ICMP error goes to whose port the quoted packet has.",
         from_ipv4(f"IP(src='10.2.3.4',dst='192.0.2.18',ttl=64,id=7)/ICMP(type=3,code=3)/"
                   f"raw(IP(src='192.0.2.18',dst='10.2.3.4',ttl=60,id=0)/{QUESTION(1232)})", "to-ipv6",
                   f"IPv6(src='{OUT}',dst='{CE}',hlim=63)/ICMPv6DestUnreach(code=4)/"
                   f"IPv6(src='{CE}',dst='{OUT}',hlim=60)/{QUESTION(1232)}")),
    case("9-error-from-the-ce", "RFC 7599 §9: an ICMPv6 error of the customer itself.",
         from_ipv6(f"IPv6(src='{CE}',dst='{OUT}',hlim=64)/ICMPv6DestUnreach(code=4)/{ABOUT6}", "to-ipv4",
                   f"IP(src='192.0.2.18',dst='10.2.3.4',ttl=63,id=1)/ICMP(type=3,code=3)/raw({ABOUT4})")),

    case("10.2-fragments-from-the-ce", "RFC 7599 §10: only the first fragment has the port, so they are put together; "
         "its sender can fragment, so that the whole may be fragmented again.",
         from_ipv6(f"IPv6(src='{CE}',dst='{OUT}',hlim=64)/IPv6ExtHdrFragment(nh=17,id=9,offset=154,m=0)/"
                   f"raw(IPv6(src='{CE}',dst='{OUT}')/{MANY})[{40 + 1232}:]", "held"),
         from_ipv6(f"IPv6(src='{CE}',dst='{OUT}',hlim=64)/IPv6ExtHdrFragment(nh=17,id=9,offset=0,m=1)/"
                   f"raw(IPv6(src='{CE}',dst='{OUT}')/{MANY})[40:{40 + 1232}]", "to-ipv4",
                   "IP(src='192.0.2.18',dst='10.2.3.4',ttl=63,id=9,flags='MF',frag=0,proto=17)/"
                   f"raw(IP(src='192.0.2.18',dst='10.2.3.4')/{MANY})[20:1500]",
                   "IP(src='192.0.2.18',dst='10.2.3.4',ttl=63,id=9,frag=185,proto=17)/"
                   f"raw(IP(src='192.0.2.18',dst='10.2.3.4')/{MANY})[1500:]")),
]
