"""RFC 7915 §4.1: fragments, the DF flag and the MTUs of the IPv6 side."""

from corpus import fragment4, fragment6, from_ipv4, golden, reply4

AT4 = {"src": "C4", "dst": "S4"}
AT6 = {"src": "C6", "dst": "S6"}


def udp(size):
    """A UDP datagram in IPv4 and in IPv6 whose IPv4 packet has `size` octets."""
    layers = f"UDP(sport=1000,dport=53)/data({size - 28})"
    return f"IP(src=C4,dst=S4)/{layers}", f"IPv6(src=C6,dst=S6)/{layers}"


def whole(size, ident=0x1234, flags="", options=""):
    """The IPv4 packet of `size` octets and the IPv6 packet that it becomes when left in one piece."""
    layers = f"UDP(sport=1000,dport=53)/data({size - 28})"
    flags = f",flags='{flags}'" if flags else ""
    return (f"IP(src=C4,dst=S4,id={ident}{flags}{options})/{layers}", f"IPv6(src=C6,dst=S6,hlim=63)/{layers}")


def pieces(six, ident, *bounds, more=False, nh=17):
    """IPv6 fragments of `six` between the bounds; `more` is the M flag of the last one."""
    spans = list(zip(bounds, bounds[1:]))
    return [fragment6(six, start, end, more or end != bounds[-1], ident=ident, nh=nh, **AT6)
            for start, end in spans]


def piece_case(name, note, first, last, more, **extra):
    """One incoming fragment that becomes one outgoing fragment."""
    four, six = udp(3020)
    return golden(name, note,
                  from_ipv4(fragment4(four, first, last, more, ident=0xBEEF, **AT4, **extra), "to-ipv6",
                            fragment6(six, first, last, more, ident=0xBEEF, **AT6)))


