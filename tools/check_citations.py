#!/usr/bin/python3
"""Finds citations of RFC sections that do not exist: usage: check_citations.py [REPOSITORY]

The one form is "RFC 7915 §4.1", or "RFC 7597 Appendix A"; more sections of the same RFC may follow: "RFC 7915 §4.1,
§5.1 and §5.1.1", "RFC 7757 §3-§4". The list of sections is tools/rfc_sections.txt. A bare "§4.1" belongs to the RFC
that its file is about (docs/rfc/7915.md, rfc7915_4_1.py, a golden case in rfc7915/) or that the TEST around it is named
after (Rfc7915Examples). The section that the name of a golden case starts with is checked as well.
"""

import re
import sys
from pathlib import Path

DIRECTORIES = ("src", "tests", "docs", "examples", "packaging")
SUFFIXES = {".cc", ".h", ".def", ".inc", ".py", ".md", ".yaml", ".yml", ".golden", ".txt", ".csv", ".sh", ".service"}

# A gap between words: it may be a line break with the comment sign of the next line, or inside a split string.
GAP = r"(?:[ \t]|[\"']?\r?\n[ \t]*(?://+|#+|\*|>|\||[\"'])?[ \t]*)"
# NUMBER would read "§4." at the end of a sentence as §4.
NUMBER = r"(?:\d+|[A-Z](?=\.\d))(?:\.\d+)*"
SECTION = rf"(?:§§?{GAP}?(?P<number>{NUMBER}|[A-Z]\b)|Appendix{GAP}+(?P<appendix>[A-Z](?:\.\d+)*)\b)"
RFC = re.compile(rf"\bRFCs?{GAP}+(?P<rfc>\d+)\b")
# TEST(Ipv6Address, Rfc5952Section4): the RFC of the bare sections in what follows.
TEST_NAME = re.compile(r"^TEST\w*\(\w+,\s*\w*Rfc(?P<rfc>\d+)|^TEST", re.MULTILINE)
SECTION_RE = re.compile(SECTION)
# What may stand between "RFC n" and its section, or between two sections of one RFC.
JOIN = re.compile(
    rf"(?:{GAP}*[,;/–-]{GAP}*(?:(?:and|or){GAP}+)?|{GAP}+(?:(?:and|or|to){GAP}+)?|{GAP}*\({GAP}*)(?=§|Appendix)|"
    rf"(?:{GAP}*[,–-]{GAP}*|{GAP}+(?:and|or){GAP}+)(?P<number>\d{{1,2}}(?:\.\d{{1,2}}){{1,2}})(?=[\s,;:)]|\.\s|$)"
)
WRONG_FORM = re.compile(
    rf"\bRFC(?:-|(?=\d))\d{{3,}}\b|\bRFC{GAP}\d+,?{GAP}*(?:[Ss]ection|[Ss]ec\.|[Ss]ect\.?|clause){GAP}*\d[\d.]*"
)


def read_sections(text):
    """{rfc: set of sections} from the text of rfc_sections.txt."""
    known = {}
    for line in text.splitlines():
        number, _, section = line.partition("#")[0].strip().partition(" ")
        if number:
            known.setdefault(number, set())
            if section:
                known[number].add(section)
    return known


def rfc_of_path(path):
    """The RFC a file is about, or None."""
    match = re.search(r"(?:^|/)docs/rfc/(\d+)\.md$", path) or re.search(r"(?:^|/)rfc(\d+)[/_][^/]*$", path)
    return match[1] if match else None


def citations(path, text):
    """Yields (offset, rfc or None, section or None): None for an RFC that is not named, or a whole RFC."""
    covered = 0
    tests = list(TEST_NAME.finditer(text))
    # Everything that starts a citation, in order of appearance.
    starts = sorted([*RFC.finditer(text), *SECTION_RE.finditer(text)], key=lambda match: match.start())
    for start in starts:
        if start.start() < covered:
            continue
        position = start.end()
        if start.re is RFC:
            rfc, found = start["rfc"], False
        else:
            around = [match["rfc"] for match in tests if match.start() < start.start()]
            rfc, found = rfc_of_path(path) or (around[-1] if around else None), True
            yield start.start(), rfc, start["number"] or start["appendix"]
        while join := JOIN.match(text, position):
            if join["number"]:
                # "§4.1, 4.2": a number without sign, which only counts after one with it.
                if not found:
                    break
                yield join.start("number"), rfc, join["number"]
                position = join.end()
                continue
            section = SECTION_RE.match(text, join.end())
            if not section:
                break
            found = True
            yield section.start(), rfc, section["number"] or section["appendix"]
            position = section.end()
        if start.re is RFC and not found:
            yield start.start(), rfc, None
        covered = position


def check_text(path, text, known):
    """Yields "path:line: problem"."""

    def at(offset):
        return f"{path}:{text.count(chr(10), 0, offset) + 1}"

    for match in WRONG_FORM.finditer(text):
        yield f"{at(match.start())}: write 'RFC 7915 §4.1' instead of '{' '.join(match[0].split())}'"
    for offset, rfc, section in citations(path, text):
        if rfc is None:
            yield f"{at(offset)}: §{section} of which RFC?"
        elif rfc not in known:
            yield f"{at(offset)}: RFC {rfc} is not in tools/rfc_sections.txt (see make_rfc_sections.py)"
        elif section is not None and section not in known[rfc]:
            yield f"{at(offset)}: RFC {rfc} has no §{section}"


def check_name(path, known):
    """Yields a problem if a golden case is named after a section that does not exist."""
    rfc, match = rfc_of_path(path), re.match(rf"({NUMBER})-", Path(path).name)
    if rfc and match and match[1] not in known.get(rfc, ()):
        yield f"{path}:1: RFC {rfc} has no §{match[1]}"


def files(root):
    for directory in DIRECTORIES:
        for path in sorted((root / directory).rglob("*")):
            if path.is_file() and (path.suffix in SUFFIXES or path.name == "CMakeLists.txt"):
                yield path
    yield from sorted(root.glob("*.md"))


def main(arguments):
    root = Path(arguments[0]) if arguments else Path(__file__).resolve().parent.parent
    known = read_sections((root / "tools/rfc_sections.txt").read_text(encoding="utf-8"))
    problems, count = [], 0
    for path in files(root):
        name, text = str(path.relative_to(root)), path.read_text(encoding="utf-8", errors="replace")
        count += sum(1 for _ in citations(name, text))
        problems += [*check_text(name, text, known), *check_name(name, known)]
    for problem in problems:
        print(problem)
    print(f"citations: {count}, {len(problems)} problems")
    return 1 if problems or not count else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
