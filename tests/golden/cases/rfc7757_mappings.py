"""RFC 7757: explicit address mappings (§3, §5, Appendix B) and hairpinning (§4, Appendix B.1)."""

from corpus import PROHIBITED4, PROHIBITED6, from_ipv4, from_ipv6, golden, reply4, reply6, unmapped_source6

UDP = "UDP(sport=1000,dport=53)/b'yonroku!'"
PEER4, PEER6 = "8.8.8.8", "64:ff9b::808:808"

# --- Appendix B, Figure 7, both directions ---
FIGURE_7 = (
    ("192.0.2.1", "2001:db8:aaaa::", "EAM #1"), ("192.0.2.2", "2001:db8:bbbb::b", "EAM #2"),
    ("192.0.2.16", "2001:db8:cccc::", "EAM #3"), ("192.0.2.24", "2001:db8:cccc::8", "EAM #3"),
    ("192.0.2.31", "2001:db8:cccc::f", "EAM #3"), ("192.0.2.128", "2001:db8:dddd::", "EAM #4"),
    ("192.0.2.152", "2001:db8:dddd:0:6000::", "EAM #4"), ("192.0.2.183", "2001:db8:dddd:0:dc00::", "EAM #4"),
    ("192.0.2.191", "2001:db8:dddd:0:fc00::", "EAM #4"), ("192.0.2.195", "2001:db8:eeee:9:8000::", "EAM #5"),
    ("192.0.2.225", "64:ff9b::1", "EAM #6"), ("192.0.2.248", "64:ff9b::c000:2f8", "RFC 6052"))


def there_and_back(name, note, four, six, config, peer4=PEER4, peer6=PEER6):
    return golden(name, note,
                  from_ipv4(f"IP(src='{peer4}',dst='{four}')/{UDP}", "to-ipv6",
                            f"IPv6(src='{peer6}',dst='{six}',hlim=63)/{UDP}"),
                  from_ipv6(f"IPv6(src='{six}',dst='{peer6}')/{UDP}", "to-ipv4",
                            f"IP(src='{four}',dst='{peer4}',ttl=63,id=1)/{UDP}"),
                  config=config)


CASES = [there_and_back(f"rfc7757/b-{four}", f"RFC 7757 Appendix B, Figure 7: {four} is {six} by {by}.", four, six,
                        "rfc7757.yaml") for four, six, by in FIGURE_7]
for four, six, by in FIGURE_7:
    CASES.append(golden(
        f"rfc7757/b-{four}-as-a-source",
        f"RFC 7757 §3.3.1: the source of an IPv4 packet is mapped like its destination: {by}.",
        from_ipv4(f"IP(src='{four}',dst='192.0.2.248')/{UDP}", "to-ipv6",
                  f"IPv6(src='{six}',dst='64:ff9b::c000:2f8',hlim=63)/{UDP}"), config="rfc7757.yaml"))