CASES = [
    piece_case("rfc7915/4.1-first-fragment",
               "RFC 7915 §4.1: the first fragment gets a Fragment Header; the identification's high "
               "16 bits are zero. The UDP checksum is that of the whole datagram.", 0, 1200, True),
    piece_case("rfc7915/4.1-middle-fragment",
               "RFC 7915 §4.1: offset and M flag are copied, data is untouched.", 1200, 2400, True),
    piece_case("rfc7915/4.1-last-fragment",
               "RFC 7915 §4.1: the last fragment has no M flag.", 2400, 3000, False),
    piece_case("rfc7915/4.1-smallest-first-fragment",
               "RFC 7915 §4.1: eight octets hold a UDP header.", 0, 8, True),
    piece_case("rfc7915/4.1-fragment-of-one-octet",
               "RFC 7915 §4.1: a last fragment may hold a single octet.", 2992, 2993, False),
    piece_case("rfc7915/4.1-fragment-with-df-and-room",
               "RFC 7915 §4.1: a fragment with DF that fits is translated; IPv6 has no DF.",
               1200, 2400, True, df=True),
    golden("rfc7915/4.1-fragments-of-one-datagram-in-a-row",
           "RFC 7915 §4.1: each fragment is translated alone, in any order.",
           *(from_ipv4(fragment4(udp(3020)[0], start, end, more, ident=7, **AT4), "to-ipv6",
                       fragment6(udp(3020)[1], start, end, more, ident=7, **AT6))
             for start, end, more in ((2400, 3000, False), (0, 1200, True), (1200, 2400, True)))),
    golden("rfc7915/4.1-fragment-identification-zero",
           "RFC 7915 §4.1: identification 0 is a value like any other.",
           from_ipv4(fragment4(udp(3020)[0], 1200, 2400, True, ident=0, **AT4), "to-ipv6",
                     fragment6(udp(3020)[1], 1200, 2400, True, ident=0, **AT6))),
    golden("rfc7915/4.1-fragment-at-the-largest-offset",
           "RFC 7915 §4.1: all 13 bits of the offset are copied.",
           from_ipv4("IP(src=C4,dst=S4,id=9,frag=8188,proto=17)/data(4)", "to-ipv6",
                     "IPv6(src=C6,dst=S6,hlim=63)/IPv6ExtHdrFragment(nh=17,id=9,offset=8188)/data(4)")),
    golden("rfc7915/4.1-fragment-with-options",
           "RFC 7915 §4.1: options are skipped in fragments too; payload length is total length less "
           "the header and options, plus 8.",
           from_ipv4("IP(src=C4,dst=S4,id=9,flags='MF',frag=5,proto=17,options=[IPOption_NOP()]*8)/"
                     "data(64)", "to-ipv6",
                     "IPv6(src=C6,dst=S6,hlim=63)/IPv6ExtHdrFragment(nh=17,id=9,offset=5,m=1)/data(64)")),
    golden("rfc7915/4.1-fragment-of-an-unknown-protocol",
           "RFC 7915 §4.1: the protocol goes into the Fragment Header.",
           from_ipv4("IP(src=C4,dst=S4,id=9,flags='MF',proto=253)/data(64)", "to-ipv6",
                     "IPv6(src=C6,dst=S6,hlim=63)/IPv6ExtHdrFragment(nh=253,id=9,offset=0,m=1)/data(64)")),
    golden("rfc7915/4.1-fragment-of-esp",
           "RFC 7915 §4.1: ESP in fragments.",
           from_ipv4("IP(src=C4,dst=S4,id=9,flags='MF',frag=3,proto=50)/data(64)", "to-ipv6",
                     "IPv6(src=C6,dst=S6,hlim=63)/IPv6ExtHdrFragment(nh=50,id=9,offset=3,m=1)/data(64)")),
    golden("rfc7915/4.1-fragments-of-tcp",
           "RFC 7915 §4.1: the checksum in the first fragment changes, later ones are untouched.",
           *(from_ipv4(fragment4(f"IP(src=C4,dst=S4)/{tcp}", start, end, more, ident=8, proto=6, **AT4),
                       "to-ipv6",
                       fragment6(f"IPv6(src=C6,dst=S6)/{tcp}", start, end, more, ident=8, nh=6, **AT6))
             for tcp in ("TCP(sport=40000,dport=80,flags='A',seq=5,ack=6)/data(1000)",)
             for start, end, more in ((0, 512, True), (512, 1020, False)))),
    golden("rfc7915/4.1-first-fragment-too-short-for-tcp",
           "RFC 7915 §4.5: a first fragment of 8 octets does not hold the TCP checksum, which must be "
           "updated, so the packet cannot be translated (RFC 1858 §3.2 asks to drop such tiny fragments).",
           from_ipv4(fragment4("IP(src=C4,dst=S4)/TCP(sport=40000,dport=80)/data(64)", 0, 8, True, ident=8,
                               proto=6, **AT4), "drop truncated-header")),
    golden("rfc7915/4.1-fragment-traffic-class-and-hop-limit",
           "RFC 7915 §4.1: the base header of a fragment is set like any other.",
           from_ipv4("IP(src=C4,dst=S4,id=9,flags='MF',frag=5,proto=17,tos=0x2e,ttl=9)/data(64)", "to-ipv6",
                     "IPv6(src=C6,dst=S6,hlim=8,tc=0x2e)/IPv6ExtHdrFragment(nh=17,id=9,offset=5,m=1)/"
                     "data(64)")),
    golden("rfc7915/1.2-fragmented-icmp-is-not-translated",
           "RFC 7915 §1.2: fragmented ICMP is not translated: the pseudo-header of ICMPv6 needs the "
           "length of the whole.",
           from_ipv4(fragment4("IP(src=C4,dst=S4)/ICMP(type=8,id=1,seq=1)/data(100)", 0, 64, True, ident=8,
                               proto=1, **AT4), "drop fragmented-icmp"),
           from_ipv4(fragment4("IP(src=C4,dst=S4)/ICMP(type=8,id=1,seq=1)/data(100)", 64, 108, False,
                               ident=8, proto=1, **AT4), "drop fragmented-icmp")),
]


# --- DF = 0 ------------------------------------------------------------------------------------


def df0(name, note, size, *bounds, config="eam-basic.yaml"):
    four, six = whole(size)
    outputs = pieces(udp(size)[1], 0x1234, *bounds) if bounds else [six]
    return golden(name, note, from_ipv4(four, "to-ipv6", *outputs), config=config)


