"""RFC 7915 §4.1: IPv4 headers to IPv6 headers, fragmentation excepted (see rfc7915_4_1_fragments)."""

from corpus import PROHIBITED4, from_ipv4, golden, reply4, unmapped_source4

UDP8 = "UDP(sport=1000,dport=53)/b'yonroku!'"
V4 = f"IP(src=C4,dst=S4,ttl=64,flags='DF',id=0)/{UDP8}"
V6 = f"IPv6(src=C6,dst=S6,hlim=63)/{UDP8}"
TTL_EXCEEDED = "ICMP(type=11,code=0)"

CASES = [
    golden("rfc7915/4.1-ttl-64-leaves-as-hop-limit-63",
           "RFC 7915 §4.1: a translator is a router, so TTL 64 leaves as hop limit 63.",
           from_ipv4(V4, "to-ipv6", V6)),
    golden("rfc7915/4.1-ttl-255-leaves-as-hop-limit-254",
           "RFC 7915 §4.1: the largest TTL.",
           from_ipv4(V4.replace("ttl=64", "ttl=255"), "to-ipv6", V6.replace("hlim=63", "hlim=254"))),
    golden("rfc7915/4.1-ttl-2-still-passes",
           "RFC 7915 §4.1: TTL 2 leaves as hop limit 1.",
           from_ipv4(V4.replace("ttl=64", "ttl=2"), "to-ipv6", V6.replace("hlim=63", "hlim=1"))),
    golden("rfc7915/4.1-ttl-1-is-answered-with-time-exceeded",
           "RFC 7915 §4.1: the decremented TTL is zero, so the sender gets an ICMPv4 Time Exceeded.",
           from_ipv4(V4.replace("ttl=64", "ttl=1"), "reply ttl-exceeded",
                     reply4("C4", TTL_EXCEEDED, V4.replace("ttl=64", "ttl=1")))),
    golden("rfc7915/4.1-ttl-0-is-answered-with-time-exceeded",
           "RFC 7915 §4.1: a packet that arrives with TTL 0 must not be forwarded; it does not wrap "
           "to 255.",
           from_ipv4(V4.replace("ttl=64", "ttl=0"), "reply ttl-exceeded",
                     reply4("C4", TTL_EXCEEDED, V4.replace("ttl=64", "ttl=0")))),
    golden("rfc7915/4.1-ttl-1-echo-request-is-answered-too",
           "RFC 7915 §4.1: an echo request is no ICMP error, so traceroute with pings sees us.",
           from_ipv4("IP(src=C4,dst=S4,ttl=1,id=9)/ICMP(type=8,id=3,seq=1)/data(24)",
                     "reply ttl-exceeded",
                     reply4("C4", TTL_EXCEEDED,
                            "IP(src=C4,dst=S4,ttl=1,id=9)/ICMP(type=8,id=3,seq=1)/data(24)"))),
    golden("rfc7915/4.1-flow-label-is-zero-and-id-is-lost",
           "RFC 7915 §4.1: flow label 0; without DF a whole packet gets no Fragment Header, so its "
           "identification is lost (also RFC 7915 §4).",
           from_ipv4(V4.replace("flags='DF',id=0", "id=0xbeef"), "to-ipv6", V6)),
    golden("rfc7915/4.1-reserved-flag-is-ignored",
           "RFC 7915 §4.1: the reserved flag has no counterpart and does not matter.",
           from_ipv4(V4.replace("flags='DF'", "flags='evil+DF'"), "to-ipv6", V6)),
    golden("rfc7915/4.1-tcp",
           "RFC 7915 §4.1: TCP, checksum for the new pseudo-header.",
           from_ipv4("IP(src=C4,dst=S4,ttl=64,flags='DF',id=7)/"
                     "TCP(sport=40000,dport=80,flags='PA',seq=1,ack=2)/b'GET / HTTP/1.0'", "to-ipv6",
                     "IPv6(src=C6,dst=S6,hlim=63)/"
                     "TCP(sport=40000,dport=80,flags='PA',seq=1,ack=2)/b'GET / HTTP/1.0'")),
    golden("rfc7915/4.1-both-addresses-by-rfc6052",
           "RFC 7915 §4.1: neither address has an EAM, both are mapped by RFC 6052.",
           from_ipv4(f"IP(src=C4,dst='198.51.100.9')/{UDP8}", "to-ipv6",
                     f"IPv6(src=C6,dst='2001:db8:64::c633:6409',hlim=63)/{UDP8}")),
    golden("rfc7915/4.1-link-layer-padding-is-cut-off",
           "RFC 7915 §4.1: payload length comes from the total length; Ethernet padding behind it is "
           "not part of the packet.",
           from_ipv4("pad(IP(src=C4,dst=S4,ttl=64,flags='DF',id=0)/UDP(sport=1000,dport=53)/b'ok',46)",
                     "to-ipv6", "IPv6(src=C6,dst=S6,hlim=63)/UDP(sport=1000,dport=53)/b'ok'")),
    golden("rfc7915/4.1-padding-is-not-quoted-in-errors",
           "RFC 7915 §4.1: an error about a padded packet quotes the packet alone.",
           from_ipv4("pad(IP(src=C4,dst=S4,ttl=1,id=0)/UDP(sport=1000,dport=53)/b'ok',46)",
                     "reply ttl-exceeded",
                     reply4("C4", TTL_EXCEEDED,
                            "IP(src=C4,dst=S4,ttl=1,id=0)/UDP(sport=1000,dport=53)/b'ok'"))),
    golden("rfc7915/4.1-empty-udp-datagram",
           "RFC 7915 §4.1: a UDP datagram without data.",
           from_ipv4("IP(src=C4,dst=S4)/UDP(sport=1,dport=2)", "to-ipv6",
                     "IPv6(src=C6,dst=S6,hlim=63)/UDP(sport=1,dport=2)")),
    golden("rfc7915/4.1-packet-without-payload",
           "RFC 7915 §4.1: a bare header of an unknown protocol becomes a bare header.",
           from_ipv4("IP(src=C4,dst=S4,proto=253)", "to-ipv6", "IPv6(src=C6,dst=S6,hlim=63,nh=253)")),
    golden("rfc7915/4.1-time-exceeded-quotes-at-most-548-octets",
           "RFC 1812 §4.3.2.3: an ICMPv4 error is at most 576 octets long.",
           from_ipv4("IP(src=C4,dst=S4,ttl=1,id=5)/UDP(sport=1000,dport=53)/data(900)",
                     "reply ttl-exceeded",
                     reply4("C4", TTL_EXCEEDED,
                            "IP(src=C4,dst=S4,ttl=1,id=5)/UDP(sport=1000,dport=53)/data(900)"))),
    golden("rfc7915/4.1-illegal-source-goes-before-ttl",
           "RFC 7915 §4.1: nobody is told about a packet with an illegal source.",
           from_ipv4(f"IP(src='127.0.0.1',dst=S4,ttl=1)/{UDP8}", "drop illegal-source")),
]

