"""Checks that hold for every expected packet, whatever the case: they catch slips in the tables."""

import re
import struct

from scapy.utils import checksum

from corpus import octets_of
from shorthand import TRANSPORT_CHECKSUM_OFFSET, transport_offset

ABOUT_INNER = ("reply inner-", "reply port-not-assigned", "reply protocol-without-ports")
EXPECT = re.compile(r"to-ipv6|to-ipv4|hairpin|held|(drop|reply) [a-z0-9-]+")
TIME = re.compile(r"\d{1,9}(\.\d{1,3})?")


def check_packet(octets, expression):
    """Yields what is wrong with one expected packet."""
    if octets[0] >> 4 == 4:
        if checksum(octets[:(octets[0] & 15) * 4]) != 0:
            yield "IPv4 header checksum"
        if struct.unpack_from("!H", octets, 2)[0] != len(octets):
            yield "IPv4 total length"
        fragment = struct.unpack_from("!H", octets, 6)[0] & 0x3FFF
        addresses = octets[12:20]
    else:
        if struct.unpack_from("!H", octets, 4)[0] != len(octets) - 40:
            yield "IPv6 payload length"
        if any(octets[1:4]) and "fl=0)" in expression:
            yield "flow label"
        fragment = octets[6] == 44
        addresses = octets[8:40]
    protocol, at = transport_offset(octets)
    if octets[0] >> 4 == 6 and protocol == 4 and octets[at] >> 4 == 4:
        yield from check_packet(octets[at:], expression)
    if fragment or protocol not in TRANSPORT_CHECKSUM_OFFSET or "wrong(" in expression:
        return
    body = octets[at:]
    pseudo = b"" if protocol == 1 else addresses + struct.pack("!II", len(body), protocol)
    if protocol == 17:
        length = struct.unpack_from("!H", body, 4)[0]
        body = body[:length]
        pseudo = addresses + struct.pack("!II", length, protocol)
        if body[6:8] == b"\0\0":
            if "chksum=0" not in expression:    # asked for: RFC 768 between IPv4 hosts
                yield "UDP checksum is zero"
            return
    if checksum(pseudo + body) != 0:
        yield "transport checksum"


def proofread(case):
    """Yields complaints about a case."""
    now = 0.0
    for step in case.steps:
        if step.family == "at":
            if not TIME.fullmatch(step.packet) or float(step.packet) <= now:
                yield f"{case.name}: {step.packet!r} is no later time than {now} seconds"
            now = float(step.packet)
            for output in step.outputs:
                for complaint in check_packet(octets_of(output), output):
                    yield f"{case.name}: {complaint}: {output}"
            continue
        if not EXPECT.fullmatch(step.expect):
            yield f"{case.name}: verdict {step.expect!r}"
        if bool(step.outputs) == step.expect.startswith(("drop", "held")):
            yield f"{case.name}: {step.expect} with {len(step.outputs)} packets"
        for output in step.outputs:
            octets = octets_of(output)
            family = octets[0] >> 4
            is_in_tunnel = family == 6 and octets[6] == 4
            # The inner packet's sender is told, where it is: in the IPv4 network, or at the tunnel's other end.
            told = 4 if step.expect.startswith(ABOUT_INNER) and not is_in_tunnel else int(step.family[-1])
            wanted = {"to-ipv6": 6, "to-ipv4": 4, "hairpin": 6}.get(step.expect, told)
            if family != wanted:
                yield f"{case.name}: an IPv{family} packet for {step.expect}"
            for complaint in check_packet(octets, output):
                yield f"{case.name}: {complaint}: {output}"
    if not re.match(r"(RFC \d+ (§|Appendix )|draft-)", case.note):
        yield f"{case.name}: the note does not begin with a citation"
