"""What the cases of the NATs share that sit at one end of a tunnel: the customer's end, which has the NAT in MAP-E and
Lightweight 4over6, and the provider's, which has it in DS-Lite.

HOST and NEIGHBOUR are private addresses behind the NAT; C4 and SECOND are in the Internet, R4 is a router there.
"""

from corpus import at, from_ipv4, from_ipv6, golden, octets_of, reply4

HOST, NEIGHBOUR, LAN_ROUTER = "'192.168.1.2'", "'192.168.1.3'", "'192.168.1.99'"
SECOND = "'198.51.100.9'"
ROUTER6 = "2001:db8:9::1"   # a router inside of the tunnel

UDP = "UDP(sport={},dport={})/data(20)".format
BARE = "UDP(sport={},dport={},chksum=0)/data(20)".format
TCP = "TCP(sport={},dport={},flags='{}',seq=1000,ack=2000)".format
PING, PONG = "ICMP(type=8,id={},seq=1)/data(20)".format, "ICMP(type=0,id={},seq=1)/data(20)".format
UNREACHABLE = "ICMP(type=3,code=3)"
PROHIBITED = "ICMP(type=3,code=13)"
OPTION = ",options=[IPOption_Router_Alert()]"
TOO_BIG = "ICMP(type=3,code=4,nexthopmtu={})".format


def ip(payload, src, dst, extra="", ttl=63):
    return f"IP(src={src},dst={dst},ttl={ttl},id=7{extra})/{payload}"


def zero_sum(src, dst, sport, dport):
    """The data of a UDP packet whose checksum is computed to be 0."""
    sum_of_the_rest = octets_of(ip(f"UDP(sport={sport},dport={dport})/(data(20)+bytes(2))", src, dst))[26:28]
    return f"(data(20)+bytes.fromhex('{sum_of_the_rest.hex()}'))"


def pieces(packet, src, dst, *ends, proto=17, extra=""):
    """The fragments of an IPv4 packet of ip(); ends[i] divide what is behind its header."""
    starts = (0, *ends[:-1])
    return [f"IP(src={src},dst={dst},ttl=63,id=7,flags='{'MF' if end != ends[-1] else ''}',frag={start // 8},"
            f"proto={proto}{extra})/raw({packet})[{20 + start}:{20 + end}]" for start, end in zip(starts, ends)]


class Side:
    """The NAT's end of the tunnel and the other one. `public` is what hosts become; `own4` is where its ICMP errors
    come from."""

    def __init__(self, folder, config, *, near, far, public, own4):
        self.folder, self.config = folder, config
        self.near, self.far, self.public, self.own4 = near, far, f"'{public}'", own4

    def case(self, name, note, *steps, config=None):
        where = name.split("-")[0]
        where = f"Appendix {where.upper()}" if where[0].isalpha() else f"§{where}"
        rfc = self.folder.removeprefix("rfc")
        return golden(f"{self.folder}/{name}", f"RFC {rfc} {where}: {note}", *steps, config=config or self.config)

    # --- IPv6 around IPv4 ---

    def sent6(self, inner, far=None, extra="", near=None):
        return f"IPv6(src='{near or self.near}',dst='{far or self.far}',hlim=64{extra})/{inner}"

    def received6(self, inner, far=None, extra="", near=None):
        return f"IPv6(src='{far or self.far}',dst='{near or self.near}',hlim=60{extra})/{inner}"

    def cuts(self, packet, *ends, sent=True, extra=""):
        """The fragments of a tunnel packet; ends[i] divide what is behind its IPv6 header."""
        src, dst, hlim = (self.near, self.far, 64) if sent else (self.far, self.near, 60)
        starts = (0, *ends[:-1])
        return [f"IPv6(src='{src}',dst='{dst}',hlim={hlim}{extra})/IPv6ExtHdrFragment(nh=4,id=0,offset={start // 8},"
                f"m={int(end != ends[-1])})/raw({packet})[{40 + start}:{40 + end}]" for start, end in zip(starts, ends)]

    def told(self, icmp, about, to, source=None):
        return reply4(to, icmp, about, source or self.own4)

    # --- errors from the two sides about packets; `quoted` is as their receiver has it ---

    def error_in(self, icmp, outside, inside, host=HOST, source="R4", to="C4"):
        """A router of the Internet reports what the host has sent."""
        return self.back(f"{icmp}/({ip(outside, self.public, to, ttl=9)})", f"{icmp}/({ip(inside, host, to, ttl=9)})",
                         host=host, source=source)

    def error_out(self, icmp, inside, outside, host=HOST, by=None, to="C4"):
        """The host, or a router near it, reports what it has got."""
        return self.out(f"{icmp}/({ip(inside, to, host, ttl=9)})", f"{icmp}/({ip(outside, to, self.public, ttl=9)})",
                        host=by or host, to=to)


