"""RFC 7915 §5.5: transport headers from IPv6 to IPv4."""

from corpus import from_ipv6, golden

SUM = "UDP(sport=53,dport=1000)"


def packet(name, note, layers):
    return golden(f"rfc7915/5.5-{name}", f"RFC 7915 §5.5: {note}",
                  from_ipv6(f"IPv6(src=S6,dst=C6)/{layers}", "to-ipv4",
                            f"IP(src=S4,dst=C4,ttl=63,id=1)/{layers}"))


CASES = [
    packet("udp-checksum-is-updated", "the pseudo-header changes.", f"{SUM}/data(30)"),
    packet("udp-of-odd-length", "an odd number of octets.", f"{SUM}/data(31)"),
    packet("udp-checksum-that-comes-to-zero", "zero would mean that there is no checksum, so it leaves as 0xffff "
           "(RFC 768).", r"UDP(sport=53,dport=1000)/b'zero in IPv4\xc2\x69'"),
    packet("udp-checksum-ffff-arrives", "0xffff is a checksum like any other.",
           r"UDP(sport=53,dport=1000)/b'zero in IPv6\x28\x60'"),
    packet("tcp-checksum-that-comes-to-zero", "zero is a TCP checksum like any other.",
           r"TCP(sport=80,dport=40000,flags='A')/b'zero in IPv4\xb9\xfa'"),
    packet("tcp-checksum-zero-arrives", "zero is a TCP checksum like any other.",
           r"TCP(sport=80,dport=40000,flags='A')/b'zero in IPv6\x1f\xf1'"),
    packet("tcp-with-options", "options do not matter.",
           "TCP(sport=80,dport=40000,flags='SA',options=[('MSS',1440),('SAckOK',b''),('Timestamp',(1,0)),"
           "('NOP',None),('WScale',7)])"),
    golden("rfc8200/8.1-udp-without-checksum-is-dropped",
           "RFC 8200 §8.1: IPv6 nodes discard UDP without a checksum; RFC 6935's exception is for tunnels, which end "
           "elsewhere.",
           from_ipv6("IPv6(src=S6,dst=C6)/UDP(sport=53,dport=1000,chksum=0)/data(30)", "drop ipv6-udp-zero-checksum")),
]
for word, layers in (("tcp", "TCP(sport=80,dport=40000,flags='A',seq=1,ack=2)/data(40)"), ("udp", f"{SUM}/data(40)")):
    for by in (1, 0x8000, 0xFFFE):
        CASES.append(golden(
            f"rfc7915/5.5-wrong-{word}-checksum-stays-wrong-by-{by:04x}",
            "RFC 7915 §5.5: the checksum is updated by the difference, so it is wrong by as much as before.",
            from_ipv6(f"wrong(IPv6(src=S6,dst=C6)/{layers},{by:#x})", "to-ipv4",
                      f"wrong(IP(src=S4,dst=C4,ttl=63,id=1)/{layers},{by:#x})")))