# --- traffic class ---
for tos in (0x01, 0x03, 0x28, 0xB8, 0xFF):
    CASES.append(golden(
        f"rfc7915/4.1-tos-{tos:02x}-is-copied-to-traffic-class",
        "RFC 7915 §4.1: the traffic class is the TOS octet, all 8 bits of it.",
        from_ipv4(f"IP(src=C4,dst=S4,tos={tos:#x})/{UDP8}", "to-ipv6",
                  f"IPv6(src=C6,dst=S6,tc={tos:#x},hlim=63)/{UDP8}")))
CASES += [
    golden("rfc7915/4.1-option-to-ignore-tos-and-send-zero",
           "RFC 7915 §4.1: the option that ignores TOS sets the traffic class to zero.",
           from_ipv4(f"IP(src=C4,dst=S4,tos=0xb9)/{UDP8}", "to-ipv6", V6),
           config="traffic-class-zero.yaml"),
    golden("rfc7915/4.1-fixed-traffic-class",
           "RFC 7915 §4.1: a configured traffic class replaces what the sender said.",
           from_ipv4(f"IP(src=C4,dst=S4,tos=0xb9)/{UDP8}", "to-ipv6",
                     f"IPv6(src=C6,dst=S6,tc=32,hlim=63)/{UDP8}"),
           config="tos-fixed.yaml"),
]

