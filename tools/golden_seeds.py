#!/usr/bin/python3
"""Writes every packet of the golden corpus to a file of its own, as seeds for the fuzzers.

usage: golden_seeds.py OUTPUT_DIRECTORY [REPOSITORY]

Packets that go in and packets that are expected both count. A file is named after the hash of its octets.
"""

import hashlib
import re
import sys
from pathlib import Path

HEX_LINE = re.compile(r"^\s+((?:[0-9a-f]{2}\s*)+)$")


def packets(text):
    """The packets of one golden file, as bytes: each run of indented lines of hexadecimal digits."""
    found, octets = [], ""
    for line in [*text.splitlines(), "end:"]:
        if match := HEX_LINE.match(line):
            octets += match[1]
        elif octets:
            found.append(bytes.fromhex(octets))
            octets = ""
    return found


def main(arguments):
    output = Path(arguments[0])
    root = Path(arguments[1]) if len(arguments) > 1 else Path(__file__).resolve().parent.parent
    output.mkdir(parents=True, exist_ok=True)
    for path in sorted((root / "tests/golden").rglob("*.golden")):
        for packet in packets(path.read_text(encoding="utf-8")):
            (output / hashlib.sha256(packet).hexdigest()[:16]).write_bytes(packet)
    print(f"{len(list(output.iterdir()))} seeds in {output}")


if __name__ == "__main__":
    main(sys.argv[1:])
