"""RFC 7915 §5.3: the packet in error inside an ICMPv6 error."""

from corpus import from_ipv6, golden

OUTER6 = "IPv6(src=R6,dst=C6,hlim=64)/ICMPv6TimeExceeded(code=0)"
OUTER4 = "IP(src=R64,dst=C4,ttl=63,id=1)/ICMP(type=11,code=0)"
IN6 = "IPv6(src=C6,dst=S6,hlim=1)"
IN4 = "IP(src=C4,dst=S4,ttl=1,id=0)"
IN4_DF = "IP(src=C4,dst=S4,ttl=1,flags='DF',id=0)"


def quote(name, note, six, four, config="eam-basic.yaml"):
    """An error that quotes the expression `six`; `four` is the quote that must leave, or a drop."""
    if four.startswith("drop"):
        step = from_ipv6(f"{OUTER6}/{six}", four)
    else:
        step = from_ipv6(f"{OUTER6}/{six}", "to-ipv4", f"{OUTER4}/{four}")
    return golden(f"rfc7915/5.3-{name}", f"RFC 7915 §5.3: {note}", step, config=config)


UDP = "UDP(sport=1000,dport=53)"
TCP = "TCP(sport=40000,dport=80,flags='PA',seq=1,ack=2)"
FRAGMENT = "IP(src=C4,dst=S4,ttl=1,id=0xabcd"
HEADER = "IPv6ExtHdrFragment"

