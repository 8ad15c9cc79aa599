"""The vocabulary of the expressions in the corpus: Scapy's layers plus the few functions below.

The functions only cut, pad and join octets, or take a checksum with Scapy's own routine. No
function here knows how to translate; the expected packet of every case is written out by hand.
"""

import socket
import struct

from scapy.layers.inet import ICMP, IP, TCP, UDP  # noqa: F401  (used by the expressions)
from scapy.layers.inet import (  # noqa: F401
    IPOption,
    IPOption_EOL,
    IPOption_LSRR,
    IPOption_NOP,
    IPOption_Router_Alert,
    IPOption_RR,
    IPOption_SSRR,
)
from scapy.layers.inet6 import (  # noqa: F401
    ICMPv6DestUnreach,
    ICMPv6EchoReply,
    ICMPv6EchoRequest,
    ICMPv6PacketTooBig,
    ICMPv6ParamProblem,
    ICMPv6TimeExceeded,
    ICMPv6Unknown,
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrFragment,
    IPv6ExtHdrHopByHop,
    IPv6ExtHdrRouting,
)
from scapy.layers.inet6 import PadN  # noqa: F401
from scapy.compat import raw
from scapy.utils import checksum

SKIPPED_IPV6_HEADERS = {0, 43, 60}
TRANSPORT_CHECKSUM_OFFSET = {1: 2, 58: 2, 6: 16, 17: 6}


def data(size):
    """`size` octets in which no two 16-bit words nearby are alike."""
    return bytes((i * 7 + 3) & 0xFF for i in range(size))


def transport_offset(octets):
    """Where the header after the IPv4 or IPv6 header (and its extension headers) begins."""
    if octets[0] >> 4 == 4:
        return octets[9], (octets[0] & 15) * 4
    protocol, at = octets[6], 40
    while protocol in SKIPPED_IPV6_HEADERS:
        protocol, at = octets[at], at + 8 + octets[at + 1] * 8
    return protocol, at


def cut(packet, size):
    """The first `size` octets of a packet whose own length fields still tell the whole."""
    return raw(packet)[:size]


def part(packet, start, end):
    """Octets start..end of what the packet carries after its IP header: a fragment's data."""
    octets = raw(packet)
    return octets[transport_offset(octets)[1]:][start:end]


def pad(packet, size):
    """The packet with zeros up to `size` octets."""
    return raw(packet).ljust(size, b"\0")


def quote4(packet):
    """What fits of a packet into an ICMPv4 error of 576 octets (RFC 1812 §4.3.2.3)."""
    return raw(packet)[:576 - 28]


def quote6(packet):
    """What fits of a packet into an ICMPv6 error of 1280 octets (RFC 4443 §2.4)."""
    return raw(packet)[:1280 - 48]


def wrong(packet, by):
    """The packet with `by` added to its right TCP, UDP or ICMP checksum, modulo 65535."""
    octets = bytearray(raw(packet))
    protocol, at = transport_offset(octets)
    at += TRANSPORT_CHECKSUM_OFFSET[protocol]
    right = struct.unpack_from("!H", octets, at)[0]
    struct.pack_into("!H", octets, at, (right + by) % 0xFFFF)
    return bytes(octets)


def extension(*objects):
    """An ICMP extension structure (RFC 4884 §7) of the given objects."""
    body = b"".join(objects)
    head = struct.pack("!BBH", 0x20, 0, 0)
    return struct.pack("!BBH", 0x20, 0, checksum(head + body)) + body


def icmp_object(class_num, c_type, payload):
    """An ICMP extension object (RFC 4884 §8)."""
    return struct.pack("!HBB", 4 + len(payload), class_num, c_type) + payload


def mpls_object(label):
    """An MPLS label stack object with one entry, the most common extension in the wild."""
    return icmp_object(1, 1, struct.pack("!I", label << 12 | 1 << 8 | 64))


def node_identification(address):
    """The Node Identification object that holds one IPv6 address."""
    return icmp_object(5, 4, b"\0\2\0\0" + socket.inet_pton(socket.AF_INET6, address))