CASES += [
    golden("rfc7757/3.3.2-trailing-bits-are-discarded",
           "RFC 7757 §3.3.2: IPv6 suffix bits that do not fit into 32 bits are discarded.",
           from_ipv6(f"IPv6(src='2001:db8:dddd:0:63ff:ffff:ffff:ffff',dst='{PEER6}')/{UDP}", "to-ipv4",
                     f"IP(src='192.0.2.152',dst='{PEER4}',ttl=63,id=1)/{UDP}"), config="rfc7757.yaml"),
    golden("rfc7757/3.3.2-address-next-to-a-mapping-is-not-mapped",
           "RFC 7757 §3.3.2: 2001:db8:aaaa::1 shares no prefix with an EAM.",
           unmapped_source6(f"IPv6(src='2001:db8:aaaa::1',dst='{PEER6}')/{UDP}", "'2001:db8:aaaa::1'", source="'2001:db8:ffff::1'"),
           unmapped_source6(f"IPv6(src='2001:db8:cccc::10',dst='{PEER6}')/{UDP}", "'2001:db8:cccc::10'", source="'2001:db8:ffff::1'"),
           unmapped_source6(f"IPv6(src='2001:db8:eeee:c::',dst='{PEER6}')/{UDP}", "'2001:db8:eeee:c::'", source="'2001:db8:ffff::1'"),
           config="rfc7757.yaml"),
    golden("rfc7757/3.3.1-address-next-to-a-mapping-is-mapped-by-rfc6052",
           "RFC 7757 §3.3.1: without an EAM the address is translated by RFC 6052.",
           from_ipv4(f"IP(src='{PEER4}',dst='192.0.2.3')/{UDP}", "to-ipv6",
                     f"IPv6(src='{PEER6}',dst='64:ff9b::c000:203',hlim=63)/{UDP}"),
           from_ipv4(f"IP(src='{PEER4}',dst='192.0.2.32')/{UDP}", "to-ipv6",
                     f"IPv6(src='{PEER6}',dst='64:ff9b::c000:220',hlim=63)/{UDP}"),
           from_ipv4(f"IP(src='{PEER4}',dst='192.0.2.192')/{UDP}", "to-ipv6",
                     f"IPv6(src='{PEER6}',dst='2001:db8:eeee:8::',hlim=63)/{UDP}"),
           from_ipv4(f"IP(src='{PEER4}',dst='192.0.2.199')/{UDP}", "to-ipv6",
                     f"IPv6(src='{PEER6}',dst='2001:db8:eeee:b:8000::',hlim=63)/{UDP}"),
           config="rfc7757.yaml"),
]

# --- §5 and longest match ---
LONGEST = "eam-longest.yaml"
L4, L6 = "8.8.8.8", "2001:db8:64::808:808"
CASES += [
    golden("rfc7757/5-overlapping-ipv4-prefixes-are-not-symmetric",
           "RFC 7757 §5, Figure 2: 2001:db8:ffc6:3364:4000:: becomes 198.51.100.64 by the first row, which becomes "
           "2001:db8::abcd by the second.",
           from_ipv6(f"IPv6(src='2001:db8:ffc6:3364:4000::',dst='2001:db8:ff08:808:800::')/{UDP}", "to-ipv4",
                     f"IP(src='198.51.100.64',dst='{L4}',ttl=63,id=1)/{UDP}"),
           from_ipv4(f"IP(src='{L4}',dst='198.51.100.64')/{UDP}", "to-ipv6",
                     f"IPv6(src='2001:db8:ff08:808:800::',dst='2001:db8::abcd',hlim=63)/{UDP}"),
           from_ipv6(f"IPv6(src='2001:db8::abcd',dst='2001:db8:ff08:808:800::')/{UDP}", "to-ipv4",
                     f"IP(src='198.51.100.64',dst='{L4}',ttl=63,id=2)/{UDP}"),
           config="eam-overlap.yaml"),
    there_and_back("rfc7757/a.2-ivi-has-no-u-octet",
                   "RFC 7757 Appendix A.2: IVI as an EAM for all of IPv4; its addresses have no zero octet.",
                   "192.0.2.33", "2001:db8:ffc0:2:2100::", "eam-overlap.yaml", L4, "2001:db8:ff08:808:800::"),
    there_and_back("rfc7757/3.3-outer-mapping", "RFC 7757 §3.3: the /24 is the longest match.",
                   "198.51.100.9", "2001:db8:100::9", LONGEST, L4, L6),
    there_and_back("rfc7757/3.3-mapping-inside-of-another", "RFC 7757 §3.3: the /26 is longer than the /24.",
                   "198.51.100.70", "2001:db8:100::46", LONGEST, L4, L6),
    there_and_back("rfc7757/3.3-single-address-inside-of-two", "RFC 7757 §3.3: the /32 is longer than both.",
                   "198.51.100.65", "2001:db8:200::65", LONGEST, L4, L6),
    there_and_back("rfc7757/3.3-mapping-inside-of-pref64",
                   "RFC 7757 §3.3: an EAM comes before RFC 6052, also for addresses inside the translation prefix.",
                   "198.51.101.3", "2001:db8:64::c633:7703", LONGEST, L4, L6),
    there_and_back("rfc7757/3.3-both-suffixes-at-different-bits",
                   "RFC 7757 §3.3: eight suffix bits go from bits 24 to 31 to bits 48 to 55.",
                   "192.0.2.171", "2001:db8:300:ab00::", LONGEST, L4, L6),
    golden("rfc7757/3.3.2-whole-ipv6-prefix-is-one-ipv4-address",
           "RFC 7757 §3.3.2: a /32 with a /64: every address of the /64 is the one IPv4 address, which becomes the "
           "first of the /64.",
           from_ipv6(f"IPv6(src='2001:db8:400::1:2:3:4',dst='{L6}')/{UDP}", "to-ipv4",
                     f"IP(src='203.0.113.7',dst='{L4}',ttl=63,id=1)/{UDP}"),
           from_ipv4(f"IP(src='{L4}',dst='203.0.113.7')/{UDP}", "to-ipv6",
                     f"IPv6(src='{L6}',dst='2001:db8:400::',hlim=63)/{UDP}"), config=LONGEST),
    golden("rfc7757/3.2-inner-addresses-are-mapped-on-their-own",
           "RFC 7757 §3.2: each address is translated individually, those inside ICMP errors too.",
           from_ipv4("IP(src='192.0.2.171',dst='198.51.100.70')/ICMP(type=11,code=0)/"
                     f"(IP(src='198.51.100.65',dst='192.0.2.1',id=0)/{UDP})", "to-ipv6",
                     "IPv6(src='2001:db8:300:ab00::',dst='2001:db8:100::46',hlim=63)/ICMPv6TimeExceeded(code=0)/"
                     f"(IPv6(src='2001:db8:200::65',dst='2001:db8:300:100::')/{UDP})"), config=LONGEST),
]

