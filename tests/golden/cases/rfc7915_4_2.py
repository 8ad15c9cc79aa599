"""RFC 7915 §4.2: ICMPv4 headers to ICMPv6 headers: types, codes, pointers, MTUs."""

from corpus import from_ipv4, golden

ECHO = "id=0x1234,seq=7"
ABOUT4 = "(IP(src=S4,dst=C4,ttl=50,id=0)/UDP(sport=53,dport=1000)/data(20))"
ABOUT6 = "(IPv6(src=S6,dst=C6,hlim=50)/UDP(sport=53,dport=1000)/data(20))"
OUTER4 = "IP(src=R4,dst=S4,ttl=64,id=1)"
OUTER6 = "IPv6(src=R46,dst=S6,hlim=63)"


def error(icmp4, icmp6):
    """An ICMPv4 error about a UDP packet of the server, and what becomes of it."""
    if icmp6.startswith("drop"):
        return from_ipv4(f"{OUTER4}/{icmp4}/{ABOUT4}", icmp6)
    return from_ipv4(f"{OUTER4}/{icmp4}/{ABOUT4}", "to-ipv6", f"{OUTER6}/{icmp6}/{ABOUT6}")


TYPE, CODE, POINTER = (f"drop icmp-{what}-not-translatable" for what in ("type", "code", "pointer"))

CASES = [
    golden("rfc7915/4.2-echo-request",
           "RFC 7915 §4.2: type 8 becomes 128, the checksum takes in the pseudo-header.",
           from_ipv4(f"IP(src=C4,dst=S4)/ICMP(type=8,{ECHO})/data(56)", "to-ipv6",
                     f"IPv6(src=C6,dst=S6,hlim=63)/ICMPv6EchoRequest({ECHO},data=data(56))")),
    golden("rfc7915/4.2-echo-reply",
           "RFC 7915 §4.2: type 0 becomes 129.",
           from_ipv4(f"IP(src=C4,dst=S4)/ICMP(type=0,{ECHO})/data(56)", "to-ipv6",
                     f"IPv6(src=C6,dst=S6,hlim=63)/ICMPv6EchoReply({ECHO},data=data(56))")),
    golden("rfc7915/4.2-echo-without-data",
           "RFC 7915 §4.2: an echo request of 8 octets.",
           from_ipv4(f"IP(src=C4,dst=S4)/ICMP(type=8,{ECHO})", "to-ipv6",
                     f"IPv6(src=C6,dst=S6,hlim=63)/ICMPv6EchoRequest({ECHO})")),
    golden("rfc7915/4.2-echo-with-odd-length",
           "RFC 7915 §4.2: a checksum over an odd number of octets.",
           from_ipv4(f"IP(src=C4,dst=S4)/ICMP(type=8,{ECHO})/data(33)", "to-ipv6",
                     f"IPv6(src=C6,dst=S6,hlim=63)/ICMPv6EchoRequest({ECHO},data=data(33))")),
    golden("rfc7915/4.2-echo-with-df-of-1480-octets",
           "RFC 7915 §4.2: the largest ping that passes an Ethernet.",
           from_ipv4(f"IP(src=C4,dst=S4,flags='DF')/ICMP(type=8,{ECHO})/data(1452)", "to-ipv6",
                     f"IPv6(src=C6,dst=S6,hlim=63)/ICMPv6EchoRequest({ECHO},data=data(1452))")),
    golden("rfc7915/4.2-wrong-echo-checksum-stays-wrong",
           "RFC 7915 §4.2: the checksum is adjusted, not made anew, so damage stays visible.",
           from_ipv4(f"wrong(IP(src=C4,dst=S4)/ICMP(type=8,{ECHO})/data(16),0x1111)", "to-ipv6",
                     f"wrong(IPv6(src=C6,dst=S6,hlim=63)/ICMPv6EchoRequest({ECHO},data=data(16)),0x1111)")),
    golden("rfc7915/4.2-wrong-error-checksum-is-dropped",
           "RFC 7915 §4.2: the checksum of an error must be made anew when its quote is translated, so a "
           "damaged error would leave with a right checksum; it is dropped.",
           from_ipv4(f"wrong({OUTER4}/ICMP(type=3,code=1)/{ABOUT4},1)", "drop icmp-checksum"),
           from_ipv4(f"wrong({OUTER4}/ICMP(type=11,code=0)/{ABOUT4},0x8000)", "drop icmp-checksum")),
    golden("rfc7915/4.2-igmp-is-dropped",
           "RFC 7915 §4.2: IGMP is single-hop and silently dropped.",
           from_ipv4("IP(src=C4,dst=S4,proto=2)/b'\\x11\\x64\\xee\\x9b\\x00\\x00\\x00\\x00'", "drop igmp"),
           from_ipv4("IP(src=C4,dst=S4,proto=2,ttl=1)/b'\\x16\\x00\\x09\\x04\\xe0\\x00\\x00\\xfb'",
                     "drop igmp")),
]

