"""RFC 7915 §4.3: the packet in error inside an ICMPv4 error."""

from corpus import from_ipv4, golden

OUTER4 = "IP(src=R4,dst=S4,ttl=64,id=1)/ICMP(type=11,code=0)"
OUTER6 = "IPv6(src=R46,dst=S6,hlim=63)/ICMPv6TimeExceeded(code=0)"
IN4 = "IP(src=S4,dst=C4,ttl=1,id=0)"
IN6 = "IPv6(src=S6,dst=C6,hlim=1)"


def quote(name, note, four, six, config="eam-basic.yaml"):
    """An error that quotes the expression `four`; `six` is the quote that must leave, or a drop."""
    if six.startswith("drop"):
        step = from_ipv4(f"{OUTER4}/{four}", six)
    else:
        step = from_ipv4(f"{OUTER4}/{four}", "to-ipv6", f"{OUTER6}/{six}")
    return golden(f"rfc7915/4.3-{name}", f"RFC 7915 §4.3: {note}", step, config=config)


UDP = "UDP(sport=53,dport=1000)"
TCP = "TCP(sport=80,dport=40000,flags='PA',seq=1,ack=2)"
FRAGMENT = "IPv6(src=S6,dst=C6,hlim=1)/IPv6ExtHdrFragment"

