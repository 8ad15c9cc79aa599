"""TCP MSS clamping of the option that RFC 9293 §3.7.1 defines."""

from corpus import from_ipv4, from_ipv6, golden

SYN = "TCP(sport=40000,dport=80,flags='{}',seq=7,options={})"


def both(name, note, options, clamped, flags="S", config="mss-clamp.yaml", tail=""):
    """The same segment in both directions."""
    before, after = SYN.format(flags, options) + tail, SYN.format(flags, clamped) + tail
    return golden(f"mss-clamp/{name}", f"RFC 9293 §3.7.1: {note}",
                  from_ipv4(f"IP(src=C4,dst=S4,flags='DF')/{before}", "to-ipv6",
                            f"IPv6(src=C6,dst=S6,hlim=63)/{after}"),
                  from_ipv6(f"IPv6(src=S6,dst=C6)/{before}", "to-ipv4", f"IP(src=S4,dst=C4,ttl=63,id=1)/{after}"),
                  config=config)


def same(name, note, options, **extra):
    return both(name, note, options, options, **extra)


def raw_options(octets):
    """TCP options octet by octet, for what Scapy would not write; a multiple of 4 octets long."""
    header = "TCP(sport=40000,dport=80,flags='S',seq=7,dataofs={})/bytes.fromhex('{}')"
    return header.format(5 + len(bytes.fromhex(octets)) // 4, octets)


def raw_case(name, note, before, after=None):
    """Segments whose options are given octet by octet."""
    before, after = raw_options(before), raw_options(after or before)
    return golden(f"mss-clamp/{name}", f"RFC 9293 §3.7.1: {note}",
                  from_ipv4(f"IP(src=C4,dst=S4)/{before}", "to-ipv6", f"IPv6(src=C6,dst=S6,hlim=63)/{after}"),
                  from_ipv6(f"IPv6(src=S6,dst=C6)/{before}", "to-ipv4", f"IP(src=S4,dst=C4,ttl=63,id=1)/{after}"),
                  config="mss-clamp.yaml")


def mss(value):
    return f"[('MSS',{value})]"


LINUX = "[('MSS',{}),('SAckOK',b''),('Timestamp',(1,0)),('NOP',None),('WScale',7)]"
QUOTED = SYN.format("S", mss(1460))
CASES = [
    both("syn-above-the-clamp", "a SYN that asks for more gets 1200.", mss(1460), mss(1200)),
    both("syn-ack-above-the-clamp", "the answer to a SYN has the option too.", mss(1460), mss(1200), flags="SA"),
    both("syn-one-above-the-clamp", "1201 is more than 1200.", mss(1201), mss(1200)),
    same("syn-at-the-clamp", "1200 stays.", mss(1200)),
    same("syn-below-the-clamp", "a smaller MSS is never raised.", mss(536)),
    same("syn-with-mss-zero", "a smaller MSS is never raised.", mss(0)),
    both("syn-with-mss-65535", "the largest MSS.", mss(65535), mss(1200)),
    same("syn-without-options", "no option is added.", "[]"),
    same("syn-without-mss", "no option is added.", "[('SAckOK',b''),('NOP',None),('NOP',None)]"),
    same("segment-that-is-no-syn", "the option means something in segments with SYN alone.", mss(1460), flags="A"),
    same("reset", "the option means something in segments with SYN alone.", mss(1460), flags="R"),
    both("syn-of-linux", "MSS comes first among five options.", LINUX.format(1460), LINUX.format(1200)),
    both("syn-with-mss-last", "MSS comes behind other options.",
         "[('WScale',7),('SAckOK',b''),('NOP',None),('NOP',None),('NOP',None),('MSS',1460)]",
         "[('WScale',7),('SAckOK',b''),('NOP',None),('NOP',None),('NOP',None),('MSS',1200)]"),
    both("syn-with-mss-at-an-odd-offset", "the value lies across two words of the checksum.",
         "[('NOP',None),('MSS',1460),('NOP',None),('NOP',None),('NOP',None)]",
         "[('NOP',None),('MSS',1200),('NOP',None),('NOP',None),('NOP',None)]"),
    both("syn-with-data", "TCP Fast Open sends data along.", mss(1460), mss(1200), tail="/data(101)"),
    both("minimum-of-536", "the least clamp.", mss(1460), mss(536), config="mss-536.yaml"),
    both("auto-by-the-ipv6-mtu", "1400 octets of IPv6 leave 1340 for the segment.", mss(1460), mss(1340),
         config="mss-auto.yaml"),
    same("auto-below", "1340 stays.", mss(1340), config="mss-auto.yaml"),
    both("auto-by-the-ipv4-mtu", "1400 octets of IPv4 leave 1360, which is less than 1440 for IPv6.", mss(1460),
         mss(1360), config="mss-auto-ipv4.yaml"),
    same("off", "without the setting nothing is clamped.", mss(9000), config="eam-basic.yaml"),
    raw_case("option-behind-the-end-of-options", "what follows End of Option List is padding.", "00020405 b4000000"),
    raw_case("option-of-length-0", "a malformed option ends the search, and the segment passes.",
             "05000204 05b40000"),
    raw_case("option-of-length-1", "a malformed option ends the search, and the segment passes.",
             "05010204 05b40000"),
    raw_case("mss-of-length-3", "an MSS option of the wrong length is not touched.", "020305b4"),
    raw_case("mss-of-length-6", "an MSS option of the wrong length is not touched.", "020605b4 00000000"),
    raw_case("option-longer-than-the-header", "an option that runs out of the header is not touched.", "010101 02"),
    raw_case("mss-cut-off-by-the-header", "three octets of an MSS option are left in the header.", "01020405"),
    raw_case("two-mss-options", "every MSS option is clamped; which one a receiver takes is its own affair.",
             "020405b4 020405a0", "020404b0 020404b0"),
    golden("mss-clamp/mss-behind-the-header-is-data",
           "RFC 9293 §3.1: what looks like an option behind the data offset is data.",
           from_ipv4("IP(src=C4,dst=S4)/TCP(sport=40000,dport=80,flags='S')/bytes.fromhex('020405b4')", "to-ipv6",
                     "IPv6(src=C6,dst=S6,hlim=63)/TCP(sport=40000,dport=80,flags='S')/bytes.fromhex('020405b4')"),
           config="mss-clamp.yaml"),
    golden("mss-clamp/wrong-checksum-stays-wrong",
           "RFC 7915 §4.5: clamping updates the checksum by the difference too.",
           from_ipv4(f"wrong(IP(src=C4,dst=S4)/{SYN.format('S', mss(1460))},0x0102)", "to-ipv6",
                     f"wrong(IPv6(src=C6,dst=S6,hlim=63)/{SYN.format('S', mss(1200))},0x0102)"),
           config="mss-clamp.yaml"),
    golden("mss-clamp/syn-in-a-first-fragment",
           "RFC 9293 §3.7.1: a first fragment that holds the whole TCP header is clamped as well; the checksum needs "
           "the difference alone.",
           from_ipv4("IP(src=C4,dst=S4,id=4,flags='MF',proto=6)/part(IP(src=C4,dst=S4)/"
                     f"{SYN.format('S', mss(1460))}/data(100),0,64)", "to-ipv6",
                     "IPv6(src=C6,dst=S6,hlim=63)/IPv6ExtHdrFragment(nh=6,id=4,m=1)/part(IPv6(src=C6,dst=S6)/"
                     f"{SYN.format('S', mss(1200))}/data(100),0,64)"), config="mss-clamp.yaml"),
    golden("mss-clamp/later-fragment-is-data",
           "RFC 9293 §3.7.1: a later fragment has no TCP header, whatever its octets look like.",
           from_ipv4("IP(src=C4,dst=S4,id=4,frag=10,proto=6)/raw(TCP(flags='S',options=[('MSS',1460)]))", "to-ipv6",
                     "IPv6(src=C6,dst=S6,hlim=63)/IPv6ExtHdrFragment(nh=6,id=4,offset=10)/"
                     "raw(TCP(flags='S',options=[('MSS',1460)]))"), config="mss-clamp.yaml"),
    golden("mss-clamp/quoted-syn-is-left-alone",
           "RFC 7915 §4.3: the quote is what the sender sent; it needs no clamping.",
           from_ipv4(f"IP(src=R4,dst=S4)/ICMP(type=11,code=0)/(IP(src=S4,dst=C4,ttl=1)/{QUOTED})", "to-ipv6",
                     f"IPv6(src=R46,dst=S6,hlim=63)/ICMPv6TimeExceeded(code=0)/(IPv6(src=S6,dst=C6,hlim=1)/{QUOTED})"),
           config="mss-clamp.yaml"),
]