# --- types that are dropped ---
for number, icmp in ((9, "ICMP(type=9)"), (10, "ICMP(type=10)"), (13, "ICMP(type=13,ts_ori=1,ts_rx=0,ts_tx=0)"),
                     (14, "ICMP(type=14,ts_ori=1,ts_rx=2,ts_tx=3)"), (15, "ICMP(type=15)"), (16, "ICMP(type=16)"),
                     (17, "ICMP(type=17)"), (18, "ICMP(type=18)")):
    CASES.append(golden(
        f"rfc7915/4.2-query-type-{number:02}-is-dropped",
        "RFC 7915 §4.2: this query is obsolete in ICMPv6 or single-hop; silently drop.",
        from_ipv4(f"IP(src=C4,dst=S4)/{icmp}", TYPE)))
for number, word in ((4, "source-quench"), (5, "redirect"), (6, "alternate-host-address")):
    CASES.append(golden(
        f"rfc7915/4.2-{word}-is-dropped",
        "RFC 7915 §4.2: silently drop.", error(f"ICMP(type={number})", TYPE)))
NAMED = {0, 3, 4, 5, 6, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18}
CASES.append(golden(
    "rfc7915/4.2-unknown-types-are-dropped",
    "RFC 7915 §4.2: unknown ICMPv4 types are silently dropped: all 240 that the RFC does not name.",
    *(from_ipv4(f"IP(src=C4,dst=S4)/ICMP(type={number})", TYPE)
      for number in range(256) if number not in NAMED)))

# --- codes of Destination Unreachable ---
UNREACHABLE = dict.fromkeys((0, 1, 5, 6, 7, 8, 11, 12), "ICMPv6DestUnreach(code=0)")
UNREACHABLE |= dict.fromkeys((9, 10, 13, 15), "ICMPv6DestUnreach(code=1)")
UNREACHABLE |= {2: "ICMPv6ParamProblem(code=1,ptr=6)", 3: "ICMPv6DestUnreach(code=4)",
                4: "ICMPv6PacketTooBig(mtu=1420)"}
for code in (*range(17), 255):
    icmp6 = UNREACHABLE.get(code, CODE)
    becomes = icmp6 if icmp6 == CODE else "becomes " + icmp6
    mtu = ",nexthopmtu=1400" if code == 4 else ""
    CASES.append(golden(
        f"rfc7915/4.2-unreachable-code-{code:02}",
        f"RFC 7915 §4.2: Destination Unreachable, code {code}: {becomes}.",
        error(f"ICMP(type=3,code={code}{mtu})", icmp6)))

# --- Time Exceeded ---
for code in (0, 1, 2, 255):
    CASES.append(golden(
        f"rfc7915/4.2-time-exceeded-code-{code}",
        "RFC 7915 §4.2: type 11 becomes 3, the code is unchanged.",
        error(f"ICMP(type=11,code={code})", f"ICMPv6TimeExceeded(code={code})")))

# --- pointers of Parameter Problem (Figure 3) ---
POINTERS = {0: 0, 1: 1, 2: 4, 3: 4, 8: 7, 9: 6} | dict.fromkeys(range(12, 16), 8)
POINTERS |= dict.fromkeys(range(16, 20), 24)
for code in (0, 2):
    for pointer in (*range(22), 40, 255):
        there = POINTERS.get(pointer)
        CASES.append(golden(
            f"rfc7915/4.2-parameter-problem-code-{code}-pointer-{pointer:02}",
            f"RFC 7915 §4.2 and its Figure 3: IPv4 pointer {pointer} is "
            + (f"IPv6 pointer {there}." if there is not None else "n/a: silently drop."),
            error(f"ICMP(type=12,code={code},ptr={pointer})",
                  POINTER if there is None else f"ICMPv6ParamProblem(code=0,ptr={there})")))
for code in (1, 3, 255):
    CASES.append(golden(
        f"rfc7915/4.2-parameter-problem-code-{code}-is-dropped",
        "RFC 7915 §4.2: a missing option and other codes are silently dropped.",
        error(f"ICMP(type=12,code={code},ptr=0)", CODE)))

