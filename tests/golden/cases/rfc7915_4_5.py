"""RFC 7915 §4.5: transport headers from IPv4 to IPv6, above all UDP without a checksum."""

from corpus import PROHIBITED4, from_ipv4, golden, reply4

NO_SUM = "UDP(sport=1000,dport=53,chksum=0)"
SUM = "UDP(sport=1000,dport=53)"
WHOLE = f"IP(src=C4,dst=S4,id=6)/{NO_SUM}/data(30)"
FIRST = f"IP(src=C4,dst=S4,id=6,flags='MF',proto=17)/part(IP(src=C4,dst=S4)/{NO_SUM}/data(80),0,48)"
# The last two octets make the checksum come to zero in the packet of that family.
ZERO_IN_IPV6 = r"b'zero in IPv6\x28\x60'"
ZERO_IN_IPV4 = r"b'zero in IPv4\xc2\x69'"
TCP_ZERO_IN_IPV6 = r"TCP(sport=40000,dport=80,flags='A')/b'zero in IPv6\x1f\xf1'"
TCP_ZERO_IN_IPV4 = r"TCP(sport=40000,dport=80,flags='A')/b'zero in IPv4\xb9\xfa'"


def packet(name, note, four, six, config="eam-basic.yaml"):
    return golden(f"rfc7915/4.5-{name}", f"RFC 7915 §4.5: {note}",
                  from_ipv4(f"IP(src=C4,dst=S4)/{four}", "to-ipv6", f"IPv6(src=C6,dst=S6,hlim=63)/{six}"),
                  config=config)