CASES += [
    df0("rfc7915/4.1-df0-1260-octets-stay-whole",
        "RFC 7915 §4.1: 1260 octets become 1280, lowest-ipv6-mtu; and RFC 7915 §4: no Fragment Header for "
        "a packet that is not fragmented.", 1260),
    df0("rfc7915/4.1-df0-1261-octets-are-cut",
        "RFC 7915 §4.1: one octet more, so the packet is cut: 1232 octets and the rest.",
        1261, 0, 1232, 1241),
    df0("rfc7915/4.1-df0-1500-octets-are-cut",
        "RFC 7915 §4.1: the packet of every Ethernet host without path MTU discovery.",
        1500, 0, 1232, 1480),
    df0("rfc7915/4.1-df0-2484-octets-are-two-full-fragments",
        "RFC 7915 §4.1: 2464 octets of payload are exactly twice 1232.", 2484, 0, 1232, 2464),
    df0("rfc7915/4.1-df0-2485-octets-need-a-third-fragment",
        "RFC 7915 §4.1: one octet more makes a third fragment.", 2485, 0, 1232, 2464, 2465),
    df0("rfc7915/4.1-df0-9000-octets",
        "RFC 7915 §4.1: a jumbo packet.", 9000, *range(0, 8980, 1232), 8980),
    df0("rfc7915/4.1-df0-lowest-1500-at-the-limit",
        "RFC 7915 §4.1: lowest-ipv6-mtu is configurable.", 1480, config="lowest-mtu-1500.yaml"),
    df0("rfc7915/4.1-df0-lowest-1500-above-the-limit",
        "RFC 7915 §4.1: 1500 - 48 = 1452 octets of room, of which a fragment uses 1448 (a multiple of 8).",
        1481, 0, 1448, 1461, config="lowest-mtu-1500.yaml"),
    df0("rfc7915/4.1-df0-lowest-1281-at-the-limit",
        "RFC 7915 §4.1: a lowest-ipv6-mtu of 1281.", 1261, config="lowest-mtu-1281.yaml"),
    df0("rfc7915/4.1-df0-lowest-1281-above-the-limit",
        "RFC 7915 §4.1: 1233 octets of room, of which 1232 are used.", 1262, 0, 1232, 1242,
        config="lowest-mtu-1281.yaml"),
    df0("rfc7915/4.1-df0-lowest-1400-above-the-limit",
        "RFC 7915 §4.1: 1400 - 48 = 1352 is a multiple of 8 and is used in full.", 1381, 0, 1352, 1361,
        config="lowest-mtu-1400.yaml"),
    df0("rfc7915/4.1-df0-lowest-1280-although-the-link-is-larger",
        "RFC 7915 §4.1: the next hop's MTU does not matter, the network's lowest does.",
        1400, 0, 1232, 1380, config="jumbo.yaml"),
    golden("rfc7915/4.1-df0-options-count-not",
           "RFC 7915 §4.1: what counts is the resulting IPv6 packet: 1300 octets with 40 of options become "
           "1280.",
           from_ipv4(whole(1260, options=",options=[IPOption_NOP()]*40")[0], "to-ipv6", whole(1260)[1])),
    golden("rfc7915/4.1-df0-fragments-after-skipping-options",
           "RFC 7915 §4.1: a packet with options is cut without them.",
           from_ipv4(whole(1261, options=",options=[IPOption_NOP()]*4")[0], "to-ipv6",
                     *pieces(udp(1261)[1], 0x1234, 0, 1232, 1241))),
    golden("rfc7915/4.1-df0-tcp-is-cut",
           "RFC 7915 §4.1: TCP without DF is cut like UDP.",
           from_ipv4("IP(src=C4,dst=S4,id=5)/TCP(sport=40000,dport=80,flags='A',seq=5,ack=6)/data(1460)",
                     "to-ipv6",
                     *pieces("IPv6(src=C6,dst=S6)/TCP(sport=40000,dport=80,flags='A',seq=5,ack=6)/data(1460)",
                             5, 0, 1232, 1480, nh=6))),
    golden("rfc7915/4.1-df0-unknown-protocol-is-cut",
           "RFC 7915 §4.1: so is what we cannot read.",
           from_ipv4("IP(src=C4,dst=S4,id=5,proto=47)/data(1300)", "to-ipv6",
                     *pieces("IPv6(src=C6,dst=S6,nh=47)/data(1300)", 5, 0, 1232, 1300, nh=47))),
    golden("rfc7915/4.1-df0-large-ping-is-translated-then-cut",
           "RFC 7915 §4.1: a whole echo request is translated with its whole length in the pseudo-header, "
           "then cut.",
           from_ipv4("IP(src=C4,dst=S4,id=5)/ICMP(type=8,id=1,seq=2)/data(1472)", "to-ipv6",
                     *pieces("IPv6(src=C6,dst=S6)/ICMPv6EchoRequest(id=1,seq=2,data=data(1472))", 5,
                             0, 1232, 1480, nh=58))),
    golden("rfc7915/4.5-df0-udp-without-checksum-is-computed-then-cut",
           "RFC 7915 §4.5: the datagram is whole when it arrives, so its checksum can be computed before it "
           "is cut.",
           from_ipv4("IP(src=C4,dst=S4,id=5)/UDP(sport=1000,dport=53,chksum=0)/data(1400)", "to-ipv6",
                     *pieces("IPv6(src=C6,dst=S6)/UDP(sport=1000,dport=53)/data(1400)", 5, 0, 1232, 1408))),
]