# --- protocols ---
for number, word in ((4, "ipip"), (41, "ipv6-in-ipv4"), (47, "gre"), (50, "esp"), (51, "ah"),
                     (59, "no-next-header"), (89, "ospf"), (103, "pim"), (115, "l2tp"), (132, "sctp"),
                     (33, "dccp"), (136, "udp-lite"), (253, "experiment"), (255, "reserved")):
    CASES.append(golden(
        f"rfc7915/4.1-protocol-{number:03}-{word}-is-copied",
        "RFC 7915 §4.1: the protocol is copied, whatever it is, and its data is left alone (RFC 7915 "
        "§4.5: all transport protocols are forwarded).",
        from_ipv4(f"IP(src=C4,dst=S4,proto={number})/data(28)", "to-ipv6",
                  f"IPv6(src=C6,dst=S6,nh={number},hlim=63)/data(28)")))

# --- illegal addresses ---
for address in ("0.0.0.0", "0.1.2.3", "127.0.0.1", "127.255.255.254", "224.0.0.1", "239.255.255.250",
                "240.0.0.1", "255.255.255.255"):
    CASES.append(golden(
        f"rfc7915/4.1-source-{address}-is-illegal",
        "RFC 7915 §4.1: a packet with an illegal source is silently discarded (RFC 1812 §5.3.7).",
        from_ipv4(f"IP(src='{address}',dst=S4)/{UDP8}", "drop illegal-source")))
for address in ("0.0.0.0", "127.0.0.1", "224.0.0.1", "239.1.2.3", "240.0.0.1", "255.255.255.255"):
    CASES.append(golden(
        f"rfc7915/4.1-destination-{address}-is-illegal",
        "RFC 1812 §5.3.7: a router does not forward to such a destination; RFC 7915 §1.2: multicast "
        "is not mapped. Nobody is told (RFC 1812 §4.3.2.7).",
        from_ipv4(f"IP(src=C4,dst='{address}')/{UDP8}", "drop illegal-destination")))

