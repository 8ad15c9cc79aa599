"""RFC 6333 §5 and §7.1: the B4, a customer's end whose IPv4 packets all go to the AFTR."""

from corpus import from_ipv4, from_ipv6
from tunnels import B, N, ROUTER, cuts6, hear, section

case, wrap, unwrap, drop4, drop6 = section("rfc6333", "b4.yaml")

B4_IPV4 = "'192.0.0.2'"
QUERY = "UDP(sport=1232,dport=53)/data(20)"


def to_internet(payload=QUERY, extra="", src="'192.168.1.2'", dst="C4", ttl=63):
    return f"IP(src={src},dst={dst},ttl={ttl},id=7{extra})/{payload}"


def from_internet(payload="UDP(sport=53,dport=1232)/data(20)", extra="", src="C4", dst="'192.168.1.2'"):
    return f"IP(src={src},dst={dst},ttl=60,id=7{extra})/{payload}"


def to_aftr(inner, extra=""):
    return f"IPv6(src='{B}',dst='{N}',hlim=64{extra})/{inner}"


def from_aftr(inner, extra="", src=N, dst=B):
    return f"IPv6(src='{src}',dst='{dst}',hlim=50{extra})/{inner}"


def sent(name, note, packet, extra=""):
    return wrap(name, note, packet, to_aftr(packet, extra))


def received(name, note, packet, extra=""):
    return unwrap(name, note, from_aftr(packet, extra), packet)


def size(octets, flags=""):
    return to_internet(f"UDP(sport=1232,dport=53)/data({octets - 28})", f",flags='{flags}'")


ANSWER = from_internet()
LARGE = from_internet("UDP(sport=53,dport=1232)/data(1472)")
ABOUT = to_aftr(to_internet())

CASES = [
    sent("5.2-private-source", "the B4 translates nothing: the AFTR does.", to_internet()),
    sent("5.2-another-private-source", "any address behind the B4.", to_internet(src="'10.9.8.7'")),
    sent("5.2-tcp", "any protocol.", to_internet("TCP(sport=40000,dport=80,flags='S')")),
    sent("5.2-gre", "any protocol.", to_internet("data(20)", ",proto=47")),
    sent("5.2-echo-request", "any protocol.", to_internet("ICMP(type=8,id=1,seq=2)/data(20)")),
    sent("5.2-private-destination", "the tunnel is the way to everywhere.", to_internet(dst="'10.1.2.3'")),
    sent("5.2-fragment", "a fragment needs no port here.", "IP(src='192.168.1.2',dst=C4,frag=9,proto=17)/data(20)"),
    received("5.2-answer", "what the AFTR sends is for somebody here.", ANSWER),
    received("5.2-answer-to-another-address", "any address behind the B4.", from_internet(dst="'10.9.8.7'")),
    drop6("5.2-answer-from-another-aftr", "the tunnel has one other end.", from_aftr(ANSWER, src="2001:db8:ffff::2"),
          "source-spoofed"),
    drop6("5.2-answer-to-another-b4", "not for this end.", from_aftr(ANSWER, dst="2001:db8:b4::3"),
          "destination-not-ours"),
    drop6("5.2-multicast-from-the-aftr", "RFC 1812 §5.3.7.", from_aftr(from_internet(dst="'224.0.0.251'")),
          "illegal-destination"),
    sent("5.3-1460-octets-fit", "1500 octets of IPv6.", size(1460, "DF")),
    wrap("5.3-1500-octets", "cut after the encapsulation.", size(1500), *cuts6(to_aftr(size(1500)), 1448, 1500, src=B, dst=N)),
    wrap("5.3-1500-octets-over-the-least-mtu", "cut after the encapsulation.", size(1500),
         *cuts6(to_aftr(size(1500)), 1232, 1500, src=B, dst=N), config="b4-mtu-1280.yaml"),
    case("5.3-1461-octets-with-df", "RFC 2473 §7.2: the sender is told, by the B4's own address.",
         from_ipv4(size(1461, "DF"), "reply packet-too-big",
                   hear("ICMP(type=3,code=4,nexthopmtu=1460)", size(1461, "DF"), B4_IPV4, "'192.168.1.2'"))),
    case("5.3-fragments-from-the-aftr", "put together before the decapsulation.",
         *(from_ipv6(piece, *result) for piece, result in zip(
             cuts6(from_aftr(LARGE), 1448, 1500, src=N, dst=B, hlim=50), (("held",), ("to-ipv4", LARGE))))),
    sent("5.7-from-the-well-known-address", "192.0.0.2 is the B4 itself.", to_internet(src=B4_IPV4)),
    received("5.7-to-the-well-known-address", "192.0.0.2 is the B4 itself.", from_internet(dst=B4_IPV4)),
    received("5.7-from-the-aftr-itself", "192.0.0.1 is the AFTR.", from_internet(src="'192.0.0.1'", dst=B4_IPV4)),
    sent("7.1-traffic-class-from-tos", "carried over to the IPv6 header.", to_internet(extra=",tos=0xb8"), ",tc=0xb8"),
    unwrap("7.1-tos-from-traffic-class", "and vice versa.", from_aftr(from_internet(extra=",tos=0x28"), ",tc=0xb8"),
           from_internet(extra=",tos=0xb8")),
    unwrap("7.1-tos-from-a-marked-traffic-class", "ECN by RFC 6040 §4.2.",
           from_aftr(from_internet(extra=",tos=0x2a"), ",tc=0xbb"), from_internet(extra=",tos=0xbb")),
    case("7.1-error-from-inside-of-the-tunnel", "RFC 2473 §8.3: from the B4's own address.",
         from_ipv6(f"IPv6(src='{ROUTER}',dst='{B}')/ICMPv6DestUnreach(code=0)/quote6({ABOUT})", "to-ipv4",
                   hear("ICMP(type=3,code=1)", to_internet(), B4_IPV4, "'192.168.1.2'"))),
    case("7.1-error-about-a-packet-with-df", "RFC 2473 §8.3.",
         from_ipv6(f"IPv6(src='{ROUTER}',dst='{B}')/ICMPv6PacketTooBig(mtu=1400)/quote6({to_aftr(size(1460, 'DF'))})",
                   "to-ipv4",
                   hear("ICMP(type=3,code=4,nexthopmtu=1360)", size(1460, "DF"), B4_IPV4, "'192.168.1.2'")),
         from_ipv4(size(1361, "DF"), "reply packet-too-big",
                   hear("ICMP(type=3,code=4,nexthopmtu=1360)", size(1361, "DF"), B4_IPV4, "'192.168.1.2'"))),
]
