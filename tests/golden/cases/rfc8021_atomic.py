"""RFC 8021: no IPv6 atomic fragments are generated, whatever the IPv4 packet or the MTU."""

from corpus import from_ipv4, from_ipv6, golden

CASES = [
    *(golden(f"rfc8021/4-no-atomic-fragment-for-{size}-octets-df{int('DF' in flags)}",
             "RFC 8021 §4: a packet that is not a fragment never gets a Fragment Header (RFC 7915 §4), so the "
             "identification is lost.",
             from_ipv4(f"IP(src=C4,dst=S4,id=0x4242,flags='{flags}')/UDP(sport=1000,dport=53)/data({size - 28})",
                       "to-ipv6", f"IPv6(src=C6,dst=S6,hlim=63)/UDP(sport=1000,dport=53)/data({size - 28})"))
      for size in (28, 576, 1260) for flags in ("", "DF")),
    golden("rfc8021/4-packet-too-big-below-1280-brings-no-atomic-fragments",
           "RFC 8021 §4: an MTU below 1280 is passed on, but later packets stay without Fragment Header.",
           from_ipv6("IPv6(src=R6,dst=C6)/ICMPv6PacketTooBig(mtu=1000)/"
                     "(IPv6(src=C6,dst=S6)/UDP(sport=1000,dport=53)/data(40))", "to-ipv4",
                     "IP(src=R64,dst=C4,ttl=63,id=1)/ICMP(type=3,code=4,nexthopmtu=980)/"
                     "(IP(src=C4,dst=S4,id=0)/UDP(sport=1000,dport=53)/data(40))"),
           from_ipv4("IP(src=C4,dst=S4,flags='DF')/UDP(sport=1000,dport=53)/data(952)", "to-ipv6",
                     "IPv6(src=C6,dst=S6,hlim=63)/UDP(sport=1000,dport=53)/data(952)")),
]