CASES = [
    quote("inner-udp", "the packet in error is translated like any other, but its hop limit is not decremented.",
          f"({IN6}/{UDP}/data(20))", f"({IN4}/{UDP}/data(20))"),
    quote("inner-tcp", "TCP with its checksum in the quote.", f"({IN6}/{TCP}/data(20))", f"({IN4}/{TCP}/data(20))"),
    quote("inner-tcp-of-8-octets", "without the TCP checksum. The inner total length is that of the packet, not of "
          "the quote.", f"cut({IN6}/{TCP}/data(400),48)", f"cut({IN4}/{TCP}/data(400),28)"),
    quote("inner-tcp-cut-inside-the-checksum", "17 octets of TCP hold half a checksum, which stays as it is.",
          f"cut({IN6}/TCP(sport=40000,dport=80,flags='A',chksum=0x1234)/data(400),57)",
          f"cut({IN4}/TCP(sport=40000,dport=80,flags='A',chksum=0x1234)/data(400),37)"),
    quote("inner-tcp-cut-behind-the-checksum", "18 octets of TCP hold the checksum, which is adjusted.",
          f"cut({IN6}/{TCP}/data(400),58)", f"cut({IN4}/{TCP}/data(400),38)"),
    quote("inner-udp-of-8-octets", "a quote of 48 octets.", f"cut({IN6}/{UDP}/data(400),48)",
          f"cut({IN4}/{UDP}/data(400),28)"),
    quote("inner-echo-request", "an inner ICMPv6 echo request is translated too.",
          f"({IN6}/ICMPv6EchoRequest(id=3,seq=4,data=data(20)))", f"({IN4}/ICMP(type=8,id=3,seq=4)/data(20))"),
    quote("inner-echo-reply", "an inner ICMPv6 echo reply.",
          f"({IN6}/ICMPv6EchoReply(id=3,seq=4,data=data(20)))", f"({IN4}/ICMP(type=0,id=3,seq=4)/data(20))"),
    quote("inner-echo-of-8-octets", "a cut echo request: the pseudo-header takes the length from the inner payload "
          "length.", f"cut({IN6}/ICMPv6EchoRequest(id=3,seq=4,data=data(1000)),48)",
          f"cut({IN4}/ICMP(type=8,id=3,seq=4)/data(1000),28)"),
    quote("inner-wrong-udp-checksum-stays-wrong", "inner checksums change by the difference.",
          f"wrong({IN6}/{UDP}/data(20),0x0101)", f"wrong({IN4}/{UDP}/data(20),0x0101)"),
    quote("inner-wrong-tcp-checksum-stays-wrong", "inner checksums change by the difference.",
          f"wrong({IN6}/{TCP}/data(20),0x0101)", f"wrong({IN4}/{TCP}/data(20),0x0101)"),
    quote("inner-unknown-protocol", "the protocol is copied and the data left alone.",
          "(IPv6(src=C6,dst=S6,hlim=1,nh=132)/data(20))", "(IP(src=C4,dst=S4,ttl=1,id=0,proto=132)/data(20))"),
    quote("inner-no-next-header", "59 is copied.", "(IPv6(src=C6,dst=S6,hlim=1,nh=59)/data(8))",
          "(IP(src=C4,dst=S4,ttl=1,id=0,proto=59)/data(8))"),
    quote("inner-hop-limit-0-is-kept", "routers may quote the packet after they took 1 from the hop limit.",
          f"({IN6.replace('hlim=1', 'hlim=0')}/{UDP}/data(20))", f"({IN4.replace('ttl=1', 'ttl=0')}/{UDP}/data(20))"),
    quote("inner-hop-limit-255-is-kept", "the inner hop limit is not decremented.",
          f"({IN6.replace('hlim=1', 'hlim=255')}/{UDP}/data(20))",
          f"({IN4.replace('ttl=1', 'ttl=255')}/{UDP}/data(20))"),
    quote("inner-traffic-class-is-copied", "the inner traffic class becomes the inner TOS; the flow label goes.",
          f"({IN6.replace('hlim=1', 'hlim=1,tc=0xb8,fl=0x12345')}/{UDP}/data(20))",
          f"({IN4.replace('ttl=1', 'ttl=1,tos=0xb8')}/{UDP}/data(20))"),
    quote("inner-tos-is-fixed-too", "a fixed TOS goes for quotes as well.",
          f"({IN6.replace('hlim=1', 'hlim=1,tc=0xb8')}/{UDP}/data(20))", f"({IN4}/{UDP}/data(20))",
          config="traffic-class-zero.yaml"),
    quote("inner-packet-of-1280-octets-has-no-df", "DF goes by the size of the packet, not of its quote.",
          f"cut({IN6}/{UDP}/data(1232),100)", f"cut({IN4}/{UDP}/data(1232),80)"),
    quote("inner-packet-of-1281-octets-has-df", "DF goes by the size of the packet, not of its quote.",
          f"cut({IN6}/{UDP}/data(1233),100)", f"cut({IN4_DF}/{UDP}/data(1233),80)"),
    quote("inner-packet-larger-than-our-mtu", "limits of size are for packets, not for quotes.",
          f"cut({IN6}/{UDP}/data(4000),100)", f"cut({IN4_DF}/{UDP}/data(4000),80)"),
    quote("inner-extension-headers-are-skipped", "the quote shrinks by them.",
          f"({IN6}/IPv6ExtHdrHopByHop()/IPv6ExtHdrDestOpt()/{UDP}/data(20))", f"({IN4}/{UDP}/data(20))"),
    quote("inner-first-fragment", "the inner Fragment Header goes into the IPv4 header.",
          f"({IN6}/{HEADER}(nh=17,id=0x5abcd,offset=0,m=1)/part({IN6}/{UDP}/data(2000),0,64))",
          f"({FRAGMENT},flags='MF',proto=17)/part({IN4}/{UDP}/data(2000),0,64))"),
    quote("inner-first-fragment-of-8-octets", "with the least quote.",
          f"cut({IN6}/{HEADER}(nh=6,id=0x5abcd,offset=0,m=1)/part({IN6}/{TCP}/data(2000),0,1232),56)",
          f"cut({FRAGMENT},flags='MF',proto=6)/part({IN4}/{TCP}/data(2000),0,1232),28)"),
    quote("inner-later-fragment", "a later fragment has no transport header: its data stays as it is.",
          f"({IN6}/{HEADER}(nh=17,id=0x5abcd,offset=8,m=1)/part({IN6}/{UDP}/data(2000),64,128))",
          f"({FRAGMENT},flags='MF',frag=8,proto=17)/part({IN4}/{UDP}/data(2000),64,128))"),
    quote("inner-atomic-fragment", "a whole packet with a Fragment Header: its checksum is updated, DF clear, "
          "identification copied (RFC 6946 §4).",
          f"({IN6}/{HEADER}(nh=17,id=0x5abcd)/part({IN6}/{UDP}/data(40),0,48))",
          f"({FRAGMENT},proto=17)/part({IN4}/{UDP}/data(40),0,48))"),
    quote("inner-fragment-behind-extension-headers", "both are skipped.",
          f"({IN6}/IPv6ExtHdrDestOpt()/{HEADER}(nh=17,id=0x5abcd,offset=8,m=1)/part({IN6}/{UDP}/data(2000),64,128))",
          f"({FRAGMENT},flags='MF',frag=8,proto=17)/part({IN4}/{UDP}/data(2000),64,128))"),
    quote("inner-icmpv6-error-is-dropped", "translation stops at the first embedded header; more of them drop the "
          "packet.", f"({IN6}/ICMPv6DestUnreach(code=4)/(IPv6(src=S6,dst=C6)/{UDP}/data(8)))",
          "drop inner-packet-is-icmp-error"),
    quote("inner-icmpv6-error-of-8-octets-is-dropped", "even if the quote ends before the second header.",
          f"cut({IN6}/ICMPv6TimeExceeded(code=0)/(IPv6(src=S6,dst=C6)/{UDP}/data(8)),48)",
          "drop inner-packet-is-icmp-error"),
    quote("inner-first-fragment-of-an-echo", "the first fragment of an echo that the translator itself cut "
          "(RFC 7915 §4.1) may be quoted. The checksum, which nobody can verify in a quote, loses the type and a "
          "pseudo-header of the quoted fragment's length.",
          f"({IN6}/{HEADER}(nh=58,id=7,m=1)/part({IN6}/ICMPv6EchoRequest(cksum=0x1234,data=data(2000)),0,64))",
          f"({FRAGMENT.replace('id=0xabcd', 'id=7')},flags='MF',proto=1)"
          f"/part({IN4}/ICMP(type=8,chksum=0x230f)/data(2000),0,64))"),
    quote("inner-source-without-mapping", "there is no way to tell the receiver which packet it was.",
          f"(IPv6(src='2001:db8:ffff::1',dst=S6)/{UDP}/data(20))", "drop inner-address-not-mapped"),
    quote("inner-destination-without-mapping", "there is no way to tell the receiver which packet it was.",
          f"(IPv6(src=C6,dst='2001:db8:ffff::1')/{UDP}/data(20))", "drop inner-address-not-mapped"),
    quote("no-quote-at-all", "an error without a packet in error.", "b''", "drop inner-packet-truncated"),
    quote("inner-header-cut-off", "39 octets are no header.", f"cut({IN6}/{UDP}/data(20),39)",
          "drop inner-packet-truncated"),
    quote("inner-extension-header-cut-off", "the headers are not all there.",
          f"cut({IN6}/IPv6ExtHdrDestOpt(options=[PadN(optdata=bytes(20))])/{UDP}/data(20),60)",
          "drop inner-packet-truncated"),
    quote("inner-fragment-header-cut-off", "the headers are not all there.",
          f"cut({IN6}/{HEADER}(nh=17,id=1,m=1)/data(20),47)", "drop inner-packet-truncated"),
    golden("rfc7915/5.3-outer-traffic-class-is-copied",
           "RFC 7915 §5.3: the outer header is translated like any other.",
           from_ipv6(f"IPv6(src=R6,dst=C6,tc=0xc0,hlim=9)/ICMPv6DestUnreach(code=4)/({IN6}/{UDP}/data(20))", "to-ipv4",
                     f"IP(src=R64,dst=C4,tos=0xc0,ttl=8,id=1)/ICMP(type=3,code=3)/({IN4}/{UDP}/data(20))")),
    golden("rfc7915/5.3-outer-extension-header-is-skipped", "RFC 7915 §5.3: also in front of an error.",
           from_ipv6(f"IPv6(src=R6,dst=C6)/IPv6ExtHdrDestOpt()/ICMPv6DestUnreach(code=4)/({IN6}/{UDP}/data(20))",
                     "to-ipv4", f"IP(src=R64,dst=C4,ttl=63,id=1)/ICMP(type=3,code=3)/({IN4}/{UDP}/data(20))")),
    golden("rfc7915/5.3-error-from-the-destination-itself", "RFC 7915 §5.3: a port unreachable from the very host.",
           from_ipv6(f"IPv6(src=S6,dst=C6)/ICMPv6DestUnreach(code=4)/({IN6}/{UDP}/data(20))", "to-ipv4",
                     f"IP(src=S4,dst=C4,ttl=63,id=1)/ICMP(type=3,code=3)/({IN4}/{UDP}/data(20))")),
    golden("rfc7915/5.3-unused-word-becomes-zero",
           "RFC 7915 §5.3: the unused octets of ICMPv4 are zero, whatever was in those of ICMPv6.",
           from_ipv6(f"IPv6(src=R6,dst=C6)/ICMPv6TimeExceeded(code=0,unused=0x112233)/({IN6}/{UDP}/data(20))",
                     "to-ipv4", f"{OUTER4}/({IN4}/{UDP}/data(20))")),
    golden("rfc1812/4.3.2.3-largest-error-that-fits",
           "RFC 1812 §4.3.2.3: an ICMPv4 error is at most 576 octets long: 568 octets of quote become 548.",
           from_ipv6(f"{OUTER6}/cut({IN6}/{UDP}/data(1000),568)", "to-ipv4",
                     f"{OUTER4}/cut({IN4}/{UDP}/data(1000),548)")),
    golden("rfc1812/4.3.2.3-quote-is-trimmed-to-576-octets",
           "RFC 1812 §4.3.2.3: an ICMPv4 error is at most 576 octets long, so the end of the quote goes.",
           from_ipv6(f"{OUTER6}/cut({IN6}/{UDP}/data(1000),569)", "to-ipv4",
                     f"{OUTER4}/cut({IN4}/{UDP}/data(1000),548)")),
    golden("rfc1812/4.3.2.3-largest-icmpv6-error-is-trimmed",
           "RFC 1812 §4.3.2.3: the largest ICMPv6 error, 1280 octets, about a packet of 1500.",
           from_ipv6(f"IPv6(src=R6,dst=C6)/ICMPv6PacketTooBig(mtu=1400)/cut({IN6}/{TCP}/data(1440),1232)", "to-ipv4",
                     f"IP(src=R64,dst=C4,ttl=63,id=1)/ICMP(type=3,code=4,nexthopmtu=1380)/"
                     f"cut({IN4_DF}/{TCP}/data(1440),548)")),
]