# --- §4: hairpinning. Figures 8 to 11 of Appendix B.1. ---
A6, B6, A64, B64 = "2001:db8:aaaa::", "2001:db8:bbbb::b", "64:ff9b::192.0.2.1", "64:ff9b::192.0.2.2"
A4, B4 = "192.0.2.1", "192.0.2.2"
FIRST = "UDP(sport=1000,dport=53)/b'figure 8'"
ANSWER = "UDP(sport=53,dport=1000)/b'figure 11'"
# What b receives (Figure 8) is what it, or a router, quotes: a's packet as it looks on b's side, then on a's.
AT_B = f"(IPv6(src='{A64}',dst='{B6}',hlim=60)/{FIRST})"
BETWEEN = f"(IP(src='{A4}',dst='{B4}',ttl=60,id=0)/{FIRST})"
AT_A = f"(IPv6(src='{A6}',dst='{B64}',hlim=60)/{FIRST})"
ERRORS = (("port-unreachable", "ICMPv6DestUnreach(code=4)", "ICMPv6DestUnreach(code=4)"),
          ("time-exceeded", "ICMPv6TimeExceeded(code=0)", "ICMPv6TimeExceeded(code=0)"),
          ("no-route", "ICMPv6DestUnreach(code=3)", "ICMPv6DestUnreach(code=0)"),
          ("packet-too-big", "ICMPv6PacketTooBig(mtu=1400)", "ICMPv6PacketTooBig(mtu=1400)"),
          ("packet-too-big-of-1280", "ICMPv6PacketTooBig(mtu=1280)", "ICMPv6PacketTooBig(mtu=1280)"),
          ("unrecognized-next-header", "ICMPv6ParamProblem(code=1,ptr=6)", "ICMPv6ParamProblem(code=1,ptr=6)"),
          ("parameter-problem", "ICMPv6ParamProblem(code=0,ptr=30)", "ICMPv6ParamProblem(code=0,ptr=24)"))


def hairpin(name, note, inside, outside, config="rfc7757.yaml"):
    return golden(f"rfc7757/4.2.2-{name}", f"RFC 7757 §4.2.2: {note}", from_ipv6(inside, "hairpin", outside),
                  config=config)


def layers(name, note, payload, returned=None):
    """Something that a sends to b by b's IPv4-converted address."""
    return hairpin(name, note, f"IPv6(src='{A6}',dst='{B64}',hlim=64)/{payload}",
                   f"IPv6(src='{A64}',dst='{B6}',hlim=63)/{returned or payload}")


