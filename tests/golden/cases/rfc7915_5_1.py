"""RFC 7915 §5.1: IPv6 headers to IPv4 headers, without Fragment Headers (see rfc7915_5_1_1)."""

from corpus import PROHIBITED6, from_ipv6, golden, reply6, unmapped_source6

UDP8 = "UDP(sport=53,dport=1000)/b'yonroku!'"
V6 = f"IPv6(src=S6,dst=C6,hlim=64)/{UDP8}"
V4 = f"IP(src=S4,dst=C4,ttl=63,id=1)/{UDP8}"
HOP_LIMIT_EXCEEDED = "ICMPv6TimeExceeded(code=0)"


def sized(size):
    """An IPv6 packet of `size` octets and its IPv4 packet, flags and id as RFC 7915 §5.1 asks."""
    layers = f"UDP(sport=53,dport=1000)/data({size - 48})"
    fate = "id=1" if size <= 1280 else "flags='DF',id=0"
    return f"IPv6(src=S6,dst=C6)/{layers}", f"IP(src=S4,dst=C4,ttl=63,{fate})/{layers}"


def size_case(size, note, config="eam-basic.yaml"):
    six, four = sized(size)
    return golden(f"rfc7915/5.1-{size:04}-octets-of-ipv6", f"RFC 7915 §5.1: {note}",
                  from_ipv6(six, "to-ipv4", four), config=config)


def too_big(name, note, six, mtu, config):
    return golden(f"rfc7915/{name}", note,
                  from_ipv6(six, "reply packet-too-big", reply6("S6", f"ICMPv6PacketTooBig(mtu={mtu})", six)),
                  config=f"{config}.yaml")