# --- MTUs of Fragmentation Needed ---
for told, becomes, config, note in (
        (1480, 1500, "eam-basic", "mtu + 20"),
        (1481, 1500, "eam-basic", "mtu + 20 is more than the IPv6 next hop carries"),
        (1500, 1500, "eam-basic", "mtu + 20 is more than the IPv6 next hop carries"),
        (65535, 1500, "eam-basic", "mtu + 20 does not fit into 16 bits and does not wrap"),
        (1260, 1280, "eam-basic", "mtu + 20 is exactly 1280"),
        (1261, 1281, "eam-basic", "one more than the minimum"),
        (1259, 1280, "eam-basic", "never less than 1280"),
        (576, 1280, "eam-basic", "never less than 1280"),
        (68, 1280, "eam-basic", "never less than 1280"),
        (1, 1280, "eam-basic", "never less than 1280"),
        (1400, 1400, "ipv6-mtu-1400", "the MTU of the IPv6 next hop is the least"),
        (1300, 1320, "ipv6-mtu-1400", "mtu + 20 is the least"),
        (1450, 1420, "ipv4-mtu-1400", "the MTU of the IPv4 next hop plus 20 is the least"),
        (900, 1280, "small-ipv4-mtu", "never less than 1280, even if the IPv4 next hop is smaller"),
        (1500, 1280, "small-ipv4-mtu", "never less than 1280, even if the IPv4 next hop is smaller"),
        (8000, 8020, "jumbo", "mtu + 20"),
        (65000, 65020, "huge-mtu", "mtu + 20"),
        (65535, 65535, "huge-mtu", "the MTU of the IPv6 next hop is the least"),
):
    CASES.append(golden(
        f"rfc7915/4.2-mtu-{told:05}-{config}",
        f"RFC 7915 §4.2: max(1280, min(mtu + 20, MTU of the IPv6 next hop, MTU of the IPv4 next hop + 20)): "
        f"{note}.",
        error(f"ICMP(type=3,code=4,nexthopmtu={told})", f"ICMPv6PacketTooBig(mtu={becomes})"),
        config=f"{config}.yaml"))

# --- plateaus for routers that tell no MTU ---
for total, becomes, config in (
        (65535, 32000, "huge-mtu"), (32001, 32000, "huge-mtu"), (32000, 17914, "huge-mtu"),
        (17915, 17914, "huge-mtu"), (17914, 8166, "huge-mtu"), (8167, 8166, "huge-mtu"),
        (8166, 4352, "huge-mtu"), (4353, 4352, "huge-mtu"), (4352, 2002, "huge-mtu"),
        (2003, 2002, "huge-mtu"), (2002, 1492, "huge-mtu"), (1493, 1492, "huge-mtu"),
        (1492, 1280, "huge-mtu"), (1400, 1280, "huge-mtu"), (576, 1280, "huge-mtu"),
        (1500, 1492, "eam-basic"), (1480, 1280, "eam-basic"), (8166, 1500, "eam-basic"),
        (1500, 1400, "ipv6-mtu-1400")):
    CASES.append(golden(
        f"rfc1191/7-plateau-below-{total:05}-{config}",
        "RFC 7915 §4.2: a router told MTU 0, so the greatest plateau of RFC 1191 §7 that is less than the "
        "returned total length but at least 1280 is the MTU of the ICMPv6 message (within the limits of the "
        "next hops); without such a plateau it is 1280.",
        from_ipv4(f"{OUTER4}/ICMP(type=3,code=4,nexthopmtu=0)/"
                  f"cut(IP(src=S4,dst=C4,ttl=50,flags='DF',id=0)/UDP(sport=53,dport=1000)/data({total - 28}),28)",
                  "to-ipv6",
                  f"{OUTER6}/ICMPv6PacketTooBig(mtu={becomes})/"
                  f"cut(IPv6(src=S6,dst=C6,hlim=50)/UDP(sport=53,dport=1000)/data({total - 28}),48)"),
        config=f"{config}.yaml"))
CASES.append(golden(
    "rfc7915/4.2-mtu-of-a-fragment",
    "RFC 7915 §4.2: the formula is mtu + 20, also if the packet in error is a fragment.",
    from_ipv4(f"{OUTER4}/ICMP(type=3,code=4,nexthopmtu=1400)/(IP(src=S4,dst=C4,ttl=50,id=5,flags='MF+DF',frag=9,"
              "proto=17)/data(64))", "to-ipv6",
              f"{OUTER6}/ICMPv6PacketTooBig(mtu=1420)/(IPv6(src=S6,dst=C6,hlim=50)/IPv6ExtHdrFragment(nh=17,id=5,"
              "offset=9,m=1)/data(64))")))