TCP = "TCP(sport=40000,dport=80,flags='PA',seq=1,ack=2)/data(40)"
CASES += [
    layers("figure-8-normal-packet", "Figure 8 of Appendix B.1; the hop limit is decremented once.", FIRST),
    hairpin("figure-11-response", "Figure 11 of Appendix B.1.", f"IPv6(src='{B6}',dst='{A64}')/{ANSWER}",
            f"IPv6(src='{B64}',dst='{A6}',hlim=63)/{ANSWER}"),
    *(hairpin(f"figure-9-{word}-from-a-router",
              "Figure 9 of Appendix B.1: the router has no mapping and gets the pool's 198.51.100.1; the inner "
              "destination is not translated by EAM (rule 2).",
              f"IPv6(src='2001:db8::1234',dst='{A64}')/{six}/{AT_B}",
              f"IPv6(src='64:ff9b::198.51.100.1',dst='{A6}',hlim=63)/{back}/{AT_A}") for word, six, back in ERRORS),
    *(hairpin(f"figure-10-{word}-from-the-host",
              "Figure 10 of Appendix B.1: the outer source is the inner destination, so neither is translated by EAM "
              "(rules 2 and 3).",
              f"IPv6(src='{B6}',dst='{A64}')/{six}/{AT_B}",
              f"IPv6(src='{B64}',dst='{A6}',hlim=63)/{back}/{AT_A}") for word, six, back in ERRORS[:2]),
    layers("tcp", "TCP.", TCP),
    layers("echo-request", "an echo request is not an error (A1).", "ICMPv6EchoRequest(id=1,seq=2,data=data(20))"),
    hairpin("unknown-protocol", "any protocol.", f"IPv6(src='{A6}',dst='{B64}',nh=132)/data(20)",
            f"IPv6(src='{A64}',dst='{B6}',nh=132,hlim=63)/data(20)"),
    hairpin("wrong-checksum-stays-wrong", "a wrong checksum is updated twice and still as wrong.",
            f"wrong(IPv6(src='{A6}',dst='{B64}')/{TCP},5)", f"wrong(IPv6(src='{A64}',dst='{B6}',hlim=63)/{TCP},5)"),
    layers("1500-octets", "1500 octets become 1480 with DF, and 1500 again.", "UDP(sport=1000,dport=53)/data(1452)"),
    layers("1280-octets", "1280 octets become 1260 without DF, and 1280 again.",
           "UDP(sport=1000,dport=53)/data(1232)"),
    layers("extension-headers-are-lost", "IPv4 has no place for them.", f"IPv6ExtHdrDestOpt()/{FIRST}", FIRST),
    hairpin("traffic-class-stays-flow-label-goes", "both passes copy the traffic class.",
            f"IPv6(src='{A6}',dst='{B64}',tc=0xb8,fl=0x12345)/{FIRST}",
            f"IPv6(src='{A64}',dst='{B6}',tc=0xb8,hlim=63)/{FIRST}"),
    hairpin("fragment", "a fragment keeps offset, M flag and the low 16 bits of its identification.",
            f"IPv6(src='{A6}',dst='{B64}')/IPv6ExtHdrFragment(nh=17,id=0x12345678,offset=10,m=1)/data(64)",
            f"IPv6(src='{A64}',dst='{B6}',hlim=63)/IPv6ExtHdrFragment(nh=17,id=0x5678,offset=10,m=1)/data(64)"),
    hairpin("destination-by-a-prefix-mapping", "the EAM may be a prefix (EAM #4).",
            f"IPv6(src='{A6}',dst='64:ff9b::192.0.2.152')/{FIRST}",
            f"IPv6(src='{A64}',dst='2001:db8:dddd:0:6000::',hlim=63)/{FIRST}"),
    hairpin("to-itself", "a node may call itself.", f"IPv6(src='{A6}',dst='{A64}')/{FIRST}",
            f"IPv6(src='{A64}',dst='{A6}',hlim=63)/{FIRST}"),
    golden("rfc7757/4.2.2-hop-limit-1-is-answered",
           "RFC 7757 §4.2.2: the hop limit is checked in the first pass, and the answer goes straight back.",
           from_ipv6(f"IPv6(src='{A6}',dst='{B64}',hlim=1)/{FIRST}", "reply hop-limit-exceeded",
                     "IPv6(src='2001:db8:ffff::1',dst='2001:db8:aaaa::',hlim=64)/ICMPv6TimeExceeded(code=0)/"
                     f"quote6(IPv6(src='{A6}',dst='{B64}',hlim=1)/{FIRST})"), config="rfc7757.yaml"),
    golden("rfc7757/4.2.2-hop-limit-2-passes-both-times",
           "RFC 7757 §4.2.2: the hop limit is not decremented in the second pass.",
           from_ipv6(f"IPv6(src='{A6}',dst='{B64}',hlim=2)/{FIRST}", "hairpin",
                     f"IPv6(src='{A64}',dst='{B6}',hlim=1)/{FIRST}"), config="rfc7757.yaml"),
    golden("rfc7757/4.2.2-destination-by-eam-is-not-hairpinned",
           "RFC 7757 §4.2.2, condition A2: 64:ff9b::1 was translated by EAM #6, not by RFC 6052.",
           from_ipv6(f"IPv6(src='{A6}',dst='64:ff9b::1')/{FIRST}", "to-ipv4",
                     f"IP(src='{A4}',dst='192.0.2.225',ttl=63,id=1)/{FIRST}"), config="rfc7757.yaml"),
    golden("rfc7757/4.2.2-destination-without-eam-is-not-hairpinned",
           "RFC 7757 §4.2.2, condition A3: 192.0.2.248 is not in the EAMT.",
           from_ipv6(f"IPv6(src='{A6}',dst='64:ff9b::192.0.2.248')/{FIRST}", "to-ipv4",
                     f"IP(src='{A4}',dst='192.0.2.248',ttl=63,id=1)/{FIRST}"), config="rfc7757.yaml"),
    golden("rfc7757/4.2.2-error-goes-by-its-inner-source",
           "RFC 7757 §4.2.2, condition B3: the outer destination is in the EAMT, the inner source is not, so the "
           "error goes to the IPv4 network.",
           from_ipv6(f"IPv6(src='{B6}',dst='{A64}')/ICMPv6DestUnreach(code=4)/"
                     f"(IPv6(src='{PEER6}',dst='{B6}')/{FIRST})", "to-ipv4",
                     f"IP(src='{B4}',dst='{A4}',ttl=63,id=1)/ICMP(type=3,code=3)/"
                     f"(IP(src='{PEER4}',dst='{B4}',id=0)/{FIRST})"), config="rfc7757.yaml"),
    golden("rfc7757/4.2.2-packet-from-the-ipv4-side-uses-the-eam-for-its-source",
           "RFC 7757 §4.2.2: the rules of §4.2.1 are for the second pass of hairpinned packets alone.",
           from_ipv4(f"IP(src='{A4}',dst='{B4}')/{FIRST}", "to-ipv6",
                     f"IPv6(src='{A6}',dst='{B6}',hlim=63)/{FIRST}"), config="rfc7757.yaml"),
    golden("rfc7757/4.2.1-packet-that-loops-back",
           "RFC 7757 §4.2.1, rule 1: the IPv4 network sends the packet back, and its source is not translated by EAM: "
           "Figure 8 of Appendix B.1.",
           from_ipv6(f"IPv6(src='{A6}',dst='{B64}')/{FIRST}", "to-ipv4",
                     f"IP(src='{A4}',dst='{B4}',ttl=63,id=1)/{FIRST}"),
           from_ipv4(f"IP(src='{A4}',dst='{B4}',ttl=62,id=1)/{FIRST}", "to-ipv6",
                     f"IPv6(src='{A64}',dst='{B6}',hlim=61)/{FIRST}"), config="hairpin-simple.yaml"),
    golden("rfc7757/4.2.1-error-from-a-router-that-loops-back",
           "RFC 7757 §4.2.1, rule 2: the inner destination is not translated by EAM: Figure 9 of Appendix B.1.",
           from_ipv6(f"IPv6(src='2001:db8::1234',dst='{A64}')/ICMPv6TimeExceeded(code=0)/{AT_B}", "to-ipv4",
                     f"IP(src='198.51.100.1',dst='{A4}',ttl=63,id=1)/ICMP(type=11,code=0)/{BETWEEN}"),
           from_ipv4(f"IP(src='198.51.100.1',dst='{A4}',ttl=62,id=1)/ICMP(type=11,code=0)/{BETWEEN}", "to-ipv6",
                     f"IPv6(src='64:ff9b::198.51.100.1',dst='{A6}',hlim=61)/ICMPv6TimeExceeded(code=0)/{AT_A}"),
           config="hairpin-simple.yaml"),
    golden("rfc7757/4.2.1-error-from-the-host-that-loops-back",
           "RFC 7757 §4.2.1, rules 2 and 3: Figure 10 of Appendix B.1.",
           from_ipv4(f"IP(src='{B4}',dst='{A4}')/ICMP(type=3,code=3)/{BETWEEN}", "to-ipv6",
                     f"IPv6(src='{B64}',dst='{A6}',hlim=63)/ICMPv6DestUnreach(code=4)/{AT_A}"),
           config="hairpin-simple.yaml"),
    golden("rfc7757/4.2.1-source-of-an-error-that-is-not-its-inner-destination",
           "RFC 7757 §4.2.1, rule 3 does not hold for a router, so an EAM is used for its source.",
           from_ipv4(f"IP(src='192.0.2.24',dst='{A4}')/ICMP(type=11,code=0)/{BETWEEN}", "to-ipv6",
                     f"IPv6(src='2001:db8:cccc::8',dst='{A6}',hlim=63)/ICMPv6TimeExceeded(code=0)/{AT_A}"),
           config="hairpin-simple.yaml"),
    golden("rfc7757/4.2-off-leaves-everything-to-the-eams",
           "RFC 7757 §4.2: without the feature the packet goes out, and every address is translated by EAM when it "
           "comes back (RFC 7757 §4.1 tells why that fails).",
           from_ipv6(f"IPv6(src='{A6}',dst='{B64}')/{FIRST}", "to-ipv4",
                     f"IP(src='{A4}',dst='{B4}',ttl=63,id=1)/{FIRST}"),
           from_ipv4(f"IP(src='{A4}',dst='{B4}',ttl=62,id=1)/{FIRST}", "to-ipv6",
                     f"IPv6(src='{A6}',dst='{B6}',hlim=61)/{FIRST}"), config="hairpin-off.yaml"),
]