# --- no mapping ---
CASES += [
    golden("rfc7915/4.4-unmapped-destination-is-answered-with-3-13",
           "RFC 7915 §4.4: a discarded packet is answered with Destination Unreachable, "
           "Communication Administratively Prohibited.",
           from_ipv4(f"IP(src=C4,dst='198.51.100.9',id=3)/{UDP8}", "reply destination-not-mapped",
                     reply4("C4", PROHIBITED4, f"IP(src=C4,dst='198.51.100.9',id=3)/{UDP8}")),
           config="eam-only.yaml"),
    golden("rfc7915/4.4-unmapped-destination-of-an-echo-is-answered",
           "RFC 7915 §4.4: an echo request is no error message.",
           from_ipv4("IP(src=C4,dst='198.51.100.9',id=3)/ICMP(type=8,id=1,seq=1)/data(8)",
                     "reply destination-not-mapped",
                     reply4("C4", PROHIBITED4,
                            "IP(src=C4,dst='198.51.100.9',id=3)/ICMP(type=8,id=1,seq=1)/data(8)")),
           config="eam-only.yaml"),
    golden("rfc7915/4.4-unmapped-destination-of-an-error-is-silent",
           "RFC 7915 §4.4: no error message about an error message.",
           from_ipv4("IP(src=C4,dst='198.51.100.9')/ICMP(type=3,code=1)/"
                     f"(IP(src='198.51.100.9',dst=C4)/{UDP8})", "drop destination-not-mapped"),
           config="eam-only.yaml"),
    golden("rfc7915/4.4-unmapped-destination-of-a-later-fragment-is-silent",
           "RFC 1812 §4.3.2.7: no error message about a fragment that is not the first.",
           from_ipv4("IP(src=C4,dst='198.51.100.9',frag=10,proto=17)/data(16)",
                     "drop destination-not-mapped"),
           config="eam-only.yaml"),
    golden("rfc7915/4.4-unmapped-destination-of-a-first-fragment-is-answered",
           "RFC 7915 §4.4: a first fragment is answered like a whole packet.",
           from_ipv4("IP(src=C4,dst='198.51.100.9',id=3,flags='MF',proto=17)/"
                     "part(IP(src=C4,dst='198.51.100.9')/UDP(sport=1,dport=2)/data(40),0,24)",
                     "reply destination-not-mapped",
                     reply4("C4", PROHIBITED4,
                            "IP(src=C4,dst='198.51.100.9',id=3,flags='MF',proto=17)/"
                            "part(IP(src=C4,dst='198.51.100.9')/UDP(sport=1,dport=2)/data(40),0,24)")),
           config="eam-only.yaml"),
    golden("rfc7915/4.4-unmapped-source-is-answered-with-3-13",
           "RFC 7915 §4.4: the sender of a discarded packet is told, so that it need not wait.",
           unmapped_source4(f"IP(src='198.51.100.9',dst=S4)/{UDP8}", "'198.51.100.9'"),
           config="eam-only.yaml"),
    golden("rfc7915/4.3-error-from-an-unmapped-router-gets-our-source",
           "RFC 7915 §4.1: the source of an ICMPv4 error that cannot be mapped must not cost the "
           "receiver the error; the translator's own address stands for it.",
           from_ipv4(f"IP(src=R4,dst=S4)/ICMP(type=11,code=0)/(IP(src=S4,dst=C4,ttl=1)/{UDP8})",
                     "to-ipv6",
                     "IPv6(src=T6,dst=S6,hlim=63)/ICMPv6TimeExceeded(code=0)/"
                     f"(IPv6(src=S6,dst=C6,hlim=1)/{UDP8})"),
           config="eam-only.yaml"),
    golden("rfc7915/4.4-errors-can-be-turned-off",
           "RFC 7915 §4.4: the administrator may turn ICMPv4 errors off.",
           from_ipv4(V4.replace("ttl=64", "ttl=1"), "drop ttl-exceeded"),
           config="icmp-off.yaml"),
    golden("rfc7915/4.4-errors-can-be-rate-limited",
           "RFC 7915 §4.4: one error a second is allowed, the second within it is not sent.",
           from_ipv4(V4.replace("ttl=64", "ttl=1"), "reply ttl-exceeded",
                     reply4("C4", TTL_EXCEEDED, V4.replace("ttl=64", "ttl=1"))),
           from_ipv4(V4.replace("ttl=64", "ttl=1"), "drop ttl-exceeded"),
           from_ipv4(V4, "to-ipv6", V6),
           config="icmp-rate-1.yaml"),
    golden("rfc7915/4.4-errors-come-from-the-configured-address",
           "RFC 7915 §4.4: the error's source is the address configured for the translator.",
           from_ipv4(V4.replace("ttl=64", "ttl=1"), "reply ttl-exceeded",
                     reply4("C4", TTL_EXCEEDED, V4.replace("ttl=64", "ttl=1"),
                            source="'198.51.100.254'")),
           config="translator-address.yaml"),
    golden("rfc7915/4.4-no-time-exceeded-about-an-error",
           "RFC 7915 §4.4: no error message about an error message.",
           from_ipv4(f"IP(src=R4,dst=S4,ttl=1)/ICMP(type=3,code=1)/(IP(src=S4,dst=C4)/{UDP8})",
                     "drop ttl-exceeded")),
    golden("rfc7915/4.4-no-time-exceeded-about-a-later-fragment",
           "RFC 1812 §4.3.2.7: no error message about a fragment that is not the first.",
           from_ipv4("IP(src=C4,dst=S4,ttl=1,frag=10,proto=17)/data(16)", "drop ttl-exceeded")),
]

