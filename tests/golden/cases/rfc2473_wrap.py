"""RFC 2473 §3.1, §5 to §7: IPv4 packets that enter a tunnel."""

from corpus import from_ipv4
from tunnels import NO_SOFTWIRE4, cuts4, cuts6, hear, outer, section, to_customer

case, wrap, unwrap, drop4, drop6 = section("rfc2473", "tunnel.yaml")

# The Destination Options header of RFC 2473 §5.1, octet by octet.
LIMIT = "raw(bytes.fromhex('04 00 04 01 04 01 01 00'))/"
SYN = "TCP(sport=40000,dport=80,flags='{}',seq=7,options=[('MSS',{})])"


def enters(name, note, packet, config="tunnel.yaml", **changes):
    """The packet as it is, with an IPv6 header in front."""
    return wrap(name, note, packet, outer(packet, **changes), config=config)


def udp(size):
    """A UDP payload that makes an IPv4 packet of so many octets."""
    return f"UDP(sport=1232,dport=53)/data({size - 28})"


def too_big(packet, mtu):
    """The packet is not carried, and its sender told what would be."""
    return from_ipv4(packet, "reply packet-too-big", hear(f"ICMP(type=3,code=4,nexthopmtu={mtu})", packet))


def df(size):
    return to_customer(udp(size), ",flags='DF'")


CASES = [
    enters("3.1-udp", "the original packet is the payload, next header 4.", to_customer()),
    enters("3.1-tcp", "any protocol.", to_customer("TCP(sport=40000,dport=80,flags='PA',seq=1,ack=2)/data(40)")),
    enters("3.1-echo-request", "any protocol.", to_customer("ICMP(type=8,id=1,seq=2)/data(20)")),
    enters("3.1-gre", "a protocol without ports, to an address that is not shared.", to_customer("data(20)", ",proto=47")),
    enters("3.1-ipv4-options", "the packet is not looked into.",
           to_customer(extra=",options=[IPOption_Router_Alert()]")),
    enters("3.1-empty-packet", "a header and nothing behind it.", to_customer("data(0)", ",proto=47")),
    enters("3.1-first-address", "an address of the customer's prefix.", to_customer(dst="192.0.2.80")),
    enters("3.1-last-address", "an address of the customer's prefix.", to_customer(dst="192.0.2.95")),
    enters("3.1-wrong-checksum-stays-wrong", "the packet is not looked into.", f"wrong({to_customer()},5)",
           extra=",nh=4"),
    enters("3.1-ttl-1", "the router in front has counted the hop into the tunnel.", to_customer(ttl=1)),
    enters("3.1-first-fragment", "fragments to an address that is not shared need no ports.",
           cuts4(to_customer(), 16, 28)[0]),
    enters("3.1-last-fragment", "fragments to an address that is not shared need no ports.",
           cuts4(to_customer(), 16, 28)[1]),
    wrap("3.1-padding-stays-outside", "what stands behind the total length is no part of the packet.",
         f"pad({to_customer('data(1)', ',proto=47')},46)", outer(to_customer("data(1)", ",proto=47"))),
    case("3.1-address-without-a-tunnel", "nobody has 192.0.2.96.",
         from_ipv4(to_customer(dst="192.0.2.96"), "reply no-softwire",
                   hear(NO_SOFTWIRE4, to_customer(dst="192.0.2.96")))),
    case("3.1-address-without-a-tunnel-silent", "nobody has 192.0.2.96, and errors are off.",
         from_ipv4(to_customer(dst="192.0.2.96"), "drop no-softwire"), config="tunnel-icmp-off.yaml"),
    drop4("3.1-error-to-an-address-without-a-tunnel", "no error about an error.",
          to_customer(f"ICMP(type=3,code=3)/({to_customer(src=repr('192.0.2.96'), dst='203.0.113.7')})", dst="192.0.2.96"),
          "no-softwire"),
    drop4("3.1-multicast-is-not-forwarded", "224.0.0.1.", to_customer(dst="224.0.0.1"), "illegal-destination"),
    drop4("3.1-loopback-source-is-not-forwarded", "127.0.0.1.", to_customer(src="'127.0.0.1'"), "illegal-source"),
    drop4("3.1-truncated-header", "19 octets.", f"cut({to_customer()},19)", "truncated-header"),
    drop4("3.1-total-length-beyond-the-packet", "one octet is missing.", f"cut({to_customer()},47)", "length-mismatch"),
    drop4("3.1-header-checksum", "the header cannot be trusted.", to_customer(extra=",chksum=1"), "ipv4-header-checksum"),
    drop4("3.1-udp-without-its-ports", "a header cut short.", to_customer("data(3)", ",proto=17"), "truncated-header"),

    enters("6.3-hop-limit", "the tunnel's hop limit has nothing to do with the packet's.", to_customer(ttl=200),
           "tunnel-hop-limit.yaml", hlim=33),
    enters("6.3-hop-limit-of-a-packet-with-ttl-1", "the tunnel's hop limit has nothing to do with the packet's.",
           to_customer(ttl=1), "tunnel-hop-limit.yaml", hlim=33),
    *(enters(f"6.4-tos-0x{tos:02x}-is-copied", "the traffic class is the packet's.", to_customer(extra=f",tos={tos}"),
             extra=f",tc={tos}") for tos in (0xb8, 0x28, 0xff)),
    enters("6.4-fixed-traffic-class", "DSCP 46 for all.", to_customer(extra=",tos=0x28"), "tunnel-class-fixed.yaml",
           extra=",tc=0xb8"),
    enters("6.5-flow-label-is-zero", "the default.", to_customer(), extra=",fl=0"),
    # The labels are those of the function that carry/encapsulate/encapsulate.h describes, reckoned by hand: no RFC
    # says which label a flow has, but it must not change.
    *(enters(f"6.5-flow-label-of-{name}", note, packet, "tunnel-flow-label.yaml", extra=f",fl={fl:#x}")
      for name, note, packet, fl in (
          ("a-flow", "RFC 6438 §3: by addresses, ports and protocol.", to_customer(), 0xd609b),
          ("the-same-flow", "RFC 6437 §2: each packet of a flow has the same.",
           to_customer("UDP(sport=1232,dport=53)/data(40)").replace("id=7", "id=8"), 0xd609b),
          ("the-next-port", "another flow.", to_customer("UDP(sport=1233,dport=53)/data(20)"), 0x8e700),
          ("tcp", "another protocol, so another flow.",
           to_customer("TCP(sport=1232,dport=53,flags='PA',seq=1,ack=2)/data(20)"), 0x9090c),
          ("gre", "no ports: by addresses and protocol.", to_customer("data(20)", ",proto=47"), 0xd0243),
          ("a-first-fragment", "RFC 6438 §3: not by ports that other fragments lack.",
           cuts4(to_customer(), 16, 28)[0], 0xf664),
          ("a-last-fragment", "RFC 6438 §3: the same as the first one.", cuts4(to_customer(), 16, 28)[1], 0xf664),
          ("a-flow-that-would-have-none", "RFC 6437 §2: 0 says that there is no label.",
           to_customer("UDP(sport=1,dport=3953)/data(20)"), 1))),
    enters("6.6-encapsulation-limit", "the option stands in a Destination Options header of its own (§5.1).",
           to_customer(), "tunnel-limit.yaml", options=LIMIT, extra=",nh=60"),
]

