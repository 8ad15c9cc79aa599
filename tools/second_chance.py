#!/usr/bin/python3
"""Tests of `./dev test` that failed beside other tests get a second chance, alone.

    second_chance.py failed REPORT            prints the tests of a JUnit file of pytest that failed, as pytest calls them
    second_chance.py settle REPORT AGAIN      takes from REPORT the failures of tests that passed in AGAIN, and names them;
                                         exits with 1 if any is left

The labs share two processors with each other, an emulated machine and a browser: a test that measures time, or waits for
a packet, can lose to them. What fails alone has failed. What does not is named in the summary, since a race of the daemon
can show itself so too.
"""

import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

# More than that is not chance.
MOST = 5


def _failures(case):
    return case.findall("failure") + case.findall("error")


def _key(case):
    return case.get("classname"), case.get("name")


def test_id(case, root=Path(".")):
    """What pytest calls a test: the path of its file, its classes and its name."""
    words = case.get("classname").split(".")
    for end in range(len(words), 0, -1):
        path = Path(*words[:end]).with_suffix(".py")
        if (root / path).is_file():
            return "::".join([str(path), *words[end:], case.get("name")])
    raise ValueError(f"no file of {case.get('classname')}")


def failed(report, root=Path(".")):
    """The tests that failed; none if they are too many, or one has no file: these have no second chance."""
    try:
        cases = [case for case in ElementTree.parse(report).getroot().iter("testcase") if _failures(case)]
        names = list(dict.fromkeys(test_id(case, root) for case in cases))
    except (ElementTree.ParseError, OSError, ValueError):
        return []
    return names if len(names) <= MOST else []


def settle(report, again):
    """Rewrites the report; returns the names of those that passed the second time, and how many failures are left."""
    tree = ElementTree.parse(report)
    passed, failed_again = set(), set()
    for case in ElementTree.parse(again).getroot().iter("testcase"):
        if _failures(case):
            failed_again.add(_key(case))
        elif case.find("skipped") is None:
            passed.add(_key(case))
    passed -= failed_again  # A test that passed may fail when its fixtures end.
    settled, left = [], 0
    for case in tree.getroot().iter("testcase"):
        failures = _failures(case)
        if not failures:
            continue
        if _key(case) not in passed:
            left += 1
            continue
        for each in failures:
            case.remove(each)
        case.set("unsteady", "true")
        settled.append(case.get("name"))
    tree.write(report)
    return settled, left


def main(arguments):
    if arguments[:1] == ["failed"] and len(arguments) == 2:
        print("\n".join(failed(arguments[1])), end="")
        return 0
    if arguments[:1] == ["settle"] and len(arguments) == 3:
        settled, left = settle(*arguments[1:])
        for name in settled:
            print(f"passed alone: {name}")
        return 1 if left else 0
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
