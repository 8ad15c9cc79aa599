"""RFC 7915 §5.1.1: Fragment Headers, and IPv4 fragmentation by the translator. RFC 6946: atomic fragments."""

from corpus import PROHIBITED6, fragment4, fragment6, from_ipv4, from_ipv6, golden, reply6

AT6 = {"src": "S6", "dst": "C6", "hlim": 64}
AT4 = {"src": "S4", "dst": "C4", "ttl": 63}


def both(layers):
    return f"IPv6(src=S6,dst=C6)/{layers}", f"IP(src=S4,dst=C4)/{layers}"


SIX, FOUR = both("UDP(sport=53,dport=1000)/data(3992)")     # 4000 octets behind the IP header
TCP6, TCP4 = both("TCP(sport=80,dport=40000,flags='A',seq=5,ack=6)/data(980)")


def one(name, note, start, end, more, six=SIX, four=FOUR, ident=0xDEADBEEF, number=17, config="eam-basic.yaml"):
    """A fragment that becomes a single IPv4 fragment."""
    return golden(f"rfc7915/5.1.1-{name}", f"RFC 7915 §5.1.1: {note}",
                  from_ipv6(fragment6(six, start, end, more, ident=hex(ident), nh=number, **AT6), "to-ipv4",
                            fragment4(four, start, end, more, ident=hex(ident & 0xFFFF), proto=number, **AT4)),
                  config=config)