# --- sizes: 1500 octets of IPv6 hold 1460 of IPv4 ---
WHOLE = outer(to_customer(udp(1461)))
CASES += [
    enters("7.2-1460-octets-fit", "the tunnel's MTU is 1500 less its header.", df(1460)),
    case("7.2-1461-octets-with-df", "the sender is told the tunnel's MTU.", too_big(df(1461), 1460)),
    case("7.2-1500-octets-with-df", "the sender is told the tunnel's MTU.", too_big(df(1500), 1460)),
    case("7.2-error-comes-from-our-address", "translator-ipv4 is the source.",
         from_ipv4(df(1461), "reply packet-too-big",
                   hear("ICMP(type=3,code=4,nexthopmtu=1460)", df(1461), source="'198.51.100.9'")),
         config="tunnel-address.yaml"),
    drop4("7.2-too-big-silent", "errors are off.", df(1461), "packet-too-big", config="tunnel-icmp-off.yaml"),
    drop4("7.2-too-big-later-fragment-with-df", "no error about a later fragment.",
          "IP(src=C4,dst='192.0.2.80',flags='DF',frag=9,proto=17)/data(1441)", "packet-too-big"),
    case("7.2-1240-octets-fit-the-least-mtu", "1280 octets.", from_ipv4(df(1240), "to-ipv6", outer(df(1240))),
         config="tunnel-mtu-1280.yaml"),
    case("7.2-1241-octets-exceed-the-least-mtu", "1281 octets.", too_big(df(1241), 1240), config="tunnel-mtu-1280.yaml"),
    case("7.2-encapsulation-limit-takes-8-octets", "the tunnel's headers are 48 octets long.",
         from_ipv4(df(1452), "to-ipv6", outer(df(1452), options=LIMIT, extra=",nh=60")), too_big(df(1453), 1452),
         config="tunnel-limit.yaml"),
    wrap("7.2-1461-octets-without-df", "the IPv6 packet is cut, in multiples of 8 octets.", to_customer(udp(1461)),
         *cuts6(WHOLE, 1448, 1461)),
    wrap("7.2-1460-octets-without-df", "nothing is to be cut.", to_customer(udp(1460)), outer(to_customer(udp(1460)))),
    wrap("7.2-4000-octets-without-df", "three fragments.", to_customer(udp(4000)),
         *cuts6(outer(to_customer(udp(4000))), 1448, 2896, 4000)),
    wrap("7.2-fragment-that-does-not-fit", "a fragment of IPv4 is a packet like any other.",
         "IP(src=C4,dst='192.0.2.80',flags='MF',frag=2,proto=17,id=9)/data(1480)",
         *cuts6(outer("IP(src=C4,dst='192.0.2.80',flags='MF',frag=2,proto=17,id=9)/data(1480)"), 1448, 1500)),
    wrap("7.2-fragments-with-an-encapsulation-limit", "the option is behind the Fragment Header.", to_customer(udp(1453)),
         *cuts6(outer(to_customer(udp(1453)), options=LIMIT, extra=",nh=60"), 1448, 1461, nh=60),
         config="tunnel-limit.yaml"),
    wrap("7.2-fragments-keep-the-traffic-class", "each has the whole header.", to_customer(udp(1461), ",tos=0xb8"),
         *cuts6(outer(to_customer(udp(1461), ",tos=0xb8")), 1448, 1461, extra=",tc=0xb8")),
    wrap("7.2-cut-the-inner-packet", "RFC 4459 §3.4: IPv4 fragments, each in a packet of its own.",
         to_customer(udp(1461)), *(outer(each) for each in cuts4(to_customer(udp(1461)), 1440, 1441)),
         config="tunnel-inner.yaml"),
    wrap("7.2-cut-the-inner-fragment", "RFC 4459 §3.4: the last piece of a first fragment has more behind it.",
         "IP(src=C4,dst='192.0.2.80',flags='MF',proto=17,id=9)/data(1480)",
         outer("IP(src=C4,dst='192.0.2.80',flags='MF',proto=17,id=9)/data(1480)[:1440]"),
         outer("IP(src=C4,dst='192.0.2.80',flags='MF',proto=17,id=9,frag=180)/data(1480)[1440:]"),
         config="tunnel-inner.yaml"),
    case("7.2-cut-the-inner-packet-not-with-df", "DF is obeyed either way.", too_big(df(1461), 1460),
         config="tunnel-inner.yaml"),
    wrap("7.2-cut-the-outer-packet-because-of-ipv4-options", "options are not copied into fragments here.",
         to_customer(udp(1461), ",options=[IPOption_Router_Alert()]"),
         *cuts6(outer(to_customer(udp(1461), ",options=[IPOption_Router_Alert()]")), 1448, 1465),
         config="tunnel-inner.yaml"),

    wrap("7-mss-above-the-clamp", "1500 octets less 40, 20 and 20.", to_customer(SYN.format("S", 1460)),
         outer(to_customer(SYN.format("S", 1420))), config="tunnel-mss.yaml"),
    wrap("7-mss-below-the-clamp", "a smaller one stays.", to_customer(SYN.format("S", 1400)),
         outer(to_customer(SYN.format("S", 1400))), config="tunnel-mss.yaml"),
    wrap("7-mss-of-a-wrong-checksum", "a wrong checksum stays as wrong.", f"wrong({to_customer(SYN.format('S', 1460))},5)",
         outer(f"wrong({to_customer(SYN.format('S', 1420))},5)", extra=",nh=4"), config="tunnel-mss.yaml"),
    wrap("7-mss-of-no-syn", "the option means something in a SYN.", to_customer(SYN.format("A", 1460)),
         outer(to_customer(SYN.format("A", 1460))), config="tunnel-mss.yaml"),
]