CASES = [
    golden("rfc7915/5.1-hop-limit-64-leaves-as-ttl-63",
           "RFC 7915 §5.1: a translator is a router. A packet of at most 1260 octets leaves without DF, its "
           "identification from the translator's generator.",
           from_ipv6(V6, "to-ipv4", V4)),
    golden("rfc7915/5.1-identifications-differ",
           "RFC 7915 §5.1: the identification comes from a generator (RFC 6864 §4.3: packets that may be "
           "fragmented need identifications that do not repeat).",
           from_ipv6(V6, "to-ipv4", V4), from_ipv6(V6, "to-ipv4", V4.replace("id=1", "id=2"))),
    golden("rfc7915/5.1-hop-limit-2-still-passes", "RFC 7915 §5.1: hop limit 2 leaves as TTL 1.",
           from_ipv6(V6.replace("hlim=64", "hlim=2"), "to-ipv4", V4.replace("ttl=63", "ttl=1"))),
    golden("rfc7915/5.1-hop-limit-255", "RFC 7915 §5.1: the largest hop limit.",
           from_ipv6(V6.replace("hlim=64", "hlim=255"), "to-ipv4", V4.replace("ttl=63", "ttl=254"))),
    *(golden(f"rfc7915/5.1-hop-limit-{hops}-is-answered-with-time-exceeded",
             "RFC 7915 §5.1: the hop limit is used up, so the sender gets an ICMPv6 Time Exceeded.",
             from_ipv6(V6.replace("hlim=64", f"hlim={hops}"), "reply hop-limit-exceeded",
                       reply6("S6", HOP_LIMIT_EXCEEDED, V6.replace("hlim=64", f"hlim={hops}"))))
      for hops in (0, 1)),
    golden("rfc7915/5.1-hop-limit-1-echo-request-is-answered-too",
           "RFC 4443 §2.4: only errors about errors are barred, so traceroute with pings sees us.",
           from_ipv6("IPv6(src=S6,dst=C6,hlim=1)/ICMPv6EchoRequest(id=1,seq=2,data=data(8))",
                     "reply hop-limit-exceeded",
                     reply6("S6", HOP_LIMIT_EXCEEDED,
                            "IPv6(src=S6,dst=C6,hlim=1)/ICMPv6EchoRequest(id=1,seq=2,data=data(8))"))),
    golden("rfc7915/5.1-hop-limit-1-error-is-silent",
           "RFC 4443 §2.4: no error message about an error message.",
           from_ipv6("IPv6(src=S6,dst=C6,hlim=1)/ICMPv6DestUnreach(code=4)/"
                     f"(IPv6(src=C6,dst=S6)/{UDP8})", "drop hop-limit-exceeded")),
    golden("rfc7915/5.1-flow-label-is-lost", "RFC 7915 §5.1: IPv4 has no flow label.",
           from_ipv6(V6.replace("hlim=64", "fl=0xabcde,hlim=64"), "to-ipv4", V4)),
    golden("rfc7915/5.1-tcp", "RFC 7915 §5.1: TCP, checksum for the new pseudo-header.",
           from_ipv6("IPv6(src=S6,dst=C6)/TCP(sport=80,dport=40000,flags='PA',seq=1,ack=2)/b'HTTP/1.0 200 OK'",
                     "to-ipv4",
                     "IP(src=S4,dst=C4,ttl=63,id=1)/"
                     "TCP(sport=80,dport=40000,flags='PA',seq=1,ack=2)/b'HTTP/1.0 200 OK'")),
    golden("rfc7915/5.1-both-addresses-by-rfc6052",
           "RFC 7915 §5.1: neither address has an EAM, both are mapped by RFC 6052.",
           from_ipv6(f"IPv6(src='2001:db8:64::c633:6409',dst=C6)/{UDP8}", "to-ipv4",
                     f"IP(src='198.51.100.9',dst=C4,ttl=63,id=1)/{UDP8}")),
    golden("rfc7915/5.1-link-layer-padding-is-cut-off",
           "RFC 7915 §5.1: total length comes from the payload length.",
           from_ipv6("pad(IPv6(src=S6,dst=C6)/UDP(sport=53,dport=1000)/b'ok',64)", "to-ipv4",
                     "IP(src=S4,dst=C4,ttl=63,id=1)/UDP(sport=53,dport=1000)/b'ok'")),
    golden("rfc7915/5.1-time-exceeded-quotes-at-most-1232-octets",
           "RFC 4443 §2.4: an ICMPv6 error is at most 1280 octets long.",
           from_ipv6("IPv6(src=S6,dst=C6,hlim=1)/UDP(sport=53,dport=1000)/data(1400)", "reply hop-limit-exceeded",
                     reply6("S6", HOP_LIMIT_EXCEEDED,
                            "IPv6(src=S6,dst=C6,hlim=1)/UDP(sport=53,dport=1000)/data(1400)"))),
    size_case(48, "an empty datagram."),
    size_case(1279, "below the limit of DF."),
    size_case(1280, "1260 octets of IPv4 leave without DF."),
    size_case(1281, "1261 octets of IPv4 leave with DF; the identification then does not matter (RFC 6864 §4.1) "
              "and is 0."),
    size_case(1500, "1480 octets of IPv4 leave with DF."),
    size_case(1520, "1500 octets of IPv4 just fit the next hop."),
    too_big("5.1-1521-octets-are-answered-with-packet-too-big",
            "RFC 7915 §1.4: a router sends Packet Too Big; the MTU is that of the IPv4 next hop plus 20.",
            sized(1521)[0], 1520, "eam-basic"),
    too_big("5.1-packet-too-big-of-1400", "RFC 7915 §1.4: an IPv4 next hop of 1400 octets is 1420 for IPv6.",
            sized(1421)[0], 1420, "ipv4-mtu-1400"),
    golden("rfc7915/5.1-1420-octets-fit-an-ipv4-mtu-of-1400", "RFC 7915 §5.1: 1400 octets of IPv4 with DF.",
           from_ipv6(sized(1420)[0], "to-ipv4", sized(1420)[1]), config="ipv4-mtu-1400.yaml"),
    too_big("5.1-packet-too-big-is-never-below-1280",
            "RFC 7915 §5: an IPv6 node never has to handle an MTU less than 1280.",
            sized(1281)[0], 1280, "small-ipv4-mtu"),
    too_big("5.1-large-ping-is-answered-with-packet-too-big",
            "RFC 4443 §2.4: an echo request is no error message.",
            "IPv6(src=S6,dst=C6)/ICMPv6EchoRequest(id=1,seq=2,data=data(1480))", 1520, "eam-basic"),
    too_big("5.1-payload-length-65535-is-more-than-ipv4-can-tell",
            "RFC 7915 §5.1: total length would be 65555, which does not wrap to 19; the sender is told 65535 + 20.",
            sized(65575)[0], 65555, "huge-mtu"),
    golden("rfc7915/5.4-packet-too-big-without-errors", "RFC 7915 §5.4: errors can be turned off.",
           from_ipv6(sized(1521)[0], "drop packet-too-big"), config="icmp-off.yaml"),
    golden("rfc7915/5.4-errors-come-from-the-configured-address",
           "RFC 7915 §5.4: the error's source is the address configured for the translator.",
           from_ipv6(V6.replace("hlim=64", "hlim=1"), "reply hop-limit-exceeded",
                     reply6("S6", HOP_LIMIT_EXCEEDED, V6.replace("hlim=64", "hlim=1"),
                            source="'2001:db8:64:ffff::1'")), config="translator-address.yaml"),
    golden("rfc7915/5.4-errors-can-be-turned-off", "RFC 7915 §5.4: the administrator may turn errors off.",
           from_ipv6(V6.replace("hlim=64", "hlim=1"), "drop hop-limit-exceeded"), config="icmp-off.yaml"),
    golden("rfc7915/5.4-errors-can-be-rate-limited", "RFC 7915 §5.4: one error a second is allowed.",
           from_ipv6(V6.replace("hlim=64", "hlim=1"), "reply hop-limit-exceeded",
                     reply6("S6", HOP_LIMIT_EXCEEDED, V6.replace("hlim=64", "hlim=1"))),
           from_ipv6(V6.replace("hlim=64", "hlim=1"), "drop hop-limit-exceeded"), config="icmp-rate-1.yaml"),
]

