#!/usr/bin/python3
"""Writes tools/rfc_sections.txt from the plain texts of the RFCs: usage: make_rfc_sections.py [DIRECTORY] >FILE

DIRECTORY holds rfcNNNN.txt.gz, as Debian's doc-rfc packages install them. Run it when the code starts to cite another
RFC, after adding its number below. Each output line is "NUMBER SECTION", or "NUMBER" alone for an RFC that is known
but whose sections are not numbered.
"""

import gzip
import re
import sys
from pathlib import Path

RFCS = """
    768 791 792 793 854 894 950 959 1071 1122 1123 1141 1191 1256 1349 1624 1639 1812 1858 1918 2018 2113 2119 2428
    2460 2463 2464 2473 2474 2544 2640 2663 2675 2711 2780 2784 2883 2983 3022 3128 3168 3261 3264 3339 3514 3550 3581
    3605 3629 3646 3828 3849 4007 4193 4213 4217 4291 4301 4302 4303 4340 4443 4459 4566 4616 4632 4787 4821 4861 4862
    4884 4963 5082 5095 5382 5389 5424 5425 5426 5508 5612 5626 5722 5737 5771 5780 5802 5837 5927 5952 6036 6040 6052
    6056 6125 6145 6146 6147 6164 6296 6298 6333 6334 6335 6384 6437 6438 6564 6587 6598 6666 6691 6724 6791 6864 6877
    6887 6888 6890 6935 6936 6946 6980 7011 7020 7040 7045 7050 7112 7136 7249 7269 7335 7413 7422 7596 7597 7598 7599
    7600 7677 7739 7755 7756 7757 7785 7857 7915 8021 8026 8085 8106 8114 8158 8174 8200 8201 8215 8219 8335 8415 8446
    8504 8512 8513 8585 8683 8781 8880 8899 8900 8925 8996 9099 9110 9112 9260 9293 9313 9386 9637
"""

NUMBER = r"(\d{1,2}(?:\.\d{1,2})*|[A-Z](?:\.\d{1,2})+)"
TITLE = r"\s+\S.*"
# In a table of contents: a title, a leader or a wide gap, a page number. A title may go on in the next line.
CONTENTS_LINE = re.compile(rf"^\s{{0,12}}{NUMBER}\.?{TITLE}$")
CONTENTS_APPENDIX = re.compile(r"^\s{0,12}(?:Appendix|APPENDIX|Annex)\s+([A-Z])\b")
HEADING = re.compile(rf"^\s{{0,5}}{NUMBER}\.?{TITLE}$")
HEADING_APPENDIX = re.compile(r"^\s{0,5}(?:Appendix|APPENDIX|Annex)\s+([A-Z])\b(?:[.:\s-]|$)")
CONTENTS_TITLE = re.compile(r"^\s*table of contents\s*:?\s*$", re.IGNORECASE)


def follows(section, last):
    """Whether `section` can be the heading after `last`: its first child, or the next one of some ancestor's level."""
    if section == last + (1,):
        return True
    for depth in range(1, len(last) + 1):
        prefix = last[:depth]
        if prefix[:-1] + (prefix[-1] + 1,) == section:
            return True
    return False


def key(text):
    """'3.1' -> (3, 1); 'A.2' -> (100, 2): appendices come after sections, B after A."""
    parts = text.removesuffix(".0").split(".")  # RFC 3022 numbers its third section 3.0.
    return tuple(int(part) if part.isdigit() else 100 + ord(part) - ord("A") for part in parts)


def sections(text):
    """The set of section numbers ('5.1.1', 'A', 'A.2') of one RFC's plain text."""
    lines = [line.rstrip() for line in text.replace("\f", "\n").splitlines()]
    found = set()

    starts = [i for i, line in enumerate(lines) if CONTENTS_TITLE.match(line)]
    if starts:
        last = (0,)
        for line in lines[starts[0] + 1 :]:
            match = CONTENTS_LINE.match(line) or CONTENTS_APPENDIX.match(line)
            if not match:
                continue
            section = key(match[1])
            if section == (1,) and last != (0,) and (1,) in found:
                break  # The contents are over: this is the first heading.
            if follows(section, last) or (section[0] >= 100 and section[0] >= last[0]):
                found.add(section)
                last = section

    # Headings stand after an empty line. They add what the contents leave out, and all where there are none.
    last, had_contents = (0,), bool(found)
    for before, line in zip(["", *lines], lines):
        match = HEADING.match(line) or HEADING_APPENDIX.match(line)
        if not match or before.strip() or re.search(r"[. ]{4,}\s*\d+$", line):
            continue
        section = key(match[1])
        if had_contents and section not in found and (len(section) == 1 or section[:1] not in found):
            continue  # A numbered list.
        if section in found or follows(section, last) or (section[0] == 100 and last[0] < 100):
            found.add(section)
            last = section
    return {".".join(str(p) if p < 100 else chr(ord("A") + p - 100) for p in section) for section in found}


def main(arguments):
    directory = Path(arguments[0] if arguments else "/usr/share/doc/RFC/links")
    print("# Sections of the RFCs we cite. Written by tools/make_rfc_sections.py; check_citations.py reads it.")
    for number in RFCS.split():
        path = directory / f"rfc{number}.txt.gz"
        if not path.exists():
            print(f"RFC {number}: no {path}, so it may only be cited as a whole", file=sys.stderr)
            print(number)
            continue
        with gzip.open(path, "rt", encoding="utf-8", errors="replace") as stream:
            found = sections(stream.read())
        print(number)
        for section in sorted(found, key=key):
            print(number, section)


if __name__ == "__main__":
    main(sys.argv[1:])