# A fragment that grows beyond lowest-ipv6-mtu is cut again: same identification, offsets added.
FOUR, SIX = udp(4020)
for name, note, start, end, more, bounds in (
        ("1252-octets-fit", "1232 octets of data fill 1280 with both headers.", 1232, 2464, True,
         (1232, 2464)),
        ("1260-octets-are-cut", "eight octets more do not fit.", 1232, 2472, True, (1232, 2464, 2472)),
        ("first-of-1500-is-cut", "the M flag is set in both halves.", 0, 1480, True, (0, 1232, 1480)),
        ("middle-of-1500-is-cut", "offsets go on from that of the fragment.", 1480, 2960, True,
         (1480, 2712, 2960)),
        ("last-of-1500-is-cut", "only the very last piece has no M flag.", 2600, 4000, False,
         (2600, 3832, 4000)),
):
    CASES.append(golden(
        f"rfc7915/4.1-df0-fragment-{name}", f"RFC 7915 §4.1: a fragment without DF: {note}",
        from_ipv4(fragment4(FOUR, start, end, more, ident=0xFFFF, **AT4), "to-ipv6",
                  *pieces(SIX, 0xFFFF, *bounds, more=more))))


# --- DF = 1 ------------------------------------------------------------------------------------


def too_big(name, note, four, mtu, config="eam-basic.yaml"):
    return golden(name, note, from_ipv4(four, "reply packet-too-big",
                                        reply4("C4", f"ICMP(type=3,code=4,nexthopmtu={mtu})", four)),
                  config=config)


def df1(size):
    return whole(size, flags="DF")


CASES += [
    golden("rfc7915/4.1-df1-1480-octets-fit-1500",
           "RFC 7915 §4.1: total length plus 20 is the MTU of the next hop; lowest-ipv6-mtu does not "
           "matter with DF.",
           from_ipv4(df1(1480)[0], "to-ipv6", df1(1480)[1])),
    too_big("rfc7915/4.1-df1-1481-octets-are-answered-with-3-4",
            "RFC 7915 §4.1: the MTU of the next hop is less than total length plus 20; the sender is told "
            "1500 - 20.", df1(1481)[0], 1480),
    too_big("rfc7915/4.1-df1-1500-octets-are-answered-with-3-4",
            "RFC 7915 §4.1: the sender is told 1480.", df1(1500)[0], 1480),
    golden("rfc7915/4.1-df1-1260-octets-fit-1280",
           "RFC 7915 §4.1: the smallest IPv6 link.",
           from_ipv4(df1(1260)[0], "to-ipv6", df1(1260)[1]), config="ipv6-mtu-1280.yaml"),
    too_big("rfc7915/4.1-df1-1261-octets-do-not-fit-1280",
            "RFC 7915 §4.1: the sender is told 1260.", df1(1261)[0], 1260, config="ipv6-mtu-1280.yaml"),
    golden("rfc7915/4.1-df1-8980-octets-fit-9000",
           "RFC 7915 §4.1: a jumbo link.", from_ipv4(df1(8980)[0], "to-ipv6", df1(8980)[1]),
           config="jumbo.yaml"),
    too_big("rfc7915/4.1-df1-8981-octets-do-not-fit-9000",
            "RFC 7915 §4.1: the sender is told 8980.", df1(8981)[0], 8980, config="jumbo.yaml"),
    too_big("rfc7915/4.1-df1-large-ping-is-answered-with-3-4",
            "RFC 7915 §4.1: an echo request is no error message.",
            "IP(src=C4,dst=S4,id=5,flags='DF')/ICMP(type=8,id=1,seq=2)/data(1472)", 1480),
    golden("rfc7915/4.1-df1-fragment-of-1472-octets-fits-1500",
           "RFC 7915 §4.1: a fragment with DF also needs room for the Fragment Header.",
           from_ipv4(fragment4(FOUR, 2544, 3996, False, ident=3, df=True, **AT4), "to-ipv6",
                     fragment6(SIX, 2544, 3996, False, ident=3, **AT6))),
    too_big("rfc7915/4.1-df1-first-fragment-too-big",
            "RFC 7915 §4.1: with the Fragment Header the packet grows by 28, so the sender is told 1472.",
            fragment4(FOUR, 0, 1456, True, ident=3, df=True, **AT4), 1472),
    golden("rfc7915/4.1-df1-later-fragment-too-big-is-silent",
           "RFC 1812 §4.3.2.7: no error message about a fragment that is not the first.",
           from_ipv4(fragment4(FOUR, 1456, 2912, True, ident=3, df=True, **AT4), "drop packet-too-big")),
    golden("rfc7915/4.1-ttl-goes-before-packet-size",
           "RFC 7915 §4.1: forwarding checks the TTL first.",
           from_ipv4(df1(1500)[0].replace("dst=S4", "dst=S4,ttl=1"), "reply ttl-exceeded",
                     reply4("C4", "ICMP(type=11,code=0)", df1(1500)[0].replace("dst=S4", "dst=S4,ttl=1")))),
    golden("rfc7915/4.4-packet-too-big-without-errors",
           "RFC 7915 §4.4: with errors turned off the packet is still not forwarded.",
           from_ipv4(df1(1500)[0], "drop packet-too-big"), config="icmp-off.yaml"),
]
