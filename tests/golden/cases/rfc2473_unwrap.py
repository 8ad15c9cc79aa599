"""RFC 2473 §3.3: what leaves a tunnel, and what was none of ours."""

from corpus import from_ipv6, reply6
from tunnels import B, CUSTOMER, N, cuts4, cuts6, from_customer, in_tunnel, section

case, wrap, unwrap, drop4, drop6 = section("rfc2473", "tunnel.yaml")

SYN = "TCP(sport=80,dport=40000,flags='SA',seq=7,ack=8,options=[('MSS',{})])"
LONG = "IPv6ExtHdrHopByHop(nh={},options=[PadN(optdata=bytes(20))])/"


def leaves(name, note, packet, config="tunnel.yaml", **changes):
    return unwrap(name, note, in_tunnel(packet, **changes), packet, config=config)


PACKET = from_customer()
WHOLE = in_tunnel(from_customer("UDP(sport=1232,dport=53)/data(1460)"))
BIG = from_customer("UDP(sport=1232,dport=53)/data(1460)")
PIECES = cuts6(WHOLE, 1448, 1488, src=B, dst=N)
SEGMENT = in_tunnel(PACKET, options="IPv6ExtHdrRouting(nh=4,addresses=['2001:db8::1'],segleft=1)/", extra=",nh=43")

