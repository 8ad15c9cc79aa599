"""RFC 7915 §5.2: ICMPv6 headers to ICMPv4 headers: types, codes, pointers, MTUs."""

from corpus import from_ipv6, golden

ECHO = "id=0x1234,seq=7"
ABOUT6 = "(IPv6(src=C6,dst=S6,hlim=50)/UDP(sport=1000,dport=53)/data(20))"
ABOUT4 = "(IP(src=C4,dst=S4,ttl=50,id=0)/UDP(sport=1000,dport=53)/data(20))"
OUTER6 = "IPv6(src=R6,dst=C6,hlim=64)"
OUTER4 = "IP(src=R64,dst=C4,ttl=63,id=1)"


def error(icmp6, icmp4):
    """An ICMPv6 error about a UDP packet of the client, and what becomes of it."""
    if icmp4.startswith("drop"):
        return from_ipv6(f"{OUTER6}/{icmp6}/{ABOUT6}", icmp4)
    return from_ipv6(f"{OUTER6}/{icmp6}/{ABOUT6}", "to-ipv4", f"{OUTER4}/{icmp4}/{ABOUT4}")


TYPE, CODE, POINTER = (f"drop icmp-{what}-not-translatable" for what in ("type", "code", "pointer"))

CASES = [
    golden("rfc7915/5.2-echo-request", "RFC 7915 §5.2: type 128 becomes 8, the checksum loses the pseudo-header.",
           from_ipv6(f"IPv6(src=S6,dst=C6)/ICMPv6EchoRequest({ECHO},data=data(56))", "to-ipv4",
                     f"IP(src=S4,dst=C4,ttl=63,id=1)/ICMP(type=8,{ECHO})/data(56)")),
    golden("rfc7915/5.2-echo-reply", "RFC 7915 §5.2: type 129 becomes 0.",
           from_ipv6(f"IPv6(src=S6,dst=C6)/ICMPv6EchoReply({ECHO},data=data(56))", "to-ipv4",
                     f"IP(src=S4,dst=C4,ttl=63,id=1)/ICMP(type=0,{ECHO})/data(56)")),
    golden("rfc7915/5.2-echo-without-data", "RFC 7915 §5.2: an echo request of 8 octets.",
           from_ipv6(f"IPv6(src=S6,dst=C6)/ICMPv6EchoRequest({ECHO})", "to-ipv4",
                     f"IP(src=S4,dst=C4,ttl=63,id=1)/ICMP(type=8,{ECHO})")),
    golden("rfc7915/5.2-echo-with-odd-length", "RFC 7915 §5.2: a checksum over an odd number of octets.",
           from_ipv6(f"IPv6(src=S6,dst=C6)/ICMPv6EchoRequest({ECHO},data=data(33))", "to-ipv4",
                     f"IP(src=S4,dst=C4,ttl=63,id=1)/ICMP(type=8,{ECHO})/data(33)")),
    golden("rfc7915/5.2-echo-of-1500-octets-has-df", "RFC 7915 §5.2: a large ping.",
           from_ipv6(f"IPv6(src=S6,dst=C6)/ICMPv6EchoRequest({ECHO},data=data(1452))", "to-ipv4",
                     f"IP(src=S4,dst=C4,ttl=63,flags='DF',id=0)/ICMP(type=8,{ECHO})/data(1452)")),
    golden("rfc7915/5.2-wrong-echo-checksum-stays-wrong",
           "RFC 7915 §5.2: the checksum is adjusted, not made anew, so damage stays visible.",
           from_ipv6(f"wrong(IPv6(src=S6,dst=C6)/ICMPv6EchoRequest({ECHO},data=data(16)),0x1111)", "to-ipv4",
                     f"wrong(IP(src=S4,dst=C4,ttl=63,id=1)/ICMP(type=8,{ECHO})/data(16),0x1111)")),
    golden("rfc7915/5.2-wrong-error-checksum-is-dropped",
           "RFC 7915 §5.2: a damaged error would leave with a right checksum; it is dropped.",
           from_ipv6(f"wrong({OUTER6}/ICMPv6DestUnreach(code=4)/{ABOUT6},1)", "drop icmp-checksum"),
           from_ipv6(f"wrong({OUTER6}/ICMPv6TimeExceeded(code=0)/{ABOUT6},0x8000)", "drop icmp-checksum")),
]

