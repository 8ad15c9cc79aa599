#!/usr/bin/env python3
"""Makes the dashboard's files (src/dashboard) a part of the program: a table of them, compressed, as C++ text."""

import argparse
import gzip
import hashlib
from pathlib import Path

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".LICENSE": "text/plain; charset=utf-8",
}
ROW = 32  # octets in a line of the output


def compressed(content):
    return gzip.compress(content, compresslevel=9, mtime=0)


def literal(octets):
    """Octal escapes: unlike hexadecimal ones they end after three digits."""
    rows = [octets[i : i + ROW] for i in range(0, len(octets), ROW)]
    return "\n".join('    "' + "".join(f"\\{octet:03o}" for octet in row) + '"' for row in rows)


def entry(path):
    content = path.read_bytes()
    data = compressed(content)
    url = "/" if path.name == "index.html" else f"/{path.name}"
    tag = hashlib.sha256(content).hexdigest()[:16]
    return f'{{"{url}", "{TYPES[path.suffix]}", "\\"{tag}\\"", std::string_view(\n{literal(data)},\n    {len(data)})}},\n'


def files(folder):
    return sorted(path for path in folder.iterdir() if path.suffix in TYPES)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("output", type=Path)
    arguments = parser.parse_args()
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text("".join(entry(path) for path in files(arguments.folder)))


if __name__ == "__main__":
    main()