CASES = [
    one("fragment-header-becomes-ipv4-fields",
        "the low 16 bits of the identification, offset and M flag go into the IPv4 header; DF is cleared.",
        0, 1232, True),
    one("middle-fragment", "offset and M flag are copied.", 1232, 2464, True),
    one("last-fragment", "no M flag, so no MF.", 3696, 4000, False),
    one("fragment-of-1500-octets-has-no-df", "DF is cleared whatever the size, so that IPv4 routers may cut further.",
        0, 1448, True),
    one("identification-whose-low-half-is-zero", "low 16 bits of zero are copied like any other.", 0, 1232, True,
        ident=0x12340000),
    one("fragment-of-tcp", "TCP's checksum is in the first fragment.", 0, 496, True, TCP6, TCP4, number=6),
    one("later-fragment-of-tcp", "a later fragment has no checksum to update.", 496, 1000, False, TCP6, TCP4,
        number=6),
    one("fragment-of-esp", "ESP is not an extension header here.", 0, 64, True,
        "IPv6(src=S6,dst=C6,nh=50)/data(100)", "IP(src=S4,dst=C4,proto=50)/data(100)", number=50),
    one("fragment-of-sctp", "any protocol is copied.", 64, 96, True,
        "IPv6(src=S6,dst=C6,nh=132)/data(100)", "IP(src=S4,dst=C4,proto=132)/data(100)", number=132),
    golden("rfc7915/5.1.1-fragment-at-the-largest-offset",
           "RFC 7915 §5.1.1: all 13 bits of the offset are copied.",
           from_ipv6("IPv6(src=S6,dst=C6)/IPv6ExtHdrFragment(nh=17,id=9,offset=8188)/data(4)", "to-ipv4",
                     "IP(src=S4,dst=C4,ttl=63,id=9,frag=8188,proto=17)/data(4)")),
    golden("rfc7915/5.1.1-reserved-bits-of-the-fragment-header-are-ignored",
           "RFC 8200 §4.5: reserved bits are ignored on reception.",
           from_ipv6("IPv6(src=S6,dst=C6)/IPv6ExtHdrFragment(nh=17,id=9,offset=5,m=1,res1=255,res2=3)/data(16)",
                     "to-ipv4", "IP(src=S4,dst=C4,ttl=63,id=9,flags='MF',frag=5,proto=17)/data(16)")),
    golden("rfc7915/5.1.1-extension-headers-before-the-fragment-header",
           "RFC 7915 §5.1.1: they are skipped, and total length is less by them and by 8.",
           from_ipv6("IPv6(src=S6,dst=C6)/IPv6ExtHdrHopByHop()/IPv6ExtHdrDestOpt()/"
                     "IPv6ExtHdrRouting(addresses=['2001:db8::1'],segleft=0)/"
                     "IPv6ExtHdrFragment(nh=17,id=9,offset=5,m=1)/data(16)", "to-ipv4",
                     "IP(src=S4,dst=C4,ttl=63,id=9,flags='MF',frag=5,proto=17)/data(16)")),
    golden("rfc7915/5.1.1-tos-and-ttl-of-a-fragment", "RFC 7915 §5.1.1: the other fields are set as in §5.1.",
           from_ipv6("IPv6(src=S6,dst=C6,tc=0x2e,hlim=9)/IPv6ExtHdrFragment(nh=17,id=9,offset=5,m=1)/data(16)",
                     "to-ipv4", "IP(src=S4,dst=C4,tos=0x2e,ttl=8,id=9,flags='MF',frag=5,proto=17)/data(16)")),
    golden("rfc7915/1.2-fragmented-icmpv6-is-not-translated",
           "RFC 7915 §1.2: fragmented ICMPv6 is not translated.",
           *(from_ipv6(fragment6("IPv6(src=S6,dst=C6)/ICMPv6EchoReply(id=1,seq=1,data=data(100))", start, end, more,
                                 ident=8, nh=58, **AT6), "drop fragmented-icmp")
             for start, end, more in ((0, 64, True), (64, 108, False)))),
    golden("rfc7915/5.1.1-first-fragment-too-short-for-tcp",
           "RFC 7915 §5.5: the TCP checksum, which must be updated, is not in the first fragment.",
           from_ipv6(fragment6(TCP6, 0, 8, True, ident=8, nh=6, **AT6), "drop truncated-header")),
    golden("rfc7915/5.1.1-hop-limit-of-a-later-fragment-is-silent",
           "RFC 7915 §5.4: a later fragment gets no answer.",
           from_ipv6(fragment6(SIX, 1232, 2464, True, ident=8, **AT6 | {"hlim": 1}), "drop hop-limit-exceeded")),
    golden("rfc7915/5.1.1-segments-left-of-a-later-fragment-is-silent",
           "RFC 7915 §5.4: a later fragment gets no answer.",
           from_ipv6("IPv6(src=S6,dst=C6)/IPv6ExtHdrRouting(addresses=['2001:db8::1'],segleft=1)/"
                     "IPv6ExtHdrFragment(nh=17,id=9,offset=5,m=1)/data(16)", "drop segments-left")),
    golden("rfc7915/5.5-fragment-without-udp-checksum",
           "RFC 8200 §8.1: IPv6 has no UDP without a checksum; the first fragment shows it.",
           from_ipv6("IPv6(src=S6,dst=C6)/IPv6ExtHdrFragment(nh=17,id=9,offset=0,m=1)/"
                     "part(IPv6(src=S6,dst=C6)/UDP(sport=53,dport=1000,chksum=0)/data(80),0,48)",
                     "drop ipv6-udp-zero-checksum")),
]

# --- extension headers behind the Fragment Header ---
for number, word in ((0, "hop-by-hop"), (43, "routing"), (44, "fragment"), (51, "ah"), (60, "destination-options")):
    FIRST = f"IPv6(src=S6,dst=C6)/IPv6ExtHdrFragment(nh={number},id=9,offset=0,m=1)/(b'\\x11'+bytes(31))"
    CASES.append(golden(
        f"rfc7915/5.1.1-{word}-behind-the-fragment-header",
        "RFC 7915 §5.1.1: a fragment whose Next Header is an extension header (AH counts, ESP does not) is dropped; "
        "RFC 7915 §5.4: a first fragment is answered, a later one is not.",
        from_ipv6(FIRST, "reply extension-header-after-fragment", reply6("S6", PROHIBITED6, FIRST)),
        from_ipv6(FIRST.replace("offset=0", "offset=7"), "drop extension-header-after-fragment")))

