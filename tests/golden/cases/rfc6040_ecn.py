"""RFC 6040 §4: the ECN field on both ends of a tunnel."""

from corpus import from_ipv6
from tunnels import B, N, cuts6, from_customer, in_tunnel, outer, section, to_customer

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
]