# --- a hairpinned packet that does not fit the IPv6 link it came from ---
BIG = "IPv6(src='2001:db8:2::80',dst='2001:db8:64::192.0.2.1')/UDP(sport=1000,dport=53)/data(1440)"
BIG_FRAGMENT = ("IPv6(src='2001:db8:2::80',dst='2001:db8:64::192.0.2.1')/IPv6ExtHdrFragment(nh=17,id=9,offset=2,m=1)/"
                "data(1400)")
CASES += [
    golden("rfc7757/4.2.2-too-big-to-hairpin-is-told-the-ipv6-sender",
           "RFC 7757 §4.2.2: translated twice, the packet is as large as before; what comes back must speak of it to "
           "its sender, in IPv6.",
           from_ipv6(BIG, "reply packet-too-big",
                     reply6("'2001:db8:2::80'", "ICMPv6PacketTooBig(mtu=1400)", BIG)),
           config="ipv6-mtu-1400.yaml"),
    golden("rfc7757/4.2.2-fragment-too-big-to-hairpin-is-cut",
           "RFC 7757 §4.2.2: a fragment (DF clear in between) is cut to the IPv6 MTU instead.",
           from_ipv6(BIG_FRAGMENT, "hairpin",
                     "IPv6(src='2001:db8:64::192.0.2.80',dst='2001:db8:3::1',hlim=63)/"
                     "IPv6ExtHdrFragment(nh=17,id=9,offset=2,m=1)/part(IP()/data(1400),0,1352)",
                     "IPv6(src='2001:db8:64::192.0.2.80',dst='2001:db8:3::1',hlim=63)/"
                     "IPv6ExtHdrFragment(nh=17,id=9,offset=171,m=1)/part(IP()/data(1400),1352,1400)"),
           config="ipv6-mtu-1400.yaml"),
]