CASES = [
    quote("inner-udp", "the packet in error is translated like any other, but its TTL is not decremented.",
          f"({IN4}/{UDP}/data(20))", f"({IN6}/{UDP}/data(20))"),
    quote("inner-tcp", "TCP with its checksum in the quote.",
          f"({IN4}/{TCP}/data(20))", f"({IN6}/{TCP}/data(20))"),
    quote("inner-tcp-of-8-octets", "RFC 792's minimum: the header and 8 octets, without the TCP checksum. "
          "The inner payload length is that of the packet, not of the quote.",
          f"cut({IN4}/{TCP}/data(400),28)", f"cut({IN6}/{TCP}/data(400),48)"),
    quote("inner-tcp-cut-inside-the-checksum", "17 octets of TCP hold half a checksum, which stays as it is.",
          f"cut({IN4}/TCP(sport=80,dport=40000,flags='PA',seq=1,chksum=0x1234)/data(400),37)",
          f"cut({IN6}/TCP(sport=80,dport=40000,flags='PA',seq=1,chksum=0x1234)/data(400),57)"),
    quote("inner-tcp-cut-behind-the-checksum", "18 octets of TCP hold the checksum, which is adjusted.",
          f"cut({IN4}/{TCP}/data(400),38)", f"cut({IN6}/{TCP}/data(400),58)"),
    quote("inner-udp-of-8-octets", "a quote of 28 octets.",
          f"cut({IN4}/{UDP}/data(400),28)", f"cut({IN6}/{UDP}/data(400),48)"),
    quote("inner-echo-request", "an inner ICMP echo request is translated too.",
          f"({IN4}/ICMP(type=8,id=3,seq=4)/data(20))",
          f"({IN6}/ICMPv6EchoRequest(id=3,seq=4,data=data(20)))"),
    quote("inner-echo-reply", "an inner ICMP echo reply.",
          f"({IN4}/ICMP(type=0,id=3,seq=4)/data(20))",
          f"({IN6}/ICMPv6EchoReply(id=3,seq=4,data=data(20)))"),
    quote("inner-echo-of-8-octets", "a cut echo request: the pseudo-header takes the length from the inner "
          "total length.",
          f"cut({IN4}/ICMP(type=8,id=3,seq=4)/data(1000),28)",
          f"cut({IN6}/ICMPv6EchoRequest(id=3,seq=4,data=data(1000)),48)"),
    quote("inner-wrong-udp-checksum-stays-wrong", "inner checksums change by the difference.",
          f"wrong({IN4}/{UDP}/data(20),0x0101)", f"wrong({IN6}/{UDP}/data(20),0x0101)"),
    quote("inner-wrong-tcp-checksum-stays-wrong", "inner checksums change by the difference.",
          f"wrong({IN4}/{TCP}/data(20),0x0101)", f"wrong({IN6}/{TCP}/data(20),0x0101)"),
    quote("inner-udp-without-checksum-stays-without",
          "a cut datagram cannot get a checksum, and an error must not be lost for that.",
          f"cut({IN4}/UDP(sport=53,dport=1000,chksum=0)/data(400),60)",
          f"cut({IN6}/UDP(sport=53,dport=1000,chksum=0)/data(400),80)"),
    quote("inner-udp-without-checksum-is-not-dropped", "the setting about UDP without checksum is for packets, "
          "not for quotes.",
          f"cut({IN4}/UDP(sport=53,dport=1000,chksum=0)/data(400),60)",
          f"cut({IN6}/UDP(sport=53,dport=1000,chksum=0)/data(400),80)", config="drop-zero-checksum.yaml"),
    quote("inner-unknown-protocol", "the protocol is copied and the data left alone.",
          "(IP(src=S4,dst=C4,ttl=1,id=0,proto=132)/data(20))", "(IPv6(src=S6,dst=C6,hlim=1,nh=132)/data(20))"),
    quote("inner-esp", "so are encrypted packets.",
          "(IP(src=S4,dst=C4,ttl=1,id=0,proto=50)/data(8))", "(IPv6(src=S6,dst=C6,hlim=1,nh=50)/data(8))"),
    quote("inner-ttl-0-is-kept", "routers may quote the packet after they took 1 from the TTL.",
          f"({IN4.replace('ttl=1', 'ttl=0')}/{UDP}/data(20))",
          f"({IN6.replace('hlim=1', 'hlim=0')}/{UDP}/data(20))"),
    quote("inner-ttl-255-is-kept", "the inner TTL is not decremented.",
          f"({IN4.replace('ttl=1', 'ttl=255')}/{UDP}/data(20))",
          f"({IN6.replace('hlim=1', 'hlim=255')}/{UDP}/data(20))"),
    quote("inner-tos-is-copied", "the inner TOS becomes the inner traffic class.",
          f"({IN4.replace('ttl=1', 'ttl=1,tos=0xb8')}/{UDP}/data(20))",
          f"({IN6.replace('hlim=1', 'hlim=1,tc=0xb8')}/{UDP}/data(20))"),
    quote("inner-options-are-skipped", "the quote shrinks by the options; the inner payload length counts "
          "the data alone.",
          f"cut({IN4.replace('ttl=1', 'ttl=1,options=[IPOption_NOP()]*8')}/{UDP}/data(400),60)",
          f"cut({IN6}/{UDP}/data(400),72)"),
    quote("inner-first-fragment", "an inner fragment gets a Fragment Header, so the quote grows by 28.",
          f"(IP(src=S4,dst=C4,ttl=1,id=0xabcd,flags='MF',proto=17)/part({IN4}/{UDP}/data(2000),0,64))",
          f"({FRAGMENT}(nh=17,id=0xabcd,offset=0,m=1)/part({IN6}/{UDP}/data(2000),0,64))"),
    quote("inner-first-fragment-of-8-octets", "with the least quote.",
          f"cut(IP(src=S4,dst=C4,ttl=1,id=0xabcd,flags='MF',proto=6)/part({IN4}/{TCP}/data(2000),0,1480),28)",
          f"cut({FRAGMENT}(nh=6,id=0xabcd,offset=0,m=1)/part({IN6}/{TCP}/data(2000),0,1480),56)"),
    quote("inner-later-fragment", "a later fragment has no transport header: its data stays as it is.",
          f"(IP(src=S4,dst=C4,ttl=1,id=0xabcd,flags='MF',frag=8,proto=17)/part({IN4}/{UDP}/data(2000),64,128))",
          f"({FRAGMENT}(nh=17,id=0xabcd,offset=8,m=1)/part({IN6}/{UDP}/data(2000),64,128))"),
    quote("inner-last-fragment", "the last fragment has an offset and no M flag.",
          f"(IP(src=S4,dst=C4,ttl=1,id=0xabcd,frag=100,proto=6)/part({IN4}/{TCP}/data(900),800,920))",
          f"({FRAGMENT}(nh=6,id=0xabcd,offset=100,m=0)/part({IN6}/{TCP}/data(900),800,920))"),
    quote("inner-df-packet-larger-than-our-mtu", "limits of size are for packets, not for quotes.",
          f"cut({IN4.replace('id=0', 'flags=2,id=0')}/{UDP}/data(1472),60)",
          f"cut({IN6}/{UDP}/data(1472),80)"),
    quote("inner-large-packet-without-df", "a quote is not cut into fragments.",
          f"cut({IN4}/{UDP}/data(4000),60)", f"cut({IN6}/{UDP}/data(4000),80)"),
    quote("inner-source-127.0.0.1-is-translated", "illegal addresses in a quote are translated for "
          "troubleshooting (RFC 7915 §4.1).",
          f"(IP(src='127.0.0.1',dst=C4,ttl=1,id=0)/{UDP}/data(20))",
          f"(IPv6(src='2001:db8:64::7f00:1',dst=C6,hlim=1)/{UDP}/data(20))"),
    quote("inner-source-0.0.0.0-is-translated", "illegal addresses in a quote are translated for "
          "troubleshooting (RFC 7915 §4.1).",
          f"(IP(src='0.0.0.0',dst=C4,ttl=1,id=0)/{UDP}/data(20))",
          f"(IPv6(src='2001:db8:64::',dst=C6,hlim=1)/{UDP}/data(20))"),
    quote("inner-destination-127.0.0.1-is-translated", "illegal addresses in a quote are translated for "
          "troubleshooting (RFC 7915 §4.1).",
          f"(IP(src=S4,dst='127.0.0.1',ttl=1,id=0)/{UDP}/data(20))",
          f"(IPv6(src=S6,dst='2001:db8:64::7f00:1',hlim=1)/{UDP}/data(20))"),
    quote("inner-header-checksum-is-not-verified", "routers quote packets as they had them in hand, often with "
          "the TTL changed and the header checksum not; IPv6 has no such field.",
          f"({IN4.replace('id=0', 'id=0,chksum=0x1234')}/{UDP}/data(20))", f"({IN6}/{UDP}/data(20))"),
    quote("inner-icmp-error-is-dropped", "translation stops at the first embedded header; more of them drop the "
          "packet.",
          f"({IN4}/ICMP(type=3,code=1)/(IP(src=C4,dst=S4)/{UDP}/data(8)))", "drop inner-packet-is-icmp-error"),
    quote("inner-icmp-error-of-8-octets-is-dropped", "even if the quote ends before the second header.",
          f"cut({IN4}/ICMP(type=11,code=0)/(IP(src=C4,dst=S4)/{UDP}/data(8)),28)",
          "drop inner-packet-is-icmp-error"),
    quote("inner-first-fragment-of-an-echo", "a fragment of an echo never crosses (RFC 7915 §1.2), but one that was "
          "cut behind the translator may be quoted, and its sender wants to know. The checksum, which nobody can "
          "verify in a quote, gains the type and a pseudo-header of the quoted fragment's length.",
          f"(IP(src=S4,dst=C4,ttl=1,id=7,flags='MF',proto=1)/part({IN4}/ICMP(type=8,chksum=0x1234)/data(2000),0,64))",
          f"({FRAGMENT}(nh=58,id=7,m=1)/part({IN6}/ICMPv6EchoRequest(cksum=0x0159,data=data(2000)),0,64))"),
    quote("inner-source-without-mapping", "there is no way to tell the receiver which packet it was.",
          f"(IP(src='198.51.100.77',dst=C4,ttl=1)/{UDP}/data(20))", "drop inner-address-not-mapped",
          config="eam-only.yaml"),
    quote("inner-destination-without-mapping", "there is no way to tell the receiver which packet it was.",
          f"(IP(src=S4,dst='198.51.100.77',ttl=1)/{UDP}/data(20))", "drop inner-address-not-mapped",
          config="eam-only.yaml"),
    quote("no-quote-at-all", "an error without a packet in error.", "b''", "drop inner-packet-truncated"),
    quote("inner-header-cut-off", "19 octets are no header.", f"cut({IN4}/{UDP}/data(20),19)",
          "drop inner-packet-truncated"),
    quote("inner-options-cut-off", "the header with its options is not all there.",
          f"cut({IN4.replace('ttl=1', 'ttl=1,options=[IPOption_NOP()]*8')}/{UDP}/data(20),27)",
          "drop inner-packet-truncated"),
    quote("inner-traffic-class-is-fixed-too", "a fixed traffic class goes for quotes as well.",
          f"({IN4.replace('ttl=1', 'ttl=1,tos=0xb8')}/{UDP}/data(20))",
          f"({IN6}/{UDP}/data(20))", config="traffic-class-zero.yaml"),
    golden("rfc7915/4.3-outer-tos-is-copied",
           "RFC 7915 §4.3: the outer header is translated like any other.",
           from_ipv4(f"IP(src=R4,dst=S4,tos=0xc0,ttl=9,flags='DF')/ICMP(type=3,code=3)/({IN4}/{UDP}/data(20))",
                     "to-ipv6",
                     f"IPv6(src=R46,dst=S6,tc=0xc0,hlim=8)/ICMPv6DestUnreach(code=4)/({IN6}/{UDP}/data(20))")),
    golden("rfc7915/4.3-outer-options-are-skipped",
           "RFC 7915 §4.3: RFC 1812 lets routers put options on their errors.",
           from_ipv4(f"IP(src=R4,dst=S4,options=[IPOption_RR(routers=['0.0.0.0'])])/ICMP(type=3,code=3)/"
                     f"({IN4}/{UDP}/data(20))", "to-ipv6",
                     f"IPv6(src=R46,dst=S6,hlim=63)/ICMPv6DestUnreach(code=4)/({IN6}/{UDP}/data(20))")),
    golden("rfc7915/4.3-error-from-the-destination-itself",
           "RFC 7915 §4.3: a port unreachable from the very host.",
           from_ipv4(f"IP(src=C4,dst=S4)/ICMP(type=3,code=3)/({IN4}/{UDP}/data(20))", "to-ipv6",
                     f"IPv6(src=C6,dst=S6,hlim=63)/ICMPv6DestUnreach(code=4)/({IN6}/{UDP}/data(20))")),
    golden("rfc7915/4.3-unused-word-becomes-zero",
           "RFC 4443 §3.3: the unused octets of ICMPv6 Time Exceeded are zero, whatever was in ICMPv4's.",
           from_ipv4(f"IP(src=R4,dst=S4)/ICMP(type=11,code=0,reserved=0x55,unused=0x6677)/({IN4}/{UDP}/data(20))",
                     "to-ipv6", f"{OUTER6}/({IN6}/{UDP}/data(20))")),
    golden("rfc7915/4.3-error-has-df",
           "RFC 7915 §4.3: DF on an error does not matter while it fits.",
           from_ipv4(f"IP(src=R4,dst=S4,flags='DF')/ICMP(type=11,code=0)/cut({IN4}/{UDP}/data(1400),548)",
                     "to-ipv6", f"{OUTER6}/cut({IN6}/{UDP}/data(1400),568)")),
    golden("rfc4443/2.4-largest-error-that-fits",
           "RFC 4443 §2.4: an ICMPv6 error is at most 1280 octets long: 1212 octets of quote become 1232.",
           from_ipv4(f"{OUTER4}/cut({IN4}/{UDP}/data(1400),1212)", "to-ipv6",
                     f"{OUTER6}/cut({IN6}/{UDP}/data(1400),1232)")),
    golden("rfc4443/2.4-quote-is-trimmed-to-1280-octets",
           "RFC 4443 §2.4: an ICMPv6 error is at most 1280 octets long, so the end of the quote goes; the error "
           "is not cut into fragments.",
           from_ipv4(f"{OUTER4}/cut({IN4}/{UDP}/data(1400),1213)", "to-ipv6",
                     f"{OUTER6}/cut({IN6}/{UDP}/data(1400),1232)"),
           from_ipv4(f"{OUTER4.replace('id=1', 'flags=2,id=1')}/cut({IN4}/{UDP}/data(1400),1428)", "to-ipv6",
                     f"{OUTER6}/cut({IN6}/{UDP}/data(1400),1232)")),
    golden("rfc4443/2.4-inner-fragment-header-counts",
           "RFC 4443 §2.4: the inner Fragment Header is part of the 1280 octets.",
           from_ipv4(f"{OUTER4}/(IP(src=S4,dst=C4,ttl=1,id=0xabcd,flags='MF',proto=17)/"
                     f"part({IN4}/{UDP}/data(2000),0,1200))", "to-ipv6",
                     f"{OUTER6}/cut({FRAGMENT}(nh=17,id=0xabcd,offset=0,m=1)/"
                     f"part({IN6}/{UDP}/data(2000),0,1200),1232)")),
    golden("rfc4443/2.4-errors-ignore-a-larger-lowest-mtu",
           "RFC 4443 §2.4: 1280 octets are the limit, also where lowest-ipv6-mtu is greater.",
           from_ipv4(f"{OUTER4}/cut({IN4}/{UDP}/data(1400),1300)", "to-ipv6",
                     f"{OUTER6}/cut({IN6}/{UDP}/data(1400),1232)"), config="lowest-mtu-1500.yaml"),
]