# --- TOS ---
for traffic_class in (0x01, 0x28, 0xB8, 0xFF):
    CASES.append(golden(
        f"rfc7915/5.1-traffic-class-{traffic_class:02x}-is-copied-to-tos",
        "RFC 7915 §5.1: TOS is the traffic class, all 8 bits of it.",
        from_ipv6(V6.replace("hlim=64", f"tc={traffic_class:#x},fl=0xfffff,hlim=64"), "to-ipv4",
                  V4.replace("ttl=63", f"tos={traffic_class:#x},ttl=63"))))
CASES += [
    golden("rfc7915/5.1-fixed-tos", "RFC 7915 §5.1: TOS can be set to a specified value.",
           from_ipv6(V6.replace("hlim=64", "tc=0xb9,hlim=64"), "to-ipv4", V4.replace("ttl=63", "tos=16,ttl=63")),
           config="tos-fixed.yaml"),
    golden("rfc7915/5.1-fixed-tos-zero", "RFC 7915 §5.1: TOS can be set to zero.",
           from_ipv6(V6.replace("hlim=64", "tc=0xb9,hlim=64"), "to-ipv4", V4), config="traffic-class-zero.yaml"),
]

# --- protocols ---
for number, word in ((4, "ipip"), (41, "ipv6"), (47, "gre"), (50, "esp"), (51, "ah"), (59, "no-next-header"),
                     (33, "dccp"), (132, "sctp"), (135, "mobility"), (136, "udp-lite"), (139, "hip"),
                     (253, "experiment"), (255, "reserved")):
    CASES.append(golden(
        f"rfc7915/5.1-next-header-{number:03}-{word}-is-copied",
        "RFC 7915 §5.1: the first next header that is not skipped is the protocol, whatever it is; its data is "
        "left alone (RFC 7915 §5.5).",
        from_ipv6(f"IPv6(src=S6,dst=C6,nh={number})/data(28)", "to-ipv4",
                  f"IP(src=S4,dst=C4,ttl=63,id=1,proto={number})/data(28)")))
CASES.append(golden(
    "rfc7915/5.1-packet-without-payload",
    "RFC 7915 §5.1: a bare header with No Next Header (59) becomes a bare header.",
    from_ipv6("IPv6(src=S6,dst=C6,nh=59)", "to-ipv4", "IP(src=S4,dst=C4,ttl=63,id=1,proto=59)")))

