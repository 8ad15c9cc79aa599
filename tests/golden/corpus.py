"""What a case is, and how it becomes a .golden file. Nothing here knows a protocol."""

import re
import textwrap
from dataclasses import dataclass

from scapy.compat import raw

import shorthand

# Names that case tables use for addresses; the files show the addresses themselves.
ADDRESSES = {
    "C4": "203.0.113.7",            # a client in the IPv4 Internet ...
    "C6": "2001:db8:64::cb00:7107",  # ... and as the IPv6 side sees it (RFC 6052)
    "S4": "192.0.2.80",             # a server as the IPv4 side sees it ...
    "S6": "2001:db8:2::80",         # ... which really is in the IPv6 network (EAM)
    "R4": "198.51.100.1",           # a router on the IPv4 path ...
    "R46": "2001:db8:64::c633:6401",  # ... and as the IPv6 side sees it
    "R6": "2001:db8:3::1",          # a router on the IPv6 path with an EAM ...
    "R64": "192.0.2.1",             # ... and as the IPv4 side sees it
    "N6": "2001:db8:9::1",          # an IPv6 router without any mapping
    "T4": "192.0.0.8",              # the translator's own addresses
    "T6": "2001:db8:64::c000:8",
}


@dataclass(frozen=True)
class Step:
    """One packet that goes in, the verdict, and the packets that come out, as expressions.

    Of the family "at" it is time instead that passes, up to `packet` seconds since the beginning.
    """
    family: str
    packet: str
    expect: str
    outputs: tuple


@dataclass(frozen=True)
class Golden:
    """One file of the corpus."""
    name: str
    note: str
    config: str
    steps: tuple


def from_ipv4(packet, expect, *outputs):
    return Step("from-ipv4", packet, expect, outputs)


def from_ipv6(packet, expect, *outputs):
    return Step("from-ipv6", packet, expect, outputs)


def at(seconds, *outputs):
    """Time passes until then; the outputs are what the translator sends by itself meanwhile."""
    return Step("at", f"{seconds}", "", outputs)


def golden(name, note, *steps, config="eam-basic.yaml"):
    return Golden(name, note, config, steps)


# --- shorthands that write expressions ---------------------------------------------------------


def reply4(to, icmp, about, source="T4"):
    """The ICMPv4 error that the translator originates about a packet."""
    return f"IP(src={source},dst={to},tos=0xc0,id=0,flags='DF',ttl=64)/{icmp}/quote4({about})"


def reply6(to, icmp, about, source="T6"):
    """The ICMPv6 error that the translator originates about a packet."""
    return f"IPv6(src={source},dst={to},hlim=64)/{icmp}/quote6({about})"


PROHIBITED4 = "ICMP(type=3,code=13)"
PROHIBITED6 = "ICMPv6DestUnreach(code=1)"


def unmapped_source4(packet, to):
    """RFC 7915 §4.4: discarded, and its sender told."""
    return from_ipv4(packet, "reply source-not-mapped", reply4(to, PROHIBITED4, packet))


def unmapped_source6(packet, to, source="T6"):
    """RFC 7915 §5.4: discarded, and its sender told."""
    return from_ipv6(packet, "reply source-not-mapped", reply6(to, PROHIBITED6, packet, source))


def fragment4(whole, start, end, more, *, src, dst, ident, proto=17, ttl=64, df=False, tos=0):
    """An IPv4 fragment with octets start..end of the transport part of `whole`."""
    flags = "+".join(["MF"] * more + ["DF"] * df)
    tos_text = f"tos={tos}," if tos else ""
    return (f"IP(src={src},dst={dst},{tos_text}ttl={ttl},id={ident},flags='{flags}',frag={start // 8},"
            f"proto={proto})/part({whole},{start},{end})")


def fragment6(whole, start, end, more, *, src, dst, ident, nh=17, hlim=63):
    """An IPv6 fragment with octets start..end of the transport part of `whole`."""
    return (f"IPv6(src={src},dst={dst},hlim={hlim})/IPv6ExtHdrFragment(nh={nh},id={ident},"
            f"offset={start // 8},m={int(more)})/part({whole},{start},{end})")


# --- rendering ---------------------------------------------------------------------------------


def literal(expression):
    """The expression with the addresses themselves instead of their names."""
    return re.sub(r"\b(" + "|".join(ADDRESSES) + r")\b", lambda m: f"'{ADDRESSES[m[1]]}'", expression)


def octets_of(expression):
    return raw(eval(literal(expression), vars(shorthand)))  # the tables are our own source


def hex_lines(octets):
    for start in range(0, len(octets), 16):
        line = octets[start:start + 16]
        yield "  " + "  ".join(half.hex(" ") for half in (line[:8], line[8:]) if half)


def render(case):
    lines = textwrap.wrap(case.note, 98, initial_indent="# ", subsequent_indent="# ")
    lines.append(f"config: {case.config}")
    for step in case.steps:
        if step.family == "at":
            lines.append(f"at: {step.packet}")
        else:
            lines.append(f"{step.family}:  # {literal(step.packet)}")
            lines.extend(hex_lines(octets_of(step.packet)))
            lines.append(f"expect: {step.expect}")
        for output in step.outputs:
            lines.append(f"packet:  # {literal(output)}")
            lines.extend(hex_lines(octets_of(output)))
    return "\n".join(lines) + "\n"
