#!/usr/bin/python3
"""Seeds for the packet fuzzers out of the golden corpus.

usage: make_seeds.py CORPUS_DIRECTORY [--all]

Writes CORPUS_DIRECTORY/<target>/<hash> for each target below. By default a short input for each verdict and
configuration of the corpus, which is what tests/fuzz/corpus/ holds; --all: every input there is.
"""

import hashlib
import re
import struct
import sys
from pathlib import Path

GOLDEN = Path(__file__).resolve().parent.parent / "golden"
# Golden configuration (beginning of its name) -> index in bases() of translator_choices.h.
BASES = {"hairpin": 1, "rfc7757": 1, "clat-prefix": 3, "clat": 2, "eam-overlap": 4, "denylist": 5}
# The same for softwire_bases() of softwire_choices.h.
SOFTWIRE_BASES = {"tunnel": 0, "map-e-draft": 6, "map-e": 1, "lwaftr": 2, "b4": 3, "ipip": 4, "4over6": 5}
# The same for kBases of napt_fuzz.cc.
NAPT_BASES = {"map-e-ce-draft": 5, "map-e-ce": 0, "lwb4-two": 1, "aftr": 2, "map-t-ce": 3}
# Golden configuration -> index in kConfigs of offload_fuzz.cc.
OFFLOAD = ("eam-basic", "rfc7757", "clat-eam", "prefix-48", "eam-overlap", "ipv4-mtu-1400", "loop-guard", "tos-fixed",
           "map-t", "map-e", "lwaftr", "tunnel")
ICMP, TCP, UDP, ICMPV6 = 1, 6, 17, 58


def base_of(config, bases=None):
    return next((index for name, index in (bases or BASES).items() if config.startswith(name)), 0)


def is_softwire(config):
    return not is_napt(config) and any(config.startswith(name) for name in SOFTWIRE_BASES)


def is_napt(config):
    return any(config.startswith(name) for name in (*NAPT_BASES, "lwb4"))


def steps(text):
    """(config, input, expect) for each step of a golden file."""
    config = re.search(r"^config: (\S+)", text, re.M)[1]
    for part in re.split(r"^(?=from-ipv[46]:)", text, flags=re.M)[1:]:
        octets = ""
        for line in part.splitlines()[1:]:
            match = re.match(r"^\s+((?:[0-9a-f]{2}\s*)+)$", line)
            if not match:
                break
            octets += match[1]
        yield config, bytes.fromhex(octets), re.search(r"^expect: (.*)", part, re.M)[1]


def transport(packet):
    """(offset, protocol) of the upper-layer header, extension headers not skipped."""
    if len(packet) >= 20 and packet[0] >> 4 == 4:
        return (packet[0] & 15) * 4, packet[9]
    if len(packet) >= 40 and packet[0] >> 4 == 6:
        return 40, packet[6]
    return 0, 0


def seeds_of(config, packet):
    """(target, seed) for one golden input."""
    version = packet[0] >> 4 if packet else 0
    offset, protocol = transport(packet)
    yield f"ipv{6 if version == 6 else 4}_view", packet
    if config.removesuffix(".yaml") in OFFLOAD:
        # Configuration, kind (odd: XDP), segment size.
        for choices in (b"\1\0\0", b"\2\0\10"):
            yield "offload", packet + bytes([OFFLOAD.index(config.removesuffix(".yaml"))]) + choices
    if is_softwire(config) or is_napt(config):
        return
    # Base, three MTUs, flags, hairpinning, source; then what the device says: kind, segment size.
    choices = bytes([base_of(config), 0, 0, 0, 0, 0, 0])
    yield "translate", packet + choices
    if protocol in (ICMP, ICMPV6):
        yield "icmp_error", packet[offset:]
    if protocol in (TCP, UDP):
        yield "translate", packet + choices + bytes([0x05]) + struct.pack(">H", 8)  # a super-packet
        yield "segmentation", struct.pack(">HB", 8, 3 if protocol == UDP else 1 if version == 4 else 2) + packet
        kind = 5 if protocol == UDP else 1 if version == 4 else 4
        field = 6 if protocol == UDP else 16
        yield "virtio_header", struct.pack("<BBHHHH", 1, kind, offset + field + 2, 8, offset, field) + packet