# --- the loop guard: 192.0.2.0/24 is routed to the translator as a whole ---
INTO_RANGE = f"IPv6(src='{A6}',dst='64:ff9b::192.0.2.99')/{FIRST}"
UNMAPPED = f"IP(src='{PEER4}',dst='192.0.2.99',id=5)/{FIRST}"
CASES += [
    golden("rfc7757/3.3-unmapped-destination-in-a-routed-range-does-not-circle",
           "RFC 7757 §3.3: embedded in the prefix, the address would be routed back to the translator until its TTL "
           "ran out; so the packet is answered instead.",
           from_ipv4(UNMAPPED, "reply destination-not-mapped", reply4(f"'{PEER4}'", PROHIBITED4, UNMAPPED)),
           config="loop-guard.yaml"),
    golden("rfc7757/3.3-unmapped-destination-from-ipv6-does-not-circle",
           "RFC 7757 §3.3: sent on as IPv4, the packet would be routed back to the translator.",
           from_ipv6(INTO_RANGE, "reply destination-not-mapped",
                     reply6(f"'{A6}'", PROHIBITED6, INTO_RANGE, source="'2001:db8:ffff::1'")),
           config="loop-guard.yaml"),
    golden("rfc7757/4.2.2-error-hairpinned-in-a-routed-range",
           "RFC 7757 §4.2.1, rule 2: the inner destination has a mapping, though it is not used.",
           from_ipv6(f"IPv6(src='{B6}',dst='{A64}')/ICMPv6DestUnreach(code=4)/{AT_B}", "hairpin",
                     f"IPv6(src='{B64}',dst='{A6}',hlim=63)/ICMPv6DestUnreach(code=4)/{AT_A}"),
           config="loop-guard.yaml"),
]