# --- extension headers ---
ROUTING = "IPv6ExtHdrRouting(addresses=['2001:db8::1'],segleft={})"
ROUTING0 = ROUTING.format(0)
EXTENSIONS = {
    "hop-by-hop": "IPv6ExtHdrHopByHop()",
    "hop-by-hop-of-264-octets": "IPv6ExtHdrHopByHop(options=[PadN(optdata=bytes(255))])",
    "destination-options": "IPv6ExtHdrDestOpt()",
    "routing-with-segments-left-0": ROUTING0,
    "routing-without-addresses": "IPv6ExtHdrRouting(type=4,segleft=0)",
    "chain-in-rfc8200-order": f"IPv6ExtHdrHopByHop()/IPv6ExtHdrDestOpt()/{ROUTING0}/IPv6ExtHdrDestOpt()",
    "hop-by-hop-that-is-not-first": "IPv6ExtHdrDestOpt()/IPv6ExtHdrHopByHop()",
    "destination-options-many": "/".join(["IPv6ExtHdrDestOpt()"] * 6),
}
for word, headers in EXTENSIONS.items():
    CASES.append(golden(
        f"rfc7915/5.1-{word}-skipped",
        "RFC 7915 §5.1: Hop-by-Hop Options, Destination Options and Routing headers without segments left are "
        "ignored; total length and protocol skip them.",
        from_ipv6(f"IPv6(src=S6,dst=C6)/{headers}/{UDP8}", "to-ipv4", V4)))
CASES += [
    golden("rfc7915/5.1-extension-header-before-tcp", "RFC 7915 §5.1: TCP behind an extension header.",
           from_ipv6("IPv6(src=S6,dst=C6)/IPv6ExtHdrDestOpt()/TCP(sport=80,dport=40000,flags='A')/data(9)",
                     "to-ipv4", "IP(src=S4,dst=C4,ttl=63,id=1)/TCP(sport=80,dport=40000,flags='A')/data(9)")),
    golden("rfc7915/5.1-extension-header-before-icmpv6", "RFC 7915 §5.1: ICMPv6 behind an extension header.",
           from_ipv6("IPv6(src=S6,dst=C6)/IPv6ExtHdrHopByHop()/ICMPv6EchoReply(id=1,seq=2,data=data(9))",
                     "to-ipv4", "IP(src=S4,dst=C4,ttl=63,id=1)/ICMP(type=0,id=1,seq=2)/data(9)")),
    golden("rfc7915/5.1-extension-header-before-esp", "RFC 7915 §5.1: ESP behind an extension header.",
           from_ipv6("IPv6(src=S6,dst=C6)/IPv6ExtHdrDestOpt(nh=50)/data(24)", "to-ipv4",
                     "IP(src=S4,dst=C4,ttl=63,id=1,proto=50)/data(24)")),
    golden("rfc7915/5.1-extension-header-before-ah", "RFC 7915 §5.1: AH is not skipped, it is a protocol.",
           from_ipv6("IPv6(src=S6,dst=C6)/IPv6ExtHdrHopByHop(nh=51)/data(24)", "to-ipv4",
                     "IP(src=S4,dst=C4,ttl=63,id=1,proto=51)/data(24)")),
    golden("rfc7915/5.1-extension-header-before-no-next-header", "RFC 7915 §5.1: 59 is copied too.",
           from_ipv6("IPv6(src=S6,dst=C6)/IPv6ExtHdrHopByHop(nh=59)", "to-ipv4",
                     "IP(src=S4,dst=C4,ttl=63,id=1,proto=59)")),
    golden("rfc7915/5.1-df-goes-by-the-translated-size",
           "RFC 7915 §5.1: 1288 octets of IPv6 with 8 of extension header become 1260 of IPv4, so no DF.",
           from_ipv6("IPv6(src=S6,dst=C6)/IPv6ExtHdrHopByHop()/UDP(sport=53,dport=1000)/data(1232)", "to-ipv4",
                     "IP(src=S4,dst=C4,ttl=63,id=1)/UDP(sport=53,dport=1000)/data(1232)")),
]


def segments_left(name, headers, pointer):
    packet = f"IPv6(src=S6,dst=C6)/{headers}/{UDP8}"
    return golden(f"rfc7915/5.1-segments-left-{name}",
                  "RFC 7915 §5.1: a Routing header with segments left is answered with Parameter Problem whose "
                  f"pointer, {pointer}, is the offset of the Segments Left field.",
                  from_ipv6(packet, "reply segments-left",
                            reply6("S6", f"ICMPv6ParamProblem(code=0,ptr={pointer})", packet)))