# --- options ---
OPTIONS = {
    "no-operation": "[IPOption_NOP()]*4",
    "record-route": "[IPOption_RR(routers=['0.0.0.0'])]",
    "router-alert": "[IPOption_Router_Alert()]",
    "timestamp": "[IPOption(b'\\x44\\x0c\\x05\\x00'+bytes(8))]",
    "security": "[IPOption(b'\\x82\\x0b'+bytes(9)),IPOption_EOL()]",
    "stream-id": "[IPOption(b'\\x88\\x04\\x12\\x34')]",
    "unknown": "[IPOption(b'\\x5e\\x04\\x00\\x00')]",
    "all-40-octets": "[IPOption_NOP()]*40",
}
for word, options in OPTIONS.items():
    CASES.append(golden(
        f"rfc7915/4.1-option-{word}-is-skipped",
        "RFC 7915 §4.1: IPv4 options are ignored and leave no trace; payload length is total length "
        "less the header with its options.",
        from_ipv4(f"IP(src=C4,dst=S4,options={options})/{UDP8}", "to-ipv6", V6)))
SOURCE_ROUTE_FAILED = "ICMP(type=3,code=5)"
# Scapy would sum up the pseudo-header with the last router of the route, which is right only before it has expired.
ARRIVED = f"part(IP(src=C4,dst=S4)/{UDP8},0,99)"
for word in ("LSRR", "SSRR"):
    ROUTED = f"IP(src=C4,dst=S4,id=2,proto=17,options=[IPOption_{word}(routers=[R4],pointer={{}})])/{ARRIVED}"
    CASES += [
        golden(f"rfc7915/4.1-{word.lower()}-unexpired-is-answered-with-source-route-failed",
               "RFC 7915 §4.1: an unexpired source route is discarded and answered with 3/5.",
               from_ipv4(ROUTED.format(4), "reply source-route",
                         reply4("C4", SOURCE_ROUTE_FAILED, ROUTED.format(4)))),
        golden(f"rfc7915/4.1-{word.lower()}-expired-is-skipped",
               "RFC 7915 §4.1: an expired source route (RFC 791 §3.1: the pointer is greater than "
               "the length) is an option like any other.",
               from_ipv4(ROUTED.format(8), "to-ipv6", V6)),
    ]
LSRR_LAST = ("IP(src=C4,dst=S4,id=2,options=[IPOption_NOP(),"
             f"IPOption_LSRR(routers=[R4,'198.51.100.2'],pointer=8)])/{UDP8}")
CASES += [
    golden("rfc7915/4.1-lsrr-behind-another-option-with-one-hop-left",
           "RFC 7915 §4.1: the source route need not come first, and one remaining hop is unexpired.",
           from_ipv4(LSRR_LAST, "reply source-route", reply4("C4", SOURCE_ROUTE_FAILED, LSRR_LAST))),
    golden("rfc7915/4.1-lsrr-behind-end-of-options-is-padding",
           "RFC 791 §3.1: what follows the End of Option List is padding.",
           from_ipv4("IP(src=C4,dst=S4,proto=17,options=[IPOption_EOL(),"
                     f"IPOption_LSRR(routers=[R4],pointer=4)])/{ARRIVED}", "to-ipv6", V6)),
    golden("rfc7915/4.1-lsrr-in-a-later-fragment-is-silent",
           "RFC 7915 §4.1 and RFC 1812 §4.3.2.7: discarded, but a later fragment gets no answer.",
           from_ipv4("IP(src=C4,dst=S4,frag=10,proto=17,options=[IPOption_LSRR(routers=[R4],"
                     "pointer=4)])/data(16)", "drop source-route")),
    golden("rfc7915/4.1-lsrr-on-an-icmp-error-is-silent",
           "RFC 7915 §4.1 and RFC 7915 §4.4: discarded, but an error message gets no answer.",
           from_ipv4("IP(src=R4,dst=S4,options=[IPOption_LSRR(routers=['198.51.100.2'],pointer=4)])/"
                     f"ICMP(type=3,code=1)/(IP(src=S4,dst=C4)/{UDP8})", "drop source-route")),
]