CASES = [
    leaves("3.3-udp", "the payload goes on as it is.", PACKET),
    leaves("3.3-tcp", "any protocol.", from_customer("TCP(sport=80,dport=40000,flags='PA',seq=1,ack=2)/data(40)")),
    leaves("3.3-echo-reply", "any protocol.", from_customer("ICMP(type=0,id=1,seq=2)/data(20)")),
    leaves("3.3-gre", "a protocol without ports.", from_customer("data(20)", ",proto=47")),
    leaves("3.3-ipv4-options", "the packet is not looked into.",
           from_customer(extra=",options=[IPOption_Router_Alert()]")),
    leaves("3.3-first-fragment", "fragments from an address that is not shared.",
           cuts4(PACKET, 16, 28, src=f"'{CUSTOMER}'", dst="C4")[0]),
    leaves("3.3-last-fragment", "fragments from an address that is not shared.",
           cuts4(PACKET, 16, 28, src=f"'{CUSTOMER}'", dst="C4")[1]),
    leaves("3.3-ttl-1", "the next router counts.", from_customer(ttl=1)),
    leaves("3.3-hop-limit-1", "this is where the tunnel packet is going.", PACKET, hlim=1),
    leaves("3.3-hop-limit-0", "this is where the tunnel packet is going.", PACKET, hlim=0),
    leaves("3.3-wrong-checksum-stays-wrong", "the packet is not looked into.", f"wrong({PACKET},5)",
           extra=",nh=4"),
    leaves("3.3-last-address-of-the-customer", "192.0.2.95.", from_customer(src="192.0.2.95")),
    unwrap("3.3-padding-in-the-tunnel", "what stands behind the inner total length is no part of the packet.",
           in_tunnel(f"pad({PACKET},60)", extra=",nh=4"), PACKET),
    unwrap("3.3-padding-behind-the-tunnel", "what stands behind the payload is no part of the packet.",
           f"pad({in_tunnel(PACKET)},120)", PACKET),
    leaves("3.3-encapsulation-limit", "all tunnel headers are removed (§4.1.1).", PACKET,
           options="raw(bytes.fromhex('04 00 04 01 04 01 01 00'))/", extra=",nh=60"),
    leaves("3.3-hop-by-hop-options", "all tunnel headers are removed.", PACKET,
           options="IPv6ExtHdrHopByHop(nh=4)/", extra=",nh=0"),
    leaves("3.3-long-hop-by-hop-and-destination-options", "all tunnel headers are removed.", PACKET,
           options=LONG.format(60) + "IPv6ExtHdrDestOpt(nh=4)/", extra=",nh=0"),
    leaves("3.3-routing-header-at-its-end", "no segments are left.", PACKET,
           options="IPv6ExtHdrRouting(nh=4,addresses=['2001:db8::1'],segleft=0)/", extra=",nh=43"),
    leaves("3.3-atomic-fragment-with-an-encapsulation-limit", "RFC 6946 §4, and what stands behind the Fragment Header.",
           PACKET, options="IPv6ExtHdrFragment(nh=60,id=7)/raw(bytes.fromhex('04 00 04 01 04 01 01 00'))/",
           extra=",nh=44"),
    drop6("3.3-atomic-fragment-with-options-that-are-cut", "the header says 16 octets, and 8 are there.",
          in_tunnel("bytes.fromhex('04 01 04 01 04 01 01 00')", options="IPv6ExtHdrFragment(nh=60,id=7)/",
                    extra=",nh=44"), "truncated-header"),
    leaves("3.3-atomic-fragment", "RFC 6946 §4: it waits for nothing.", PACKET,
           options="IPv6ExtHdrFragment(nh=4,id=5,offset=0,m=0)/", extra=",nh=44"),
    case("3.3-segments-left", "RFC 8200 §4.4: this end is no segment of a route.",
         from_ipv6(SEGMENT, "reply segments-left",
                   reply6(f"'{B}'", "ICMPv6ParamProblem(code=0,ptr=43)", SEGMENT, source=f"'{N}'"))),

    case("7.2-fragments-in-order", "the tunnel's end puts the packet together.",
         from_ipv6(PIECES[0], "held"), from_ipv6(PIECES[1], "to-ipv4", BIG)),
    case("7.2-fragments-in-reverse-order", "the tunnel's end puts the packet together.",
         from_ipv6(PIECES[1], "held"), from_ipv6(PIECES[0], "to-ipv4", BIG)),
    case("7.2-fragments-that-arrive-with-an-encapsulation-limit", "the option stands behind the Fragment Header.",
         *(from_ipv6(piece, *result) for piece, result in zip(
             cuts6(in_tunnel(BIG, options="raw(bytes.fromhex('04 00 04 01 04 01 01 00'))/", extra=",nh=60"), 1448, 1496,
                   src=B, dst=N, nh=60), (("held",), ("to-ipv4", BIG))))),

    *(drop6(f"3.3-{name}", f"{note}", in_tunnel(inner, extra=",nh=4"), reason) for name, note, inner, reason in (
        ("inner-version-6", "no IPv4 packet.", "IPv6()/data(20)", "bad-version"),
        ("inner-header-of-16-octets", "IHL 4.", from_customer(extra=",ihl=4"), "length-mismatch"),
        ("inner-checksum", "the inner header cannot be trusted.", from_customer(extra=",chksum=1"),
         "ipv4-header-checksum"),
        ("inner-packet-longer-than-the-outer", "one octet is missing.", f"cut({PACKET},47)", "length-mismatch"),
        ("inner-header-truncated", "19 octets.", f"cut({PACKET},19)", "truncated-header"),
        ("nothing-inside", "no octets.", "data(0)", "truncated-header"))),
    *(drop6(f"3.3-next-header-{number}", "no IPv4 packet; the tunnel carries nothing else.",
            f"IPv6(src='{B}',dst='{N}',nh={number})/data(40)", "not-encapsulated") for number in (41, 17, 50, 59)),
    drop6("3.3-not-for-this-end", "the destination is somebody else.", in_tunnel(PACKET, dst="2001:db8:ffff::2"),
          "destination-not-ours"),
    drop6("3.3-from-another-end", "the source is somebody else.", in_tunnel(PACKET, src="2001:db8:b4::3"),
          "source-spoofed"),
    drop6("3.3-inner-source-of-somebody-else", "192.0.2.96 is not the customer's.",
          in_tunnel(from_customer(src="192.0.2.96")), "source-spoofed"),
    drop6("3.3-inner-destination-multicast", "224.0.0.1.", in_tunnel(from_customer(dst="'224.0.0.1'")),
          "illegal-destination"),
    drop6("3.3-multicast-source", "no unicast address.", in_tunnel(PACKET, src="ff02::1"), "illegal-source"),
    drop6("3.3-truncated", "one octet is missing.", f"cut({in_tunnel(PACKET)},87)", "length-mismatch"),

    leaves("6.4-dscp-is-kept", "the packet's own DSCP (RFC 2983 §3.1, pipe).", from_customer(extra=",tos=0x28"),
           extra=",tc=0xb8"),
    unwrap("6.4-dscp-is-copied", "the tunnel's DSCP (RFC 2983 §3.1, uniform).",
           in_tunnel(from_customer(extra=",tos=0x28"), extra=",tc=0xb8"), from_customer(extra=",tos=0xb8"),
           config="tunnel-dscp-copy.yaml"),
    unwrap("6.4-dscp-is-copied-and-ecn-is-not", "the DSCP alone; ECN has its own rules (RFC 6040 §4.2).",
           in_tunnel(from_customer(extra=",tos=0x2a"), extra=",tc=0xb8"), from_customer(extra=",tos=0xba"),
           config="tunnel-dscp-copy.yaml"),
    leaves("6.5-flow-label-is-lost", "IPv4 has none.", PACKET, extra=",fl=0x12345"),
    unwrap("7-mss-from-the-customer", "clamped in both directions.", in_tunnel(from_customer(SYN.format(1460))),
           from_customer(SYN.format(1420)), config="tunnel-mss.yaml"),
    unwrap("7-mss-from-the-customer-below-the-clamp", "a smaller one stays.", in_tunnel(from_customer(SYN.format(536))),
           from_customer(SYN.format(536)), config="tunnel-mss.yaml"),

    case("3-echo-request-to-this-end", "RFC 4443 §4.2: a node answers.",
         from_ipv6(f"IPv6(src='2001:db8:9::1',dst='{N}',hlim=60)/ICMPv6EchoRequest(id=1,seq=2,data=data(20))", "hairpin",
                   f"IPv6(src='{N}',dst='2001:db8:9::1',hlim=64)/ICMPv6EchoReply(id=1,seq=2,data=data(20))")),
    case("3-echo-request-with-padding", "RFC 4443 §4.2: what stands behind the payload is no part of the packet.",
         from_ipv6(f"pad(IPv6(src='2001:db8:9::1',dst='{N}')/ICMPv6EchoRequest(id=1,seq=2,data=data(3)),60)", "hairpin",
                   f"IPv6(src='{N}',dst='2001:db8:9::1')/ICMPv6EchoReply(id=1,seq=2,data=data(3))")),
    drop6("3-echo-reply-to-this-end", "nobody here asked.",
          f"IPv6(src='2001:db8:9::1',dst='{N}')/ICMPv6EchoReply(id=1,seq=2)", "not-encapsulated"),
]
