"""RFC 6040 §4: the ECN field on both ends of a tunnel."""

from corpus import from_ipv4, from_ipv6
from tunnels import B, N, cuts4, cuts6, from_customer, in_tunnel, outer, section, to_customer

case, wrap, unwrap, drop4, drop6 = section("rfc6040", "tunnel.yaml")

NAMES = ("not-ect", "ect1", "ect0", "ce")    # by codepoint
# Figure 4: what leaves, by what is inside (line) and outside (column); both in the order of NAMES.
NOT_ECT, ECT1, ECT0, CE = range(4)
FIGURE_4 = {
    NOT_ECT: {NOT_ECT: NOT_ECT, ECT0: NOT_ECT, ECT1: NOT_ECT, CE: None},
    ECT0: {NOT_ECT: ECT0, ECT0: ECT0, ECT1: ECT1, CE: CE},
    ECT1: {NOT_ECT: ECT1, ECT0: ECT1, ECT1: ECT1, CE: CE},
    CE: {NOT_ECT: CE, ECT0: CE, ECT1: CE, CE: CE},
}


def exits(inside, outside, leaves):
    name = f"4.2-{NAMES[inside]}-inside-{NAMES[outside]}-outside"
    packet = in_tunnel(from_customer(extra=f",tos={0xb8 | inside}"), extra=f",tc={0x28 | outside}")
    if leaves is None:
        return drop6(name, "Figure 4: such a transport would take the mark for nothing.", packet, "congestion-lost")
    return unwrap(name, f"Figure 4: {NAMES[leaves]} leaves the tunnel.", packet,
                  from_customer(extra=f",tos={0xb8 | leaves}"))


def with_ecn(index, ecn):
    """One of two fragments of a tunnel packet whose inner packet is ECT(0)."""
    return cuts6(in_tunnel(from_customer(extra=",tos=0x02")), 24, 48, src=B, dst=N, extra=f",tc={ecn}")[index]


ANSWER = "UDP(sport=53,dport=1232)/data(20)"


def with_tos(index, ecn):
    """One of two fragments to a shared address."""
    return cuts4(to_customer(ANSWER, dst="192.0.2.18"), 16, 28, dst="'192.0.2.18'", extra=f",tos={ecn}")[index]


CASES = [
    *(wrap(f"4.1-{name}-is-copied", "normal mode.", to_customer(extra=f",tos={ecn}"),
           outer(to_customer(extra=f",tos={ecn}"), extra=f",tc={ecn}")) for ecn, name in enumerate(NAMES)),
    *(wrap(f"4.1-{name}-is-copied-to-a-fixed-dscp", "normal mode, whatever becomes of the DSCP.",
           to_customer(extra=f",tos={0x28 | ecn}"),
           outer(to_customer(extra=f",tos={0x28 | ecn}"), extra=f",tc={0xb8 | ecn}"), config="tunnel-class-fixed.yaml")
      for ecn, name in enumerate(NAMES)),
    *(exits(inside, outside, leaves) for inside, row in FIGURE_4.items() for outside, leaves in row.items()),
    unwrap("4.2-ce-outside-with-a-copied-dscp", "both fields change, and the header's checksum with them.",
           in_tunnel(from_customer(extra=",tos=0x02"), extra=",tc=0xbb"), from_customer(extra=",tos=0xbb"),
           config="tunnel-dscp-copy.yaml"),
    case("4.2-ce-in-fragments-of-the-tunnel", "RFC 3168 §5.3: a mark on all fragments is one on the whole packet.",
         *(from_ipv6(piece, *result) for piece, result in zip(
             cuts6(in_tunnel(from_customer(extra=",tos=0x02")), 24, 48, src=B, dst=N, extra=",tc=3"),
             (("held",), ("to-ipv4", from_customer(extra=",tos=0x03")))))),
    *(case(f"4.2-ce-in-{name}-of-the-tunnel", "RFC 3168 §5.3: a mark on one fragment is not lost.",
           from_ipv6(with_ecn(0, first), "held"), from_ipv6(with_ecn(1, last), "to-ipv4", from_customer(extra=",tos=0x03")))
      for name, first, last in (("the-first-fragment", CE, ECT0), ("the-last-fragment", ECT0, CE))),
    case("4.2-ce-in-a-fragment-of-a-packet-without-ecn", "RFC 3168 §5.3: such a packet is dropped.",
         from_ipv6(with_ecn(0, NOT_ECT), "held"), from_ipv6(with_ecn(1, CE), "drop congestion-lost")),
    case("4.2-ce-in-an-ipv4-fragment", "RFC 3168 §5.3: a mark on one fragment is not lost.",
         from_ipv4(with_tos(0, ECT0), "held"),
         from_ipv4(with_tos(1, CE), "to-ipv6",
                   outer(to_customer(extra=",tos=0x03", dst="192.0.2.18", payload=ANSWER), extra=",tc=3",
                         dst="2001:db8:12:3400:0:c000:212:34")), config="map-e.yaml"),
]