CASES += [
    segments_left("in-the-first-header", ROUTING.format(1), 43),
    segments_left("255", ROUTING.format(255), 43),
    segments_left("of-type-4", "IPv6ExtHdrRouting(type=4,segleft=2,addresses=['2001:db8::1','2001:db8::2'])", 43),
    segments_left("of-an-unknown-type", "IPv6ExtHdrRouting(type=253,segleft=1)", 43),
    segments_left("behind-hop-by-hop", f"IPv6ExtHdrHopByHop()/{ROUTING.format(1)}", 51),
    segments_left("behind-two-headers", f"IPv6ExtHdrHopByHop()/IPv6ExtHdrDestOpt(options=[PadN(optdata=bytes(12))])/"
                  f"{ROUTING.format(1)}", 67),
    segments_left("behind-a-routing-header-without", f"{ROUTING0}/{ROUTING.format(1)}", 67),
    golden("rfc7915/5.1-segments-left-on-an-echo-request-is-answered",
           "RFC 4443 §2.4: an echo request is no error message.",
           from_ipv6(f"IPv6(src=S6,dst=C6)/{ROUTING.format(1)}/ICMPv6EchoRequest(id=1,seq=2)", "reply segments-left",
                     reply6("S6", "ICMPv6ParamProblem(code=0,ptr=43)",
                            f"IPv6(src=S6,dst=C6)/{ROUTING.format(1)}/ICMPv6EchoRequest(id=1,seq=2)"))),
    golden("rfc7915/5.1-segments-left-on-an-error-is-silent",
           "RFC 4443 §2.4: no error message about an error message.",
           from_ipv6(f"IPv6(src=S6,dst=C6)/{ROUTING.format(1)}/ICMPv6DestUnreach(code=4)/"
                     f"(IPv6(src=C6,dst=S6)/{UDP8})", "drop segments-left")),
]

# --- malformed ---
CASES += [
    golden("rfc8200/3-header-cut-off", "RFC 8200 §3: a header has 40 octets.",
           from_ipv6(f"cut({V6},39)", "drop truncated-header"), from_ipv6(f"cut({V6},1)", "drop truncated-header")),
    golden("rfc8200/3-payload-length-beyond-the-packet", "RFC 8200 §3: octets are missing.",
           from_ipv6(f"cut({V6},55)", "drop length-mismatch"),
           from_ipv6(f"cut({V6},40)", "drop length-mismatch")),
    golden("rfc8200/3-version-is-not-6", "RFC 8200 §3: version 6.",
           from_ipv6(V6.replace("hlim=64", "version=7,hlim=64"), "drop bad-version")),
    golden("rfc8200/4-extension-header-beyond-the-packet",
           "RFC 8200 §4: the extension header says that it is longer than the packet.",
           from_ipv6("IPv6(src=S6,dst=C6)/IPv6ExtHdrHopByHop(nh=17,len=5)/data(20)", "drop truncated-header"),
           from_ipv6("IPv6(src=S6,dst=C6,nh=60)/b'\\x11'", "drop truncated-header"),
           from_ipv6("IPv6(src=S6,dst=C6,nh=60)", "drop truncated-header"),
           from_ipv6("IPv6(src=S6,dst=C6,nh=43)/b'\\x11\\x02\\x00\\x00\\x00\\x00\\x00\\x00'",
                     "drop truncated-header")),
    golden("rfc8200/4.5-fragment-header-cut-off", "RFC 8200 §4.5: a Fragment Header has 8 octets.",
           from_ipv6("IPv6(src=S6,dst=C6,nh=44)/b'\\x11\\x00\\x00\\x00\\x00\\x00\\x00'", "drop truncated-header")),
    golden("rfc7915/5.5-transport-header-cut-off",
           "RFC 7915 §5.5: there is no whole header whose checksum could be updated.",
           from_ipv6("IPv6(src=S6,dst=C6,nh=17)/data(7)", "drop truncated-header"),
           from_ipv6("IPv6(src=S6,dst=C6,nh=6)/data(19)", "drop truncated-header"),
           from_ipv6("IPv6(src=S6,dst=C6,nh=58)/data(7)", "drop truncated-header"),
           from_ipv6("IPv6(src=S6,dst=C6,nh=17)", "drop truncated-header")),
]

