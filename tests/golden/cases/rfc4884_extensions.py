"""RFC 4884: extension structures behind the quotes of ICMP errors, in both directions.

`length` of ICMPv4 counts words of 4 octets, that of ICMPv6 words of 8. A quote of n octets of IPv4 is one of n + 20 of
IPv6; with an extension behind it a quote is zero-padded to whole words and to at least 128 octets.
"""

from corpus import from_ipv4, from_ipv6, golden

R4_OUT = "IP(src=R4,dst=S4)"
R46_OUT = "IPv6(src=R46,dst=S6,hlim=63)"
R6_OUT = "IPv6(src=R6,dst=C6)"
R64_OUT = "IP(src=R64,dst=C4,ttl=63,id=1)"
MPLS = "extension(mpls_object(16001))"
ABOUT_S4 = "IP(src=S4,dst=C4,ttl=1,id=0)/UDP(sport=53,dport=1000)/data({})"
ABOUT_S6 = "IPv6(src=S6,dst=C6,hlim=1)/UDP(sport=53,dport=1000)/data({})"
ABOUT_C6 = "IPv6(src=C6,dst=S6,hlim=1)/UDP(sport=1000,dport=53)/data({})"
ABOUT_C4 = "IP(src=C4,dst=S4,ttl=1,id=0)/UDP(sport=1000,dport=53)/data({})"


def joined(quote, size, extension):
    """Quote, padding and extension as one expression of octets."""
    padded = f"pad({quote},{size})" if size else f"raw({quote})"
    return f"({padded}+{extension})" if extension else f"({padded})"


def case(name, note, step):
    return golden(f"rfc4884/{name}", f"RFC 4884 {note}", step)


def v4(name, note, type4, quote4, size4, type6, quote6, size6, extension=MPLS, kept=MPLS, length=None):
    """An ICMPv4 error with a quote of size4 octets and an extension; size6 octets of quote leave."""
    length = size4 // 4 if length is None else length
    new = f",length={size6 // 8}" if kept and "TooBig" not in type6 and "Param" not in type6 else ""
    return case(name, note, from_ipv4(
        f"{R4_OUT}/{type4[:-1]},length={length})/{joined(quote4, size4, extension)}", "to-ipv6",
        f"{R46_OUT}/{type6[:-1]}{new})/{joined(quote6, size6 if kept else 0, kept)}"))


def v6(name, note, type6, quote6, size6, type4, quote4, size4, extension=MPLS, kept=MPLS, length=None):
    """An ICMPv6 error with a quote of size6 octets and an extension; size4 octets of quote leave."""
    length = size6 // 8 if length is None else length
    new = f",length={size4 // 4}" if kept else ""
    return case(name, note, from_ipv6(
        f"{R6_OUT}/{type6[:-1]},length={length})/{joined(quote6, size6, extension)}", "to-ipv4",
        f"{R64_OUT}/{type4[:-1]}{new})/{joined(quote4, size4 if kept else 0, kept)}"))


TIME4, TIME6 = "ICMP(type=11,code=0)", "ICMPv6TimeExceeded(code=0)"
PORT4, PORT6 = "ICMP(type=3,code=3)", "ICMPv6DestUnreach(code=4)"
FULL4, FULL6 = f"cut({ABOUT_S4.format(900)},{{}})", f"cut({ABOUT_S6.format(900)},{{}})"