# --- atomic fragments ---
ATOMIC = "IPv6(src=S6,dst=C6)/IPv6ExtHdrFragment(nh={},id=0xcafef00d,offset=0,m=0)/part(IPv6(src=S6,dst=C6)/{},0,9999)"


def atomic(name, note, nh, six, four, config="eam-basic.yaml"):
    return golden(f"rfc6946/4-{name}", f"RFC 6946 §4: {note}",
                  from_ipv6(ATOMIC.format(nh, six), "to-ipv4", f"IP(src=S4,dst=C4,ttl=63,id=0xf00d)/{four}"),
                  config=config)


UDP8 = "UDP(sport=53,dport=1000)/b'yonroku!'"
CASES += [
    atomic("atomic-fragment-is-a-whole-packet",
           "a fragment with offset 0 and M 0 is a whole packet; RFC 7915 §5.1.1: DF is cleared and the identification "
           "copied.", 17, UDP8, UDP8),
    atomic("atomic-fragment-of-1500-octets-has-no-df", "DF is cleared whatever the size (RFC 7915 §5.1.1).", 17,
           "UDP(sport=53,dport=1000)/data(1444)", "UDP(sport=53,dport=1000)/data(1444)"),
    atomic("atomic-fragment-of-icmpv6-is-translated", "a whole message in one fragment is no fragmented ICMPv6.", 58,
           "ICMPv6EchoReply(id=1,seq=2,data=data(30))", "ICMP(type=0,id=1,seq=2)/data(30)"),
    atomic("atomic-fragment-of-an-icmpv6-error-is-translated", "errors too.", 58,
           f"ICMPv6DestUnreach(code=4)/(IPv6(src=C6,dst=S6)/{UDP8})",
           f"ICMP(type=3,code=3)/(IP(src=C4,dst=S4,id=0)/{UDP8})"),
    atomic("atomic-fragment-of-tcp", "TCP's checksum is updated.", 6, "TCP(sport=80,dport=40000,flags='A')/data(8)",
           "TCP(sport=80,dport=40000,flags='A')/data(8)"),
    golden("rfc6946/4-atomic-fragment-without-a-whole-udp-header",
           "RFC 7915 §5.5: seven octets are no UDP header.",
           from_ipv6("IPv6(src=S6,dst=C6)/IPv6ExtHdrFragment(nh=17,id=9)/data(7)", "drop truncated-header"),
           from_ipv6("IPv6(src=S6,dst=C6)/IPv6ExtHdrFragment(nh=17,id=9)", "drop truncated-header")),
    golden("rfc6946/4-atomic-fragment-without-udp-checksum",
           "RFC 8200 §8.1: IPv6 has no UDP without a checksum.",
           from_ipv6(ATOMIC.format(17, "UDP(sport=53,dport=1000,chksum=0)/data(8)"), "drop ipv6-udp-zero-checksum")),
]


# --- IPv4 fragmentation by the translator ------------------------------------------------------


def cut_up(name, note, six, four, bounds, ident, *, config="small-ipv4-mtu", proto=17, more=False):
    spans = list(zip(bounds, bounds[1:]))
    return golden(f"rfc7915/5.1.1-{name}", f"RFC 7915 §5.1.1: {note}",
                  from_ipv6(six, "to-ipv4",
                            *(fragment4(four, start, end, more or end != bounds[-1], ident=ident, proto=proto, **AT4)
                              for start, end in spans)), config=f"{config}.yaml")


def small(size):
    """A UDP packet with `size` octets of IPv6."""
    return both(f"UDP(sport=53,dport=1000)/data({size - 48})")