# --- malformed headers ---
CASES += [
    golden("rfc791/3.1-header-cut-off",
           "RFC 791 §3.1: a header has at least 20 octets.",
           from_ipv4(f"cut({V4},19)", "drop truncated-header"),
           from_ipv4(f"cut({V4},1)", "drop truncated-header")),
    golden("rfc791/3.1-header-length-below-5",
           "RFC 791 §3.1: the minimum of the Internet Header Length is 5.",
           from_ipv4(V4.replace("ttl=64", "ihl=4,ttl=64"), "drop length-mismatch")),
    golden("rfc791/3.1-header-length-beyond-total-length",
           "RFC 791 §3.1: the total length includes the header.",
           from_ipv4(V4.replace("ttl=64", "ihl=15,ttl=64"), "drop length-mismatch")),
    golden("rfc791/3.1-total-length-below-header-length",
           "RFC 791 §3.1: the total length includes the header.",
           from_ipv4(V4.replace("ttl=64", "len=19,ttl=64"), "drop length-mismatch")),
    golden("rfc791/3.1-total-length-beyond-the-packet",
           "RFC 791 §3.1: octets are missing.",
           from_ipv4(V4.replace("ttl=64", "len=37,ttl=64"), "drop length-mismatch"),
           from_ipv4(f"cut({V4},35)", "drop length-mismatch")),
    golden("rfc791/3.1-version-is-not-4",
           "RFC 791 §3.1: version 4.",
           from_ipv4(V4.replace("ttl=64", "version=5,ttl=64"), "drop bad-version"),
           from_ipv4(V4.replace("ttl=64", "version=0,ttl=64"), "drop bad-version")),
    golden("rfc1812/5.2.2-header-checksum-is-verified",
           "RFC 1812 §5.2.2: a packet with a bad header checksum is silently discarded.",
           from_ipv4(V4.replace("ttl=64", "chksum=0x1234,ttl=64"), "drop ipv4-header-checksum"),
           from_ipv4(V4.replace("ttl=64", "chksum=0,ttl=64"), "drop ipv4-header-checksum")),
    golden("rfc7915/4.5-udp-header-cut-off",
           "RFC 7915 §4.5: there is no whole UDP header whose checksum could be updated.",
           from_ipv4("IP(src=C4,dst=S4,proto=17)/data(7)", "drop truncated-header")),
    golden("rfc7915/4.5-tcp-header-cut-off",
           "RFC 7915 §4.5: there is no whole TCP header whose checksum could be updated.",
           from_ipv4("IP(src=C4,dst=S4,proto=6)/data(19)", "drop truncated-header")),
    golden("rfc7915/4.2-icmp-header-cut-off",
           "RFC 7915 §4.2: an ICMP message has at least 8 octets.",
           from_ipv4("IP(src=C4,dst=S4,proto=1)/b'\\x08\\x00\\xf7\\xff\\x00\\x00\\x00'",
                     "drop truncated-header")),
]

# Numbers that mean an extension header, or ICMP, in the other family. Deviates from RFC 7915 §4.1 (docs/rfc/7915.md).
for number, meaning in ((0, "Hop-by-Hop Options"), (43, "Routing"), (44, "Fragment"), (58, "ICMPv6"),
                        (60, "Destination Options")):
    PACKET = f"IP(src=C4,dst=S4,id=9,proto={number})/data(24)"
    CASES.append(golden(f"rfc8200/4-ipv4-protocol-{number:02}-does-not-become-a-header",
                        f"RFC 8200 §4: copied, protocol {number} would let an IPv4 host write an IPv6 {meaning} header.",
                        from_ipv4(PACKET, "reply protocol-not-translatable", reply4("C4", PROHIBITED4, PACKET))))