CASES = [
    # --- IPv4 to IPv6 ---
    v4("4.5-time-exceeded-128-octets-become-152",
       "§4.5: 128 octets of quote become 148, which are padded to 152, 19 words of 8. The extension is opaque.",
       TIME4, FULL4.format(128), 128, TIME6, FULL6.format(148), 152),
    v4("4.4-unreachable-128-octets-become-152",
       "§4.4: the same for Destination Unreachable.",
       PORT4, FULL4.format(128), 128, PORT6, FULL6.format(148), 152),
    v4("4.5-132-octets-become-152-without-padding", "§4.5: 132 + 20 is a whole number of 8-octet words.",
       TIME4, FULL4.format(132), 132, TIME6, FULL6.format(152), 152),
    v4("4.5-136-octets-become-160", "§4.5: 156 octets are padded to 160.",
       TIME4, FULL4.format(136), 136, TIME6, FULL6.format(156), 160),
    v4("4.5-500-octets-become-520", "§4.5: a long quote needs no minimum.",
       TIME4, FULL4.format(500), 500, TIME6, FULL6.format(520), 520),
    v4("4-quote-shorter-than-128-octets-is-repaired",
       "§4: a quote with an extension behind it has at least 128 octets. This one has 40 (length 10); it leaves with "
       "60 and zeros up to 128.",
       TIME4, FULL4.format(40), 40, TIME6, FULL6.format(60), 128),
    v4("4-padding-of-a-short-datagram-is-made-anew",
       "§4: a datagram of 48 octets was padded to 128 by its router. It has 68 octets now, which are all there is to "
       "pad to 128.",
       TIME4, ABOUT_S4.format(20), 128, TIME6, ABOUT_S6.format(20), 128),
    v4("4.5-inner-fragment", "§4.5: an inner Fragment Header adds 8 more: 128 + 28, padded to 160.",
       TIME4, f"cut(IP(src=S4,dst=C4,ttl=1,id=7,flags='MF',proto=17)/part({ABOUT_S4.format(900)},0,400),128)", 128,
       TIME6, f"cut(IPv6(src=S6,dst=C6,hlim=1)/IPv6ExtHdrFragment(nh=17,id=7,m=1)/part({ABOUT_S6.format(900)},0,400),"
       "156)", 160),
    v4("4.5-inner-options", "§4.5: 8 octets of inner options go: 128 - 8 + 20 = 140, padded to 144.",
       TIME4, f"cut({ABOUT_S4.format(900).replace('id=0', 'id=0,options=[IPOption_NOP()]*8')},128)", 128,
       TIME6, FULL6.format(140), 144),
    v4("8-several-objects-are-opaque", "§8: objects are passed as they are, also those with IPv4 addresses in them.",
       TIME4, FULL4.format(128), 128, TIME6, FULL6.format(148), 152,
       extension="extension(mpls_object(16001),icmp_object(2,4,bytes([0,1,0,0,192,0,2,9])))",
       kept="extension(mpls_object(16001),icmp_object(2,4,bytes([0,1,0,0,192,0,2,9])))"),
    v4("7-extension-of-an-unknown-version-is-opaque", "§7: what the translator cannot read it does not judge.",
       TIME4, FULL4.format(128), 128, TIME6, FULL6.format(148), 152,
       extension="b'\\x10\\x00\\x12\\x34\\x00\\x08\\xf7\\x01abcd'",
       kept="b'\\x10\\x00\\x12\\x34\\x00\\x08\\xf7\\x01abcd'"),
    v4("5.4-length-without-extension-becomes-zero",
       "§5.4: the length attribute covers all that is there; without an extension it leaves as 0 and nothing is "
       "padded.",
       TIME4, FULL4.format(128), 128, TIME6, FULL6.format(148), 148, extension="", kept=""),
    v4("5.5-no-length-means-no-extension",
       "§5.5: a length attribute of zero MUST be taken to mean that there is no extension; what an old router put "
       "behind its 128 octets is quote to us.",
       TIME4, f"pad({FULL4.format(128)},128)+{MPLS}", 0, TIME6, f"pad({FULL6.format(148)},148)+{MPLS}", 0,
       extension="", kept="", length=0),
    v4("4.6-extension-of-fragmentation-needed-is-dropped",
       "§4.6: Packet Too Big has no length attribute, so the extension goes; the quote needs no padding.",
       "ICMP(type=3,code=4,nexthopmtu=1400)", FULL4.format(128), 128, "ICMPv6PacketTooBig(mtu=1420)",
       FULL6.format(148), 148, kept=""),
    v4("4.6-extension-of-parameter-problem-is-dropped",
       "§4.6: ICMPv6 Parameter Problem has no length attribute, so the extension goes.",
       "ICMP(type=12,code=0,ptr=8)", FULL4.format(128), 128, "ICMPv6ParamProblem(code=0,ptr=7)",
       FULL6.format(148), 148, kept=""),
    v4("4.6-extension-of-protocol-unreachable-is-dropped",
       "§4.6: 3/2 becomes a Parameter Problem, which has no length attribute.",
       "ICMP(type=3,code=2)", FULL4.format(128), 128, "ICMPv6ParamProblem(code=1,ptr=6)",
       FULL6.format(148), 148, kept=""),
    v4("4.6-padding-goes-with-the-extension",
       "§4.6: a datagram of 48 octets was padded to 128 for the extension; Packet Too Big takes neither.",
       "ICMP(type=3,code=4,nexthopmtu=1400)", ABOUT_S4.format(20), 128, "ICMPv6PacketTooBig(mtu=1420)",
       ABOUT_S6.format(20), 0, kept=""),
    v4("4-quote-is-trimmed-for-the-extension",
       "§4: an ICMPv6 error has at most 1280 octets. 700 of extension leave room for 532 of quote, of which 528 are "
       "whole words.",
       TIME4, FULL4.format(560), 560, TIME6, FULL6.format(528), 528,
       extension="extension(icmp_object(247,1,data(692)))", kept="extension(icmp_object(247,1,data(692)))"),
    v4("4-largest-extension-that-fits",
       "§4: 1280 - 48 - 128 = 1104 octets of extension leave room for the least quote.",
       TIME4, FULL4.format(128), 128, TIME6, FULL6.format(128), 128,
       extension="extension(icmp_object(247,1,data(1096)))", kept="extension(icmp_object(247,1,data(1096)))"),
    v4("4-extension-that-does-not-fit-is-dropped",
       "§4: 1108 octets of extension do not fit behind 128 of quote (RFC 7915 §4.2: it is truncated).",
       TIME4, FULL4.format(128), 128, TIME6, FULL6.format(148), 148,
       extension="extension(icmp_object(247,1,data(1100)))", kept=""),
]
FULL6, FULL4 = f"cut({ABOUT_C6.format(900)},{{}})", f"cut({ABOUT_C4.format(900)},{{}})"
CASES += [
    # --- IPv6 to IPv4 ---
    v6("4.2-time-exceeded-152-octets-become-132", "§4.2: 152 octets of quote become 132, 33 words of 4.",
       TIME6, FULL6.format(152), 152, TIME4, FULL4.format(132), 132),
    v6("4.1-unreachable-152-octets-become-132", "§4.1: the same for Destination Unreachable.",
       PORT6, FULL6.format(152), 152, PORT4, FULL4.format(132), 132),
    v6("4-128-octets-become-108-and-are-padded-to-128", "§4: no less than 128 octets in front of an extension.",
       TIME6, FULL6.format(128), 128, TIME4, FULL4.format(108), 128),
    v6("4-144-octets-become-124-and-are-padded-to-128", "§4: no less than 128 octets in front of an extension.",
       TIME6, FULL6.format(144), 144, TIME4, FULL4.format(124), 128),
    v6("4.2-520-octets-become-500", "§4.2: a long quote.", TIME6, FULL6.format(520), 520, TIME4, FULL4.format(500),
       500),
    v6("4-icmpv6-quote-shorter-than-128-octets-is-repaired",
       "§4: a quote of 64 octets (length 8) leaves with 44 and zeros up to 128.",
       TIME6, FULL6.format(64), 64, TIME4, FULL4.format(44), 128),
    v6("4-padding-of-a-short-icmpv6-quote-is-made-anew",
       "§4: a datagram of 68 octets was padded to 128 by its router. It has 48 octets now, which are padded to 128.",
       TIME6, ABOUT_C6.format(20), 128, TIME4, ABOUT_C4.format(20), 128),
    v6("4.2-inner-fragment-header", "§4.2: an inner Fragment Header takes 8 more: 160 - 28 = 132.",
       TIME6, f"cut(IPv6(src=C6,dst=S6,hlim=1)/IPv6ExtHdrFragment(nh=17,id=7,m=1)/part({ABOUT_C6.format(900)},0,400),"
       "160)", 160,
       TIME4, f"cut(IP(src=C4,dst=S4,ttl=1,id=7,flags='MF',proto=17)/part({ABOUT_C4.format(900)},0,400),132)", 132),
    v6("5.4-length-of-icmpv6-without-extension-becomes-zero",
       "§5.4: no extension, so no length attribute and no padding.",
       TIME6, FULL6.format(128), 128, TIME4, FULL4.format(108), 108, extension="", kept=""),
    v6("5.5-no-length-in-icmpv6-means-no-extension",
       "§5.5: a length attribute of zero MUST be taken to mean that there is no extension.",
       TIME6, f"pad({FULL6.format(128)},128)+{MPLS}", 0, TIME4, f"pad({FULL4.format(108)},108)+{MPLS}", 0,
       extension="", kept="", length=0),
    v6("4-icmpv6-quote-is-trimmed-for-the-extension",
       "§4: an ICMPv4 error has at most 576 octets: 576 - 28 - 12 = 536 are left for the quote.",
       TIME6, FULL6.format(800), 800, TIME4, FULL4.format(536), 536),
    v6("4-largest-extension-that-fits-icmpv4",
       "§4: 576 - 28 - 128 = 420 octets of extension leave room for the least quote.",
       TIME6, FULL6.format(200), 200, TIME4, FULL4.format(128), 128,
       extension="extension(icmp_object(247,1,data(412)))", kept="extension(icmp_object(247,1,data(412)))"),
    v6("4-extension-that-does-not-fit-icmpv4-is-dropped",
       "§4: 424 octets of extension do not fit behind 128 of quote.",
       TIME6, FULL6.format(200), 200, TIME4, FULL4.format(180), 180,
       extension="extension(icmp_object(247,1,data(416)))", kept=""),
    v6("8-icmpv6-objects-are-opaque", "§8: objects are passed as they are, also those with IPv6 addresses in them.",
       TIME6, FULL6.format(152), 152, TIME4, FULL4.format(132), 132,
       extension="extension(icmp_object(2,4,bytes([0,2,0,0])+data(16)))",
       kept="extension(icmp_object(2,4,bytes([0,2,0,0])+data(16)))"),
    case("4.6-packet-too-big-has-no-length", "§4.6: the first octet of its MTU is no length attribute, and "
         "neither does ICMPv4 get one.",
         from_ipv6(f"{R6_OUT}/ICMPv6PacketTooBig(mtu=0x10000500)/{FULL6.format(200)}", "to-ipv4",
                   f"{R64_OUT}/ICMP(type=3,code=4,nexthopmtu=1480)/{FULL4.format(180)}")),
]
