"""RFC 6146 §3.8: two hosts that know each other by the pool's address; each sees the other's port there."""

from corpus import at, from_ipv6
from nat import HOST, OTHER, POOL, POOL6, SECOND, TCP, UDP, across, back, nat_case, no_way_in, no_way_out, out

case = nat_case("6146", "nat64.yaml")
TO_POOL = (None, POOL6)
# OTHER has port 5000, HOST gets 5001.
READY = out(UDP(2000, 53), UDP(5000, 53), host=OTHER)
ASKS = across(UDP(1000, 5000), UDP(5001, 2000), host=HOST, port_of=OTHER)
REPLIES = across(UDP(2000, 5001), UDP(5000, 1000), host=OTHER, port_of=HOST)
SEEN = f"IPv6(src={POOL6},dst={OTHER},hlim=9)/{{}}".format
SENT = f"IPv6(src={HOST},dst={POOL6},hlim=9)/{{}}".format


def error(name, note, icmp, source):
    return case(f"3.8-{name}", note, READY, ASKS,
                from_ipv6(f"IPv6(src={source},dst={POOL6})/{icmp}/({SEEN(UDP(5001, 2000))})", "hairpin",
                          f"IPv6(src={POOL6},dst={HOST},hlim=63)/{icmp}/({SENT(UDP(1000, 5000))})"), REPLIES)


def tcp(inside, outside, flags, *, host, port_of):
    return across(TCP(*inside, flags), TCP(*outside, flags), host=host, port_of=port_of)


def to_other(flags):
    return tcp((1000, 5000), (5001, 2000), flags, host=HOST, port_of=OTHER)


def to_host(flags):
    return tcp((2000, 5001), (5000, 1000), flags, host=OTHER, port_of=HOST)


CASES = [
    case("3.8-hairpin", "the source is the pool's address and port, so the answer comes back the same way. One router "
         "is passed.", READY, ASKS, REPLIES),
    case("3.8-hairpin-lasts", "both hosts have a session of it.", READY, ASKS, at(200), REPLIES, at(450), ASKS,
         REPLIES, no_way_in("no-binding", UDP(53, 5002))),
    case("3.8-hairpin-without-a-binding", "nobody has the port.",
         no_way_out("no-binding", UDP(1000, 5999), to=TO_POOL)),
    case("3.8-hairpin-to-itself", "a host may call itself.", out(UDP(1000, 53), UDP(5000, 53)),
         across(UDP(1000, 5000), UDP(5000, 1000), host=HOST, port_of=HOST)),
    case("3.8-hairpin-through-filters", "filters hold as for packets from the Internet; both must have sent.", READY,
         no_way_out("filtered", UDP(1000, 5000), to=TO_POOL), REPLIES, ASKS, config="nat64-filter-address.yaml"),
    case("3.8-hairpin-to-a-static-binding", "the operator's binding is one like others.",
         across(UDP(1000, 5000), UDP(5001, 53), host=OTHER, port_of=HOST),
         across(UDP(53, 5001), UDP(5000, 1000), host=HOST, port_of=OTHER), config="nat64-static.yaml"),
    case("3.8-no-hairpin", "packets between hosts can be left to the IPv4 network, whose router sends them back.", READY,
         out(UDP(1000, 5000), UDP(5001, 5000), to=(POOL, POOL6)),
         back(UDP(5001, 5000), UDP(5001, 2000), host=OTHER, source=(POOL, POOL6)), config="nat64-no-hairpin.yaml"),
    case("3.8-hairpin-tcp", "each packet is a V6 one for its sender's session and a V4 one for the other's: both are "
         "ESTABLISHED in the end.", out(TCP(2000, 80, "S"), TCP(5000, 80, "S"), host=OTHER), to_other("S"),
         to_host("SA"), to_other("A"), at(7000), to_host("PA"), to_other("A")),
    case("3.8-hairpin-tcp-without-a-session", "no SYN, no session, no binding.",
         no_way_out("tcp-without-session", TCP(1000, 5000, "A"), to=TO_POOL)),
    error("hairpin-error-from-the-host", "the quoted packet is translated back to what its sender sent.",
          "ICMPv6DestUnreach(code=4)", OTHER),
    error("hairpin-error-from-a-router", "the source is the binding's, whoever sent it.",
          "ICMPv6TimeExceeded(code=0)", "N6"),
    error("hairpin-packet-too-big", "20 less in IPv4 and 20 more again.", "ICMPv6PacketTooBig(mtu=1400)", "N6"),
    case("3.8-answer-from-the-internet-beside-a-hairpin", "the pool's bindings are for both.", READY, ASKS,
         back(UDP(53, 5000), UDP(53, 2000), host=OTHER), back(UDP(9, 5001), UDP(9, 1000), source=SECOND)),
]
