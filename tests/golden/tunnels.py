"""What the cases of all tunnels share: the two ends, and shorthands that write expressions.

N is our end, B the customer's; 192.0.2.80 is the customer's address and C4 somebody in the Internet.
"""

from corpus import from_ipv4, from_ipv6, golden, reply4

N = "2001:db8:ffff::1"
B = "2001:db8:b4::2"
CUSTOMER = "192.0.2.80"
ROUTER = "2001:db8:9::1"    # a router inside of the tunnel

UDP = "UDP(sport=1232,dport=53)/data(20)"
NO_SOFTWIRE4 = "ICMP(type=3,code=1)"


def outer(inner, *, src=N, dst=B, hlim=64, extra="", options=""):
    """The IPv6 packet around an inner packet; `options` are headers in between."""
    return f"IPv6(src='{src}',dst='{dst}',hlim={hlim}{extra})/{options}{inner}"


def to_customer(payload=UDP, extra="", *, src="C4", dst=CUSTOMER, ttl=64):
    """The IPv4 packet of somebody in the Internet."""
    return f"IP(src={src},dst='{dst}',ttl={ttl},id=7{extra})/{payload}"


def from_customer(payload=UDP, extra="", *, src=CUSTOMER, dst="C4", ttl=63):
    """The IPv4 packet of the customer."""
    return f"IP(src='{src}',dst={dst},ttl={ttl},id=7{extra})/{payload}"


def in_tunnel(inner, **changes):
    """What the customer's end sends."""
    return outer(inner, **{"src": B, "dst": N, **changes})


def cuts6(packet, *ends, src=N, dst=B, nh=4, hlim=64, extra=""):
    """The fragments of an IPv6 packet that ends[i] divides, counted from behind its IPv6 header."""
    starts = (0, *ends[:-1])
    return [f"IPv6(src='{src}',dst='{dst}',hlim={hlim}{extra})/IPv6ExtHdrFragment(nh={nh},id=0,offset={start // 8},"
            f"m={int(end != ends[-1])})/raw({packet})[{40 + start}:{40 + end}]" for start, end in zip(starts, ends)]


def cuts4(packet, *ends, src="C4", dst=f"'{CUSTOMER}'", ttl=64, proto=17, extra=""):
    """The fragments of an IPv4 packet without options that ends[i] divides, counted from behind its header."""
    starts = (0, *ends[:-1])
    return [f"IP(src={src},dst={dst},ttl={ttl},id=7,flags='{'MF' if end != ends[-1] else ''}',frag={start // 8},"
            f"proto={proto}{extra})/raw({packet})[{20 + start}:{20 + end}]" for start, end in zip(starts, ends)]


def tell(error, about, *, router=ROUTER, to=N):
    """The ICMPv6 error that a router inside of the tunnel sends about one of our packets."""
    return f"IPv6(src='{router}',dst='{to}')/{error}/quote6({about})"


def hear(icmp, about, source="T4", to="C4"):
    """What the inner packet's sender gets to hear."""
    return reply4(to, icmp, about, source)


def section(folder, config):
    """The constructors of cases in one folder with one configuration."""
    rfc = folder.removeprefix("rfc")

    def case(name, note, *steps, config=config):
        where = name.split("-")[0]
        where = f"Appendix {where.upper()}" if where.isalpha() else f"§{where}"
        return golden(f"{folder}/{name}", f"RFC {rfc} {where}: {note}", *steps, config=config)

    def wrap(name, note, packet, *packets, config=config):
        return case(name, note, from_ipv4(packet, "to-ipv6", *packets), config=config)

    def unwrap(name, note, packet, result, config=config):
        return case(name, note, from_ipv6(packet, "to-ipv4", result), config=config)

    def drop4(name, note, packet, reason, config=config):
        return case(name, note, from_ipv4(packet, f"drop {reason}"), config=config)

    def drop6(name, note, packet, reason, config=config):
        return case(name, note, from_ipv6(packet, f"drop {reason}"), config=config)

    return case, wrap, unwrap, drop4, drop6