CASES = [
    packet("udp-checksum-is-updated", "the pseudo-header changes.", f"{SUM}/data(30)", f"{SUM}/data(30)"),
    packet("udp-of-odd-length", "an odd number of octets.", f"{SUM}/data(31)", f"{SUM}/data(31)"),
    packet("udp-without-checksum-is-computed", "a checksum is calculated, as IPv6 needs one.",
           f"{NO_SUM}/data(30)", f"{SUM}/data(30)"),
    packet("udp-without-checksum-of-odd-length", "an odd number of octets.", f"{NO_SUM}/data(31)",
           f"{SUM}/data(31)"),
    packet("udp-without-checksum-without-data", "a datagram of 8 octets.", NO_SUM, SUM),
    packet("udp-without-checksum-large", "1480 octets with DF.", f"{NO_SUM}/data(1200)", f"{SUM}/data(1200)"),
    golden("rfc7915/4.5-udp-without-checksum-and-with-padding",
           "RFC 7915 §4.5: padding behind the packet is not part of the checksum.",
           from_ipv4(f"IP(src=C4,dst=S4)/{NO_SUM}/b'abc'", "to-ipv6",
                     f"IPv6(src=C6,dst=S6,hlim=63)/{SUM}/b'abc'"),
           from_ipv4(f"raw(IP(src=C4,dst=S4)/{NO_SUM}/b'abc')+b'\\xff'*15", "to-ipv6",
                     f"IPv6(src=C6,dst=S6,hlim=63)/{SUM}/b'abc'")),
    golden("rfc7915/4.5-udp-without-checksum-can-be-dropped",
           "RFC 7915 §4.5: the other setting drops the packet; RFC 7915 §4.4: and answers with 3/13.",
           from_ipv4(WHOLE, "reply udp-zero-checksum", reply4("C4", PROHIBITED4, WHOLE)),
           config="drop-zero-checksum.yaml"),
    packet("udp-with-checksum-passes-where-those-without-are-dropped", "the setting is about zero alone.",
           f"{SUM}/data(30)", f"{SUM}/data(30)", config="drop-zero-checksum.yaml"),
    *(golden(f"rfc7915/4.5-first-fragment-without-udp-checksum-{config}",
             "RFC 7915 §4.5: a stateless translator cannot compute the checksum of a fragmented datagram, so it "
             "drops the first fragment, whatever the setting.",
             from_ipv4(FIRST, "reply udp-zero-checksum-fragment", reply4("C4", PROHIBITED4, FIRST)),
             config=f"{config}.yaml") for config in ("eam-basic", "drop-zero-checksum")),
    golden("rfc7915/4.5-later-fragment-whose-data-looks-like-a-zero-checksum",
           "RFC 7915 §4.5: a later fragment has no UDP header; its zeros are data.",
           from_ipv4("IP(src=C4,dst=S4,id=6,frag=4,proto=17)/bytes(16)", "to-ipv6",
                     "IPv6(src=C6,dst=S6,hlim=63)/IPv6ExtHdrFragment(nh=17,id=6,offset=4)/bytes(16)")),
    packet("udp-checksum-that-comes-to-zero", "a UDP checksum of zero means that there is none, so it leaves as "
           "0xffff (RFC 768; RFC 8200 §8.1).", f"{SUM}/{ZERO_IN_IPV6}", f"{SUM}/{ZERO_IN_IPV6}"),
    packet("computed-udp-checksum-that-comes-to-zero", "a calculated checksum of zero leaves as 0xffff (RFC 8200 "
           "§8.1).", f"{NO_SUM}/{ZERO_IN_IPV6}", f"{SUM}/{ZERO_IN_IPV6}"),
    packet("udp-checksum-ffff-arrives", "0xffff is a checksum, not the lack of one.",
           f"{SUM}/{ZERO_IN_IPV4}", f"{SUM}/{ZERO_IN_IPV4}"),
    packet("tcp-checksum-that-comes-to-zero", "zero is a TCP checksum like any other.",
           TCP_ZERO_IN_IPV6, TCP_ZERO_IN_IPV6),
    packet("tcp-checksum-zero-arrives", "zero is a TCP checksum like any other.",
           TCP_ZERO_IN_IPV4, TCP_ZERO_IN_IPV4),
    packet("tcp-with-options", "options do not matter.",
           "TCP(sport=40000,dport=80,flags='S',options=[('MSS',1460),('SAckOK',b''),('Timestamp',(1,0)),"
           "('NOP',None),('WScale',7)])",
           "TCP(sport=40000,dport=80,flags='S',options=[('MSS',1460),('SAckOK',b''),('Timestamp',(1,0)),"
           "('NOP',None),('WScale',7)])"),
    packet("tcp-urgent-and-reserved-bits", "nothing of the header but the checksum changes.",
           "TCP(sport=40000,dport=80,flags='FSRPAUECN',reserved=3,urgptr=0x1234,seq=0xffffffff)/data(3)",
           "TCP(sport=40000,dport=80,flags='FSRPAUECN',reserved=3,urgptr=0x1234,seq=0xffffffff)/data(3)"),
    golden("rfc7915/4.5-udp-length-shorter-than-the-packet",
           "RFC 7915 §4.5: data behind the datagram is carried along and the UDP length stays. (Scapy sums up all "
           "of the data, so this checksum is a wrong one, and stays wrong.)",
           from_ipv4("wrong(IP(src=C4,dst=S4)/UDP(sport=1000,dport=53,len=18)/data(30),0)", "to-ipv6",
                     "wrong(IPv6(src=C6,dst=S6,hlim=63)/UDP(sport=1000,dport=53,len=18)/data(30),0)")),
]
for word, layers in (("tcp", "TCP(sport=40000,dport=80,flags='A',seq=1,ack=2)/data(40)"),
                     ("udp", f"{SUM}/data(40)")):
    for by in (1, 0x8000, 0xFFFE):
        CASES.append(golden(
            f"rfc7915/4.5-wrong-{word}-checksum-stays-wrong-by-{by:04x}",
            "RFC 7915 §4.5: the checksum is updated by the difference, not made anew, so that it is wrong by "
            "as much as before and the receiver sees the damage.",
            from_ipv4(f"wrong(IP(src=C4,dst=S4)/{layers},{by:#x})", "to-ipv6",
                      f"wrong(IPv6(src=C6,dst=S6,hlim=63)/{layers},{by:#x})")))
