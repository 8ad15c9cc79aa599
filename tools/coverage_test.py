"""Tests of coverage.py."""

import coverage


def document(path, *lines):
    return {"files": [{"file": path, "lines": [{"line_number": n, "count": c} for n, c in lines]}]}


def test_a_line_counts_once_and_is_covered_if_any_object_ran_it():
    lines = coverage.merge([
        document("src/packet/a.h", (1, 0), (2, 3)),
        document("src/packet/a.h", (1, 1), (3, 0)),
        document("src/carry/b.cc", (9, 0)),
    ])
    assert coverage.table(lines) == [("carry", 0, 1), ("packet", 2, 3), ("all", 2, 4)]


def test_tests_and_the_systems_headers_do_not_count():
    assert not coverage.merge([document("src/packet/a_test.cc", (1, 1)), document("/usr/include/x.h", (1, 1))])