# --- types that are dropped ---
NAMED = {1, 2, 3, 4, 128, 129}
for word, numbers in (("multicast-listener-discovery", range(130, 133)), ("neighbour-discovery", range(133, 138))):
    CASES.append(golden(
        f"rfc7915/5.2-{word}-is-dropped", "RFC 7915 §5.2: single-hop messages are silently dropped.",
        *(from_ipv6(f"IPv6(src=S6,dst=C6,hlim=255)/ICMPv6Unknown(type={number},code=0,msgbody=bytes(20))", TYPE)
          for number in numbers)))
    NAMED |= set(numbers)
CASES.append(golden(
    "rfc7915/5.2-unknown-types-are-dropped",
    "RFC 7915 §5.2: unknown informational (128 to 255) and error (0 to 127) messages are silently dropped: all that "
    "the RFC does not name.",
    *(from_ipv6(f"IPv6(src=S6,dst=C6)/ICMPv6Unknown(type={number},code=0,msgbody=bytes(4))", TYPE)
      for number in range(256) if number not in NAMED)))

# --- Destination Unreachable ---
UNREACHABLE = {0: 1, 1: 10, 2: 1, 3: 1, 4: 3}
for code in (*range(9), 255):
    icmp4 = f"ICMP(type=3,code={UNREACHABLE[code]})" if code in UNREACHABLE else CODE
    CASES.append(golden(
        f"rfc7915/5.2-unreachable-code-{code}",
        f"RFC 7915 §5.2: Destination Unreachable, code {code}: {icmp4 if icmp4 == CODE else 'becomes ' + icmp4}.",
        error(f"ICMPv6DestUnreach(code={code})", icmp4)))

# --- Time Exceeded ---
for code in (0, 1, 2):
    CASES.append(golden(
        f"rfc7915/5.2-time-exceeded-code-{code}", "RFC 7915 §5.2: type 3 becomes 11, the code is unchanged.",
        error(f"ICMPv6TimeExceeded(code={code})", f"ICMP(type=11,code={code})")))

# --- Parameter Problem (Figure 6) ---
POINTERS = {0: 0, 1: 1, 4: 2, 5: 2, 6: 9, 7: 8} | dict.fromkeys(range(8, 24), 12) | dict.fromkeys(range(24, 40), 16)
for pointer in (*range(42), 255, 256, 0x01000000, 0xFFFFFFFF):
    there = POINTERS.get(pointer)
    CASES.append(golden(
        f"rfc7915/5.2-parameter-problem-pointer-{pointer:02}",
        f"RFC 7915 §5.2 and its Figure 6: IPv6 pointer {pointer} is "
        + (f"IPv4 pointer {there}." if there is not None else "n/a or not listed: silently drop."),
        error(f"ICMPv6ParamProblem(code=0,ptr={pointer})",
              POINTER if there is None else f"ICMP(type=12,code=0,ptr={there})")))
CASES += [
    golden("rfc7915/5.2-unrecognized-next-header-becomes-protocol-unreachable",
           "RFC 7915 §5.2: code 1 becomes 3/2, whatever the pointer says.",
           error("ICMPv6ParamProblem(code=1,ptr=6)", "ICMP(type=3,code=2)")),
    golden("rfc7915/5.2-unrecognized-next-header-in-an-extension-header",
           "RFC 7915 §5.2: code 1 becomes 3/2, whatever the pointer says.",
           error("ICMPv6ParamProblem(code=1,ptr=40)", "ICMP(type=3,code=2)")),
    golden("rfc7915/5.2-unrecognized-option-is-dropped", "RFC 7915 §5.2: code 2 is silently dropped.",
           error("ICMPv6ParamProblem(code=2,ptr=42)", CODE)),
    golden("rfc7915/5.2-parameter-problem-code-3-is-dropped",
           "RFC 7915 §5.2: code 3 (RFC 7112 §5, an incomplete header chain) has no translation.",
           error("ICMPv6ParamProblem(code=3,ptr=0)", CODE)),
]