class CustomerEnd(Side):
    """The NAT of a customer: its hosts come without a tunnel."""

    def out(self, inside, outside, *, host=HOST, to="C4", extra="", ttl=63, far=None):
        return from_ipv4(ip(inside, host, to, extra, ttl), "to-ipv6",
                         self.sent6(ip(outside, self.public, to, extra, ttl), far))

    def back(self, outside, inside, *, host=HOST, source="C4", extra="", far=None, ttl=63):
        return from_ipv6(self.received6(ip(outside, source, self.public, extra, ttl), far), "to-ipv4",
                         ip(inside, source, host, extra, ttl))

    def no_way_in(self, reason, outside, *, source="C4", far=None, to=None):
        return from_ipv6(self.received6(ip(outside, source, to or self.public), far), f"drop {reason}")

    def refused(self, reason, icmp, inside, *, host=HOST, to="C4", extra=""):
        packet = ip(inside, host, to, extra)
        return from_ipv4(packet, f"reply {reason}", self.told(icmp, packet, host))

    def across(self, inside, outside, *, host=HOST, to=NEIGHBOUR):
        """From one host to the other, who both use the public address."""
        return from_ipv4(ip(inside, host, self.public), "to-ipv4", ip(outside, self.public, to))

    def cut_out(self, inside, outside, *ends, order=(0, 1), sent=None):
        """Fragments of a host, put together and sent."""
        parts = pieces(ip(inside, HOST, "C4"), HOST, "C4", *ends)
        whole = self.sent6(ip(outside, self.public, "C4"))
        return (from_ipv4(parts[order[0]], "held"), from_ipv4(parts[order[1]], "to-ipv6", *(sent or [whole])))

    def cut_back(self, outside, inside, *ends, order=(0, 1)):
        """Fragments inside of the tunnel."""
        parts = pieces(ip(outside, "C4", self.public), "C4", self.public, *ends)
        return (from_ipv6(self.received6(parts[order[0]]), "held"),
                from_ipv6(self.received6(parts[order[1]]), "to-ipv4", ip(inside, "C4", HOST)))

    def tunnel_cut_back(self, outside, inside, *ends, order=(0, 1)):
        """Fragments of the tunnel packet."""
        parts = self.cuts(self.received6(ip(outside, "C4", self.public)), *ends, sent=False)
        return (from_ipv6(parts[order[0]], "held"), from_ipv6(parts[order[1]], "to-ipv4", ip(inside, "C4", HOST)))

    def large_out(self, inside, *results, extra="", told=None):
        packet = ip(inside, HOST, "C4", extra)
        if told:
            return from_ipv4(packet, "reply packet-too-big", self.told(told, packet, HOST))
        return from_ipv4(packet, "to-ipv6", *results)

    def heard(self, error, icmp, outside, inside, extra="", source=None):
        """A router inside of the tunnel reports what went in, and who sent it is told."""
        about = self.sent6(ip(outside, self.public, "C4", extra))
        return from_ipv6(f"IPv6(src='{ROUTER6}',dst='{self.near}')/{error}/quote6({about})", "to-ipv4",
                         reply4(HOST, icmp, ip(inside, HOST, "C4", extra), source or self.own4))