def softwire_seed(config, packets):
    """All the packets of a golden file: base, MTU, flags, encapsulation limit, hop limit and what the device says."""
    limit = 5 if "limit" in config else 0
    mtu = 1 if "1280" in config else 0
    flags = next((flag for word, flag in (("inner", 4 | 8), ("class", 1), ("dscp", 2), ("mss", 32), ("ignore", 8),
                                          ("silent", 16), ("hairpin-off", 64)) if word in config), 0)
    choices = bytes([base_of(config, SOFTWIRE_BASES), mtu, flags, limit, 0, 0, 0, 0])
    return packets[0] + choices + b"".join(packets[1:])


def napt_seed(config, packets):
    """All the packets of a golden file: base, flags, MTU, then events of kind 0 with a length each."""
    flags = next((flag for word, flag in (("inner", 1), ("mss", 2), ("hairpin-off", 4), ("filter", 16)) if word in config),
                 0)
    events = b"".join(bytes(1) + struct.pack(">H", len(packet)) + packet for packet in packets)
    return bytes([base_of(config, NAPT_BASES), flags, 0]) + events


def napt_seeds():
    """A flow, then every kind of event about it."""
    for base in range(6):
        flow = bytes([base, 0, 0, 2, 0, 0, 20])
        for event in ([3, 0, 16], [4, 0, 0, 60], [5, 0, 1, 90], [6, 1, 100, 3, 0, 0], [7, 0, 0, 0, 30, 1],
                      [8, 0, 0, 100, 5, 8, 0, 0, 100, 4], [9, 0, 16, 200, 1], [2, 1, 0, 9, 2, 12, 8, 20]):
            yield "napt", flow + bytes(event)


def reassembly_seeds():
    """Kind, what to do, size, then what it asks for."""
    for kind in range(3):
        yield "reassembly", bytes([kind, 0, 0x05, 0x78, 0x04, 0x00])    # a flood
        yield "reassembly", bytes([kind, 1, 0x01, 0x00, 4, 0, 64, 0, 64, 0, 64, 1, 1])    # an overlap
        yield "reassembly", bytes([kind, 3]) + bytes(i * 37 & 255 for i in range(120))
        yield "reassembly", bytes([kind, 4, 0x05, 0xdc, 1, 0, 7, 3, 0, 200, 1, 44, 1, 144, 2, 1, 1, 0, 3, 0])


def eam_seeds():
    """Operations of 9 octets: kind, three of IPv4, three of IPv6, two lengths."""
    add, remove, replace = 3, 0, 1
    nested = [[add, 10, 0, 1, 0x20, 0, 1, length, 96 + length] for length in (0, 8, 16, 24, 32)]
    there_and_gone = [[kind, 10, 0, i, 0x20, 0, i, 32, 128] for i in range(20) for kind in (add, replace, remove)]
    moved = [[add, 10, 0, 1, 0x20, 0, 1, 32, 128], [replace, 10, 0, 1, 0x20, 0, 2, 32, 64]]
    for operations in (nested, there_and_gone, moved):
        yield "eam_table", bytes(octet for operation in operations for octet in operation)


def main(arguments):
    output, everything = Path(arguments[0]), "--all" in arguments
    seen, seeds = set(), [*eam_seeds(), *reassembly_seeds(), *napt_seeds()]
    for path in sorted(GOLDEN.rglob("*.golden")):
        all_steps = list(steps(path.read_text(encoding="utf-8")))
        config, packets = all_steps[0][0], [packet for _, packet, _ in all_steps]
        if is_softwire(config):
            verdicts = tuple(expect for _, _, expect in all_steps)
            key = ("softwire", base_of(config, SOFTWIRE_BASES), verdicts, packets[0][:1])
            if everything or (key not in seen and sum(map(len, packets)) <= 400):
                seen.add(key)
                seeds.append(("softwire", softwire_seed(config, packets)))
        if is_napt(config) and (everything or sum(map(len, packets)) <= 400):
            key = ("napt", base_of(config, NAPT_BASES), tuple(expect for _, _, expect in all_steps))
            if everything or key not in seen:
                seen.add(key)
                seeds.append(("napt", napt_seed(config, packets)))
        for config, packet, expect in all_steps:
            for target, seed in seeds_of(config, packet):
                base = {"translate": base_of(config), "offload": config}.get(target, 0)
                key = (target, base, expect, packet[:1], len(seed) - len(packet))
                if everything or (key not in seen and len(packet) <= 200):
                    seen.add(key)
                    seeds.append((target, seed))
    for target, seed in seeds:
        (output / target).mkdir(parents=True, exist_ok=True)
        (output / target / hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)
    print(f"{len(seeds)} seeds in {output}")


if __name__ == "__main__":
    main(sys.argv[1:])
