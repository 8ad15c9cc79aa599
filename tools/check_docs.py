#!/usr/bin/python3
"""Finds documents that name what does not exist: usage: check_docs.py [REPOSITORY]

In README.md, ARCHITECTURE.md, CONTRIBUTING.md, docs/ and the READMEs of folders:

- A relative link leads to a file.
- `src/packet/packet.h`, `tests/lab/` or `tools/*.py` exists; `carry/translate/to_ipv6.cc` is short for a path in src/.
- `tests/system/test_clat.py::test_udp` is a word of that file.
- `rfc8021/4-no-atomic-fragment-*` is a case of tests/golden/, and in docs/rfc/7915.md `4.1-tcp` is one of its own
  RFC's. A star may stand for anything and must find something.

Besides: every "Deviates from RFC 7915 §4.1" in src/ has a row that deviates in docs/rfc/7915.md, and every drop
reason is in docs/troubleshooting.md.
"""

import glob
import re
import sys
from pathlib import Path

FENCE = re.compile(r"^(```|~~~).*?^\1[ \t]*$", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
LINK = re.compile(r"\]\(([^)\s]+)\)")
TOP = ("src", "tests", "docs", "tools", "packaging", "examples", "cmake", ".ci")
# The name of a golden case: its section, then what is required.
CASE = re.compile(r"^[0-9a-z](?:\.\d+)*-[^\s/]+$")
PATH = re.compile(r"^[A-Za-z0-9_.*{},-]+(?:/[A-Za-z0-9_.*{},-]*)+(?:::[A-Za-z0-9_.]+)?$")
# As a comment spells it, perhaps over two lines: Deviates from RFC 7915 §4.1
DEVIATES = re.compile(r"Deviates\s+(?://\s*)?from\s+(?://\s*)?RFC\s+(?://\s*)?(\d+)\s+(?://\s*)?§([\dA-Z.]*[\dA-Z])")
DROP = re.compile(r'^DROP\(\w+,\s*"([a-z0-9-]+)"', re.MULTILINE)


def documents(root):
    yield from (root / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md") if (root / name).exists())
    yield from sorted((root / "docs").rglob("*.md"))
    for top in ("src", "tests"):
        yield from sorted((root / top).rglob("README.md"))


def golden_folder(name):
    """The folder of tests/golden/ that docs/rfc/<name> is about."""
    stem = Path(name).stem
    return f"rfc{stem}" if stem.isdigit() else stem


def expand(pattern):
    """a/{b,c}.h -> a/b.h, a/c.h"""
    match = re.search(r"\{([^{}]*)\}", pattern)
    if not match:
        return [pattern]
    return [each for part in match[1].split(",") for each in expand(pattern[: match.start()] + part + pattern[match.end() :])]


def places(root, document, span):
    """(patterns in the repository, word) that a code span names, or None if it names no file."""
    if document.parent == root / "docs" / "rfc" and CASE.match(span):
        return [f"tests/golden/{golden_folder(document.name)}/{each}.golden" for each in expand(span)], ""
    if not PATH.match(span):
        return None
    path, _, word = span.partition("::")
    first, _, rest = path.partition("/")
    if first in (".", ".."):
        return None
    if first in TOP:
        return expand(path), word
    if (root / "src" / first).is_dir():
        return [f"src/{each}" for each in expand(path)], word
    if rest and (root / "tests" / "golden" / first).is_dir():
        return [f"tests/golden/{each}.golden" for each in expand(path)], word
    return None


def check_document(root, document):
    text = document.read_text(encoding="utf-8")
    # Fenced blocks hold configurations, commands and pictures. Their lines stay, so that line numbers do.
    text = FENCE.sub(lambda match: "\n" * match[0].count("\n"), text)
    for number, line in enumerate(text.split("\n"), 1):
        for span in SPAN.findall(line):
            named = places(root, document, span)
            if named is None:
                continue
            patterns, word = named
            for pattern in patterns:
                found = glob.glob(glob.escape(str(root)) + "/" + pattern)
                if not found:
                    yield number, f"`{span}`: there is no {pattern}"
                elif word and not any(re.search(rf"\b{re.escape(word)}\b", Path(f).read_text(encoding="utf-8")) for f in found):
                    yield number, f"`{span}`: {pattern} has no {word}"
        for target in LINK.findall(SPAN.sub("", line)):
            path = target.partition("#")[0]
            if not path or re.match(r"[a-z]+:", path):
                continue
            if not (document.parent / path).exists():
                yield number, f"link to {target}: there is no such file"


def check_deviations(root):
    for source in sorted((root / "src").rglob("*")):
        if source.suffix not in (".cc", ".h", ".def"):
            continue
        for rfc, section in DEVIATES.findall(source.read_text(encoding="utf-8")):
            page = root / "docs" / "rfc" / f"{rfc}.md"
            lines = page.read_text(encoding="utf-8").splitlines() if page.exists() else []
            if not any("deviates" in line and re.search(rf"§{re.escape(section)}(?![\d.]*\d)", line) for line in lines):
                yield f"{source.relative_to(root)}: deviates from RFC {rfc} §{section}, but docs/rfc/{rfc}.md has no such row"


def check_drop_reasons(root):
    table = root / "src" / "packet" / "drop_reasons.def"
    page = root / "docs" / "troubleshooting.md"
    known = DROP.findall(table.read_text(encoding="utf-8")) if table.exists() else []
    rows = page.read_text(encoding="utf-8") if page.exists() else ""
    listed = re.findall(r"^\| `([a-z0-9-]+)` \|", rows, re.MULTILINE)
    for label in known:
        if label not in listed:
            yield f"docs/troubleshooting.md: the drop reason {label} has no row"
    for label in listed:
        if label not in known:
            yield f"docs/troubleshooting.md: {label} is no drop reason"


def check(root):
    """All problems, as lines of text; and how many documents were read."""
    problems = []
    count = 0
    for document in documents(root):
        count += 1
        problems += [f"{document.relative_to(root)}:{line}: {what}" for line, what in check_document(root, document)]
    problems += [*check_deviations(root), *check_drop_reasons(root)]
    return problems, count


def main():
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent.parent).resolve()
    problems, count = check(root)
    for problem in problems:
        print(problem)
    if problems:
        return 1
    print(f"{count} documents name what exists")
    return 0


if __name__ == "__main__":
    sys.exit(main())