# --- addresses ---
for address in ("::", "::1", "ff02::1", "ff0e::1234"):
    CASES.append(golden(
        f"rfc7915/5.1-source-{address.replace(':', '_')}-is-illegal",
        f"RFC 7915 §5.1: a packet from {address} is silently dropped.",
        from_ipv6(f"IPv6(src='{address}',dst=C6)/{UDP8}", "drop illegal-source")))
for address in ("::", "::1", "ff02::1", "ff0e::1234"):
    CASES.append(golden(
        f"rfc7915/5.1-destination-{address.replace(':', '_')}-is-illegal",
        f"RFC 4291 §2.5 and RFC 7915 §1.2: nothing is forwarded to {address}, and nobody is told (RFC 4443 §2.4).",
        from_ipv6(f"IPv6(src=S6,dst='{address}')/{UDP8}", "drop illegal-destination")))
for embedded, text in (("7f00:1", "127.0.0.1"), ("0", "0.0.0.0"), ("e000:1", "224.0.0.1"),
                       ("ffff:ffff", "255.255.255.255")):
    CASES.append(golden(
        f"rfc7915/5.1-embedded-source-{text}-is-illegal",
        f"RFC 7915 §5.1: a source that stands for {text} would become an illegal IPv4 source (RFC 6052 §5.1).",
        from_ipv6(f"IPv6(src='2001:db8:64::{embedded}',dst=C6)/{UDP8}", "drop illegal-source")))
    CASES.append(golden(
        f"rfc7915/5.1-embedded-destination-{text}-is-illegal",
        f"RFC 1812 §5.3.7: a destination that stands for {text} must not be forwarded to.",
        from_ipv6(f"IPv6(src=S6,dst='2001:db8:64::{embedded}')/{UDP8}", "drop illegal-destination")))
ELSEWHERE = f"IPv6(src=S6,dst='2001:db8:ffff::1')/{UDP8}"
CASES += [
    golden("rfc7915/5.4-unmapped-source-is-answered-with-1-1",
           "RFC 7915 §5.4: the sender of a discarded packet is told, but not about ICMPv6.",
           unmapped_source6(f"IPv6(src='2001:db8:2::99',dst=C6)/{UDP8}", "'2001:db8:2::99'"),
           from_ipv6("IPv6(src='2001:db8:2::99',dst=C6)/ICMPv6EchoRequest(id=1,seq=1)", "drop source-not-mapped")),
    golden("rfc7915/5.4-unmapped-destination-is-answered-with-1-1",
           "RFC 7915 §5.4: a discarded packet is answered with Destination Unreachable, administratively "
           "prohibited.",
           from_ipv6(ELSEWHERE, "reply destination-not-mapped", reply6("S6", PROHIBITED6, ELSEWHERE))),
    golden("rfc7915/5.4-unmapped-destination-of-any-icmpv6-is-silent",
           "RFC 7915 §5.4: this error is never sent about an ICMPv6 message, not even an echo request.",
           from_ipv6("IPv6(src=S6,dst='2001:db8:ffff::1')/ICMPv6EchoRequest(id=1,seq=1)",
                     "drop destination-not-mapped"),
           from_ipv6(f"IPv6(src=S6,dst='2001:db8:ffff::1')/ICMPv6DestUnreach(code=4)/(IPv6(src=C6,dst=S6)/{UDP8})",
                     "drop destination-not-mapped")),
    golden("rfc7915/5.4-unmapped-destination-of-a-later-fragment-is-silent",
           "RFC 7915 §5.4: a later fragment gets no answer.",
           from_ipv6("IPv6(src=S6,dst='2001:db8:ffff::1')/IPv6ExtHdrFragment(nh=17,id=1,offset=5)/data(16)",
                     "drop destination-not-mapped")),
]

# ICMPv4 and IGMP inside IPv6. Deviates from RFC 7915 §5.1 (docs/rfc/7915.md).
for number, meaning in ((1, "ICMPv4"), (2, "IGMP")):
    PACKET = f"IPv6(src=S6,dst=C6,nh={number})/data(24)"
    CASES.append(golden(f"rfc8200/4-next-header-{number}-does-not-become-a-message",
                        f"RFC 8200 §4: copied, next header {number} would let an IPv6 host write {meaning} untranslated.",
                        from_ipv6(PACKET, "reply protocol-not-translatable", reply6("S6", PROHIBITED6, PACKET))))