# --- MTUs of Packet Too Big ---
for told, becomes, config, note in (
        (1500, 1480, "eam-basic", "mtu - 20"),
        (1501, 1480, "eam-basic", "the MTU of the IPv6 next hop less 20 is the least"),
        (9000, 1480, "eam-basic", "the MTU of the IPv6 next hop less 20 is the least"),
        (66000, 1480, "eam-basic", "a value above 16 bits does not wrap"),
        (0xFFFFFFFF, 1480, "eam-basic", "the largest value there is"),
        (1400, 1380, "eam-basic", "mtu - 20"),
        (1280, 1260, "eam-basic", "the smallest IPv6 link"),
        (1279, 1259, "eam-basic", "a value below 1280 is passed on; it is the receiver who ignores it"),
        (576, 556, "eam-basic", "a value below 1280"),
        (88, 68, "eam-basic", "exactly the least MTU of IPv4"),
        (87, 68, "eam-basic", "no less than the 68 octets that every IPv4 link carries (RFC 791 §3.2)"),
        (20, 68, "eam-basic", "mtu - 20 is zero, which would mean a router without RFC 1191"),
        (0, 68, "eam-basic", "mtu - 20 does not wrap"),
        (1500, 1380, "ipv6-mtu-1400", "the MTU of the IPv6 next hop less 20 is the least"),
        (1500, 1400, "ipv4-mtu-1400", "the MTU of the IPv4 next hop is the least"),
        (1500, 1000, "small-ipv4-mtu", "the MTU of the IPv4 next hop is the least"),
        (9000, 8980, "jumbo", "mtu - 20"),
        (65535, 65515, "huge-mtu", "mtu - 20"),
        (0xFFFFFFFF, 65515, "huge-mtu", "the MTU of the IPv6 next hop less 20 is the least"),
):
    CASES.append(golden(
        f"rfc7915/5.2-mtu-{told:05}-{config}",
        f"RFC 7915 §5.2: min(mtu - 20, MTU of the IPv4 next hop, MTU of the IPv6 next hop - 20): {note}.",
        error(f"ICMPv6PacketTooBig(mtu={told})", f"ICMP(type=3,code=4,nexthopmtu={becomes})"), config=f"{config}.yaml"))
CASES.append(golden(
    "rfc4443/3.2-packet-too-big-with-a-code",
    "RFC 4443 §3.2: the code of Packet Too Big is ignored.",
    error("ICMPv6PacketTooBig(code=1,mtu=1400)", "ICMP(type=3,code=4,nexthopmtu=1380)")))
FRAGMENT6 = ("IPv6(src=C6,dst=S6,hlim=50)/IPv6ExtHdrFragment(nh=17,id=0x5abcd,offset=0,m=1)/"
             "part(IPv6(src=C6,dst=S6)/UDP(sport=1000,dport=53)/data(2000),0,64)")
FRAGMENT4 = ("IP(src=C4,dst=S4,ttl=50,id=0xabcd,flags='MF',proto=17)/"
             "part(IP(src=C4,dst=S4)/UDP(sport=1000,dport=53)/data(2000),0,64)")
for told, becomes, config in ((1500, 1472, "eam-basic"), (1280, 1252, "eam-basic"), (9000, 1480, "eam-basic"),
                              (96, 68, "eam-basic"), (9000, 8972, "jumbo"), (1500, 1400, "ipv4-mtu-1400")):
    CASES.append(golden(
        f"rfc7915/5.2-mtu-{told:05}-of-a-fragment-{config}",
        "RFC 7915 §5.2: the packet in error has a Fragment Header, whose 8 octets IPv4 does not need: mtu - 28.",
        from_ipv6(f"{OUTER6}/ICMPv6PacketTooBig(mtu={told})/({FRAGMENT6})", "to-ipv4",
                  f"{OUTER4}/ICMP(type=3,code=4,nexthopmtu={becomes})/({FRAGMENT4})"), config=f"{config}.yaml"))
