#!/usr/bin/python3
"""Adds up what `./dev test` ran: usage: summarise_tests.py REPORT_DIRECTORY

The directory holds stages.tsv (outcome, seconds, name, JUnit files the stage wrote) and those JUnit files. A stage
that wrote test reports counts as its tests; any other counts as one check. A stage that failed counts at least one
failure, whatever its reports say. The last line printed is "N passed, N failed, N skipped".
"""

import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path


def count_report(path):
    """(passed, failed, skipped, remarks) of one JUnit file."""
    passed = failed = skipped = 0
    remarks = []
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None or case.get("status") == "fail":
            failed += 1
        elif case.find("skipped") is not None or case.get("status") in ("notrun", "disabled"):
            skipped += 1
            remarks.append(f"skipped: {case.get('name')}")
        else:
            passed += 1
            if case.get("unsteady"):
                remarks.append(f"unsteady, passed only alone: {case.get('name')}")
    return passed, failed, skipped, remarks


def summarise(stages, read_report=count_report):
    """(lines to print, (passed, failed, skipped)) for rows of (outcome, seconds, name, report paths)."""
    lines = []
    total = [0, 0, 0]
    remarks = []
    for outcome, seconds, name, reports in stages:
        counts = [0, 0, 0]
        for report in reports:
            try:
                *found, remarked = read_report(report)
            except (ElementTree.ParseError, OSError) as problem:
                found, remarked = [0, 1, 0], []
                lines.append(f"unreadable report {report}: {problem}")
            counts = [a + b for a, b in zip(counts, found)]
            remarks += remarked
        if outcome == "passed" and not reports:
            counts[0] = 1
        if outcome != "passed" and counts[1] == 0:
            counts[1] = 1
        total = [a + b for a, b in zip(total, counts)]
        lines.append(f"{seconds:>5} s  {counts[0]:>5} passed {counts[1]:>4} failed {counts[2]:>4} skipped  {name}")
    return lines + remarks, tuple(total)


def read_stages(path):
    for line in path.read_text(encoding="utf-8").splitlines():
        outcome, seconds, name, reports = line.split("\t")
        yield outcome, int(seconds), name, reports.split()


def main(arguments):
    lines, (passed, failed, skipped) = summarise(read_stages(Path(arguments[0]) / "stages.tsv"))
    print("\n==== summary")
    print("\n".join(lines))
    if passed + failed == 0:
        print("no test ran")
        failed = 1
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