# --- addresses that must not appear in IPv4, embedded in IPv6 ---
CASES += [
    golden(f"rfc7915/5.1-error-to-embedded-{address}-is-dropped",
           f"RFC 7915 §5.1, RFC 1812 §5.3.7: {address} must not become a destination, not even of an error.",
           from_ipv6(f"IPv6(src=S6,dst='2001:db8:64::{address}')/ICMPv6TimeExceeded(code=0)/"
                     f"(IPv6(src='2001:db8:64::{address}',dst=S6)/{FIRST})", "drop illegal-destination"))
    for address in ("224.0.0.1", "255.255.255.255", "127.0.0.1")
]
CASES += [
    golden("rfc7915/5.1-error-from-embedded-127.0.0.1-is-dropped",
           "RFC 7915 §5.1: an illegal source is dropped silently.",
           from_ipv6(f"IPv6(src='2001:db8:64::127.0.0.1',dst='2001:db8:64::203.0.113.7')/ICMPv6TimeExceeded(code=0)/"
                     f"(IPv6(src='2001:db8:64::203.0.113.7',dst=S6)/{FIRST})", "drop illegal-source")),
]

# The quoted packet's destination may lie in the range: that packet went the other way.
CASES += [
    golden("rfc7757/3.3-error-about-a-packet-into-the-routed-range",
           "RFC 7757 §3.3: the guard is about where the error itself goes, not about what it quotes.",
           from_ipv6(f"IPv6(src='{PEER6}',dst='{PEER6}')/ICMPv6PacketTooBig(mtu=1400)/"
                     f"(IPv6(src='{PEER6}',dst='64:ff9b::192.0.2.99')/{FIRST})", "to-ipv4",
                     f"IP(src='{PEER4}',dst='{PEER4}',ttl=63,id=1)/ICMP(type=3,code=4,nexthopmtu=1380)/"
                     f"(IP(src='{PEER4}',dst='192.0.2.99',id=0)/{FIRST})"),
           config="loop-guard.yaml"),
]