CASES += [
    golden("rfc7915/5.1.1-1020-octets-fit-an-ipv4-mtu-of-1000", "RFC 7915 §5.1.1: 1000 octets of IPv4 need no cut.",
           from_ipv6(small(1020)[0], "to-ipv4",
                     small(1020)[1].replace("dst=C4", "dst=C4,ttl=63,id=1")), config="small-ipv4-mtu.yaml"),
    cut_up("1021-octets-are-cut-for-an-ipv4-mtu-of-1000",
           "a packet of at most 1280 octets that is too large for the IPv4 next hop is cut: 980 octets have room, of "
           "which 976 are used.", *small(1021), (0, 976, 981), 1),
    cut_up("1280-octets-are-cut-for-an-ipv4-mtu-of-1000", "the largest such packet.", *small(1280), (0, 976, 1240), 1),
    cut_up("1280-octets-are-cut-for-an-ipv4-mtu-of-68",
           "the smallest IPv4 link carries 48 octets in each fragment.", *small(1280), (*range(0, 1240, 48), 1240), 1,
           config="ipv4-mtu-68"),
    cut_up("tcp-is-cut", "TCP is cut like UDP.",
           *both("TCP(sport=80,dport=40000,flags='A',seq=5,ack=6)/data(1220)"), (0, 976, 1240), 1, proto=6),
    cut_up("unknown-protocol-is-cut", "so is what we cannot read.",
           "IPv6(src=S6,dst=C6,nh=47)/data(1240)", "IP(src=S4,dst=C4,proto=47)/data(1240)", (0, 976, 1240), 1,
           proto=47),
    cut_up("large-ping-is-translated-then-cut", "a whole echo reply is translated, then cut.",
           "IPv6(src=S6,dst=C6)/ICMPv6EchoReply(id=1,seq=2,data=data(1232))",
           "IP(src=S4,dst=C4)/ICMP(type=0,id=1,seq=2)/data(1232)", (0, 976, 1240), 1, proto=1),
    cut_up("fragment-is-cut-further", "identification and offset go on, the last piece has the M flag of the fragment.",
           fragment6(SIX, 1232, 2464, True, ident=0x10077, **AT6), FOUR, (1232, 2208, 2464), 0x77, more=True),
    cut_up("first-fragment-is-cut-further", "the first piece has offset 0.",
           fragment6(SIX, 0, 1232, True, ident=0x10077, **AT6), FOUR, (0, 976, 1232), 0x77, more=True),
    cut_up("last-fragment-is-cut-further", "the very last piece has no MF.",
           fragment6(SIX, 2800, 4000, False, ident=0x10077, **AT6), FOUR, (2800, 3776, 4000), 0x77),
    cut_up("fragment-above-1280-octets-is-cut-further",
           "DF is cleared so that IPv4 routers may cut further, and the translator is the first of them.",
           fragment6(SIX, 0, 1448, True, ident=0x10077, **AT6), FOUR, (0, 976, 1448), 0x77, more=True),
    cut_up("atomic-fragment-is-cut", "a whole packet with a Fragment Header keeps its identification.",
           fragment6(small(1280)[0], 0, 1240, False, ident=0x10077, **AT6), small(1280)[1], (0, 976, 1240), 0x77),
]

# Fragments that end beyond 65535 octets: cut once more, their ends would wrap around to offset 0.
for units, size in ((8038, 1480), (8191, 16)):
    CASES += [
        golden(f"rfc8200/4.5-fragment-at-{units}-with-{size}-octets-is-too-long",
               "RFC 8200 §4.5: the packet would be longer than 65,535 octets.",
               from_ipv6(f"IPv6(src=S6,dst=C6)/IPv6ExtHdrFragment(nh=17,id=1,offset={units},m=0)/data({size})",
                         "drop length-mismatch"), config="small-ipv4-mtu.yaml"),
        golden(f"rfc791/3.1-fragment-at-{units}-with-{size}-octets-is-too-long",
               "RFC 791 §3.1: the packet would be longer than 65,535 octets.",
               from_ipv4(f"IP(src=C4,dst=S4,id=1,frag={units},flags='',proto=17)/data({size})",
                         "drop length-mismatch")),
    ]