class ProviderEnd(Side):
    """The NAT of a provider: its hosts come in tunnels."""

    def out(self, inside, outside, *, host=HOST, to="C4", extra="", ttl=63, far=None):
        return from_ipv6(self.received6(ip(inside, host, to, extra, ttl), far), "to-ipv4",
                         ip(outside, self.public, to, extra, ttl))

    def back(self, outside, inside, *, host=HOST, source="C4", extra="", far=None, ttl=63):
        return from_ipv4(ip(outside, source, self.public, extra, ttl), "to-ipv6",
                         self.sent6(ip(inside, source, host, extra, ttl), far))

    def no_way_in(self, reason, outside, *, source="C4", to=None):
        return from_ipv4(ip(outside, source, to or self.public), f"drop {reason}")

    def refused(self, reason, icmp, inside, *, host=HOST, to="C4", extra="", far=None, ttl=63):
        packet = ip(inside, host, to, extra, ttl)
        return from_ipv6(self.received6(packet, far), f"reply {reason}",
                         self.sent6(self.told(icmp, packet, host), far, ",tc=0xc0"))

    def across(self, inside, outside, *, host=HOST, to=NEIGHBOUR, far=None, back=None):
        return from_ipv6(self.received6(ip(inside, host, self.public), far), "hairpin",
                         self.sent6(ip(outside, self.public, to, ttl=62), back))

    def cut_out(self, inside, outside, *ends, order=(0, 1)):
        parts = pieces(ip(inside, HOST, "C4"), HOST, "C4", *ends)
        return (from_ipv6(self.received6(parts[order[0]]), "held"),
                from_ipv6(self.received6(parts[order[1]]), "to-ipv4", ip(outside, self.public, "C4")))

    def tunnel_cut_out(self, inside, outside, *ends, order=(0, 1)):
        parts = self.cuts(self.received6(ip(inside, HOST, "C4")), *ends, sent=False)
        return (from_ipv6(parts[order[0]], "held"),
                from_ipv6(parts[order[1]], "to-ipv4", ip(outside, self.public, "C4")))

    def cut_back(self, outside, inside, *ends, order=(0, 1)):
        parts = pieces(ip(outside, "C4", self.public), "C4", self.public, *ends)
        return (from_ipv4(parts[order[0]], "held"),
                from_ipv4(parts[order[1]], "to-ipv6", self.sent6(ip(inside, "C4", HOST))))

    def large_back(self, outside, *results, extra="", told=None, by=None):
        packet = ip(outside, "C4", self.public, extra)
        if told:
            return from_ipv4(packet, "reply packet-too-big", self.told(told, packet, "C4", by))
        return from_ipv4(packet, "to-ipv6", *results)

    def heard(self, error, icmp, inside, outside, extra="", far=None):
        """A router inside of the tunnel reports what went to the host, and who sent it is told."""
        about = self.sent6(ip(inside, "C4", HOST, extra), far)
        return from_ipv6(f"IPv6(src='{ROUTER6}',dst='{self.near}')/{error}/quote6({about})", "to-ipv4",
                         reply4("C4", icmp, ip(outside, "C4", self.public, extra), self.public))


KINDS = (("port-unreachable", "ICMP(type=3,code=3)"), ("host-unreachable", "ICMP(type=3,code=1)"),
         ("too-big", "ICMP(type=3,code=4,nexthopmtu=1400)"), ("time-exceeded", "ICMP(type=11,code=0)"))


def opens(side, port):
    return side.out(UDP(5001, 53), UDP(port, 53))


