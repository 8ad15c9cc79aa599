#!/usr/bin/python3
"""Prints which share of the lines the tests reached, per folder of src/: usage: coverage.py BUILD_DIRECTORY

Reads what gcov says about a build with --coverage. A line counts once, however many objects contain it. Lines that
no test reached go to BUILD_DIRECTORY/uncovered.txt as file:line.
"""

import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path


def merge(documents):
    """{file: {line: count}} from gcov's JSON documents, tests left out."""
    lines = defaultdict(lambda: defaultdict(int))
    for document in documents:
        for entry in document["files"]:
            path = entry["file"]
            if not path.startswith("src/") or path.endswith("_test.cc"):
                continue
            for line in entry["lines"]:
                lines[path][line["line_number"]] += line["count"]
    return lines


def table(lines):
    """[(folder, covered lines, lines)] with a last row for the whole."""
    sums = defaultdict(lambda: [0, 0])
    for path, counts in lines.items():
        for row in (path.split("/")[1], "all"):
            sums[row][0] += sum(1 for count in counts.values() if count)
            sums[row][1] += len(counts)
    total = sums.pop("all", [0, 0])
    return [(folder, *sums[folder]) for folder in sorted(sums)] + [("all", *total)]


def read(build):
    root = Path.cwd()
    notes = sorted(str(path.resolve()) for path in build.rglob("*.gcda"))
    for start in range(0, len(notes), 50):
        output = subprocess.run(
            ["gcov", "--json-format", "--stdout", *notes[start : start + 50]],
            cwd=root, capture_output=True, text=True, check=True).stdout
        for line in output.splitlines():
            if line:
                yield json.loads(line)


def main(arguments):
    build = Path(arguments[0])
    lines = merge(read(build))
    if not lines:
        print("no coverage data: did the tests run?")
        return 1
    for folder, covered, count in table(lines):
        print(f"{folder:<12} {covered:>6} of {count:>6} lines  {100 * covered / max(count, 1):5.1f} %")
    with open(build / "uncovered.txt", "w", encoding="utf-8") as uncovered:
        for path in sorted(lines):
            for number in sorted(n for n, count in lines[path].items() if not count):
                print(f"{path}:{number}", file=uncovered)
    print(f"lines that no test reached: {build / 'uncovered.txt'}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