def nat_cases(side, section, first, second):
    """What RFC 4787, RFC 5382 and RFC 5508 want, cited by the section that asks for it. `first` and `second` are the
    ports that are given out first."""
    begin, answered = opens(side, first), side.back(UDP(53, first), UDP(53, 5001))
    connects = side.out(TCP(5001, 80, "S"), TCP(first, 80, "S"))
    pings, pongs = side.out(PING(7), PING(first)), side.back(PONG(first), PONG(7))

    def case(name, note, *steps, config=None):
        return side.case(f"{section}-{name}", note, *steps, config=config)

    short = "TCP(sport={},dport={},flags='A',seq=1000,ack=2000)/data(600)".format
    return [
        case("udp-out-and-back", "addresses, ports and checksums.", begin, answered),
        case("udp-without-checksum", "it gets none (RFC 768).", side.out(BARE(5001, 53), BARE(first, 53)),
             side.back(BARE(53, first), BARE(53, 5001))),
        case("odd-udp", "an odd number of octets.", side.out("UDP(sport=5001,dport=53)/data(21)",
                                                             f"UDP(sport={first},dport=53)/data(21)")),
        case("udp-without-data", "the header alone.", side.out("UDP(sport=5001,dport=53)",
                                                               f"UDP(sport={first},dport=53)")),
        case("tcp-out-and-back", "a connection begins and ends.", connects,
             side.back(TCP(80, first, "SA"), TCP(80, 5001, "SA")), side.out(TCP(5001, 80, "A"), TCP(first, 80, "A")),
             side.out(TCP(5001, 80, "FA"), TCP(first, 80, "FA")), side.back(TCP(80, first, "FA"), TCP(80, 5001, "FA"))),
        case("ping-out-and-back", "the identifier is one of the ports.", pings, pongs),
        case("ip-options", "they are kept.",
             side.out(UDP(5001, 53), UDP(first, 53), extra=OPTION)),
        case("one-port-for-all-destinations", "RFC 4787 REQ-1.", begin,
             side.out(UDP(5001, 123), UDP(first, 123), to=SECOND),
             side.back(UDP(123, first), UDP(123, 5001), source=SECOND), answered),
        case("two-hosts-with-one-port", "each has its own.", begin,
             side.out(UDP(5001, 53), UDP(second, 53), host=NEIGHBOUR),
             side.back(UDP(53, second), UDP(53, 5001), host=NEIGHBOUR), answered),
        case("anybody-may-send", "RFC 4787 REQ-8: endpoint-independent filtering.", begin,
             side.back(UDP(9, first), UDP(9, 5001), source=SECOND)),
        case("nobody-has-the-port", "dropped in silence.", side.no_way_in("no-binding", UDP(53, first)),
             side.no_way_in("no-binding", PING(first)), side.no_way_in("tcp-without-session", TCP(80, first, "A"))),
        case("udp-ends-after-5-minutes", "RFC 4787 REQ-5.", begin, at(299), answered, at(600),
             side.no_way_in("no-binding", UDP(53, first))),
        case("ping-ends-after-a-minute", "RFC 5508 REQ-2.", pings, at(59), pongs, at(121),
             side.no_way_in("no-binding", PONG(first))),
        case("tcp-lasts-for-2-hours", "RFC 5382 REQ-5.", connects,
             side.back(TCP(80, first, "SA"), TCP(80, 5001, "SA")), side.out(TCP(5001, 80, "A"), TCP(first, 80, "A")),
             at(7430), side.back(TCP(80, first, "A"), TCP(80, 5001, "A"))),
        # --- errors ---
        *(case(f"{name}-about-udp-from-the-internet", "RFC 5508 REQ-4: what is quoted is rewritten too.", begin,
               side.error_in(icmp, UDP(first, 53), UDP(5001, 53))) for name, icmp in KINDS),
        case("error-about-udp-without-checksum", "the quoted packet has none either.",
             side.out(BARE(5001, 53), BARE(first, 53)), side.error_in(UNREACHABLE, BARE(first, 53), BARE(5001, 53))),
        case("error-about-tcp", "the whole header is quoted.", connects,
             side.error_in(UNREACHABLE, TCP(first, 80, "S"), TCP(5001, 80, "S"))),
        case("error-with-8-octets-of-tcp", "RFC 792: the checksum is not among them.", connects,
             side.back(f"{UNREACHABLE}/cut({ip(short(first, 80), side.public, 'C4', ttl=9)},28)",
                       f"{UNREACHABLE}/cut({ip(short(5001, 80), HOST, 'C4', ttl=9)},28)", source="R4")),
        case("error-with-8-octets-of-udp", "the checksum is among them.", begin,
             side.back(f"{UNREACHABLE}/cut({ip(UDP(first, 53), side.public, 'C4', ttl=9)},28)",
                       f"{UNREACHABLE}/cut({ip(UDP(5001, 53), HOST, 'C4', ttl=9)},28)", source="R4")),
        case("error-about-a-ping", "the quoted identifier is rewritten.", pings,
             side.error_in("ICMP(type=11,code=0)", PING(first), PING(7))),
        case("error-with-a-wrong-checksum", "RFC 5508 REQ-3: dropped in silence.", begin,
             side.no_way_in("icmp-checksum", f"{UNREACHABLE}/({ip(UDP(first, 53), side.public, 'C4', ttl=9)})".replace(
                 "code=3", "code=3,chksum=1"), source="R4")),
        case("quoted-packet-with-options", "RFC 5508 REQ-3b: they are skipped.", begin,
             side.back(f"{UNREACHABLE}/({ip(UDP(first, 53), side.public, 'C4', OPTION, 9)})",
                       f"{UNREACHABLE}/({ip(UDP(5001, 53), HOST, 'C4', OPTION, 9)})", source="R4")),
        case("quoted-packet-with-a-wrong-checksum", "RFC 5508 REQ-3c: it is as wrong as before.", begin,
             side.back(f"{UNREACHABLE}/wrong({ip(UDP(first, 53), side.public, 'C4', ttl=9)},7)",
                       f"{UNREACHABLE}/wrong({ip(UDP(5001, 53), HOST, 'C4', ttl=9)},7)", source="R4")),
        case("error-about-nothing", "RFC 5508 REQ-4: without a binding it is dropped.",
             side.no_way_in("no-binding", f"{UNREACHABLE}/({ip(UDP(first, 53), side.public, 'C4', ttl=9)})",
                            source="R4")),
        case("error-does-not-prolong", "RFC 5508 REQ-4: the session's timer runs on.", begin, at(299),
             side.error_in(UNREACHABLE, UDP(first, 53), UDP(5001, 53)), at(301),
             side.no_way_in("no-binding", UDP(53, first))),
        *(case(f"{name}-from-inside", "RFC 5508 REQ-5: what is quoted is rewritten too.", begin, answered,
               side.error_out(icmp, UDP(53, 5001), UDP(53, first))) for name, icmp in KINDS),
        case("error-from-inside-about-tcp", "the whole header is quoted.", connects,
             side.back(TCP(80, first, "SA"), TCP(80, 5001, "SA")),
             side.error_out(UNREACHABLE, TCP(80, 5001, "SA"), TCP(80, first, "SA"))),
        case("error-from-inside-about-a-ping", "the quoted identifier is rewritten.", pings, pongs,
             side.error_out("ICMP(type=11,code=0)", PONG(7), PONG(first))),
        case("error-from-a-router-inside", "RFC 5508 REQ-5: it comes from the binding's address.", begin, answered,
             side.error_out("ICMP(type=11,code=0)", UDP(53, 5001), UDP(53, first), by=LAN_ROUTER)),
        # --- protocols without ports ---
        case("gre-is-refused", "Protocol Unreachable.",
             side.refused("protocol-not-natted", "ICMP(type=3,code=2)", "data(20)", extra=",proto=47")),
        # --- fragments ---
        case("fragments-out", "put together, since one port is looked for.",
             *side.cut_out("UDP(sport=5001,dport=53)/data(100)", f"UDP(sport={first},dport=53)/data(100)", 56, 108)),
        case("fragments-out-of-order-out", "RFC 4787 REQ-14.",
             *side.cut_out("UDP(sport=5001,dport=53)/data(100)", f"UDP(sport={first},dport=53)/data(100)", 56, 108,
                           order=(1, 0))),
        case("fragments-back", "put together, since one port is looked for.", begin,
             *side.cut_back(f"UDP(sport=53,dport={first})/data(100)", "UDP(sport=53,dport=5001)/data(100)", 56, 108)),
        case("fragments-out-of-order-back", "RFC 4787 REQ-14.", begin,
             *side.cut_back(f"UDP(sport=53,dport={first})/data(100)", "UDP(sport=53,dport=5001)/data(100)", 56, 108,
                            order=(1, 0))),
        # --- hairpinning ---
        case("hairpin-udp", "RFC 4787 REQ-9: with the outside address and port of its sender.",
             side.out(UDP(5001, 53), UDP(first, 53), host=NEIGHBOUR),
             side.across(UDP(5001, first), UDP(second, 5001)),
             side.across(UDP(5001, second), UDP(first, 5001), host=NEIGHBOUR, to=HOST)),
        case("hairpin-udp-without-checksum", "RFC 4787 REQ-9.",
             side.out(UDP(5001, 53), UDP(first, 53), host=NEIGHBOUR),
             side.across(BARE(5001, first), BARE(second, 5001))),
        case("hairpin-tcp", "RFC 5382 REQ-8.",
             side.out(TCP(5001, 80, "S"), TCP(first, 80, "S"), host=NEIGHBOUR),
             side.across(TCP(5001, first, "S"), TCP(second, 5001, "S")),
             side.across(TCP(5001, second, "SA"), TCP(first, 5001, "SA"), host=NEIGHBOUR, to=HOST)),
        case("hairpin-error", "RFC 5508 REQ-7.",
             side.out(UDP(5001, 53), UDP(first, 53), host=NEIGHBOUR),
             side.across(UDP(5001, first), UDP(second, 5001)),
             side.across(f"{UNREACHABLE}/({ip(UDP(second, 5001), side.public, NEIGHBOUR, ttl=9)})",
                         f"{UNREACHABLE}/({ip(UDP(5001, first), HOST, side.public, ttl=9)})",
                         host=NEIGHBOUR, to=HOST)),
    ]
