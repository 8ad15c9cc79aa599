"""Tests of make_rfc_sections.py."""

import make_rfc_sections

WITH_CONTENTS = """
Table of Contents

   1.  Introduction  . . . . . . . . . . . . . . . . . . . . . . . .   3
     1.1.  Model . . . . . . . . . . . . . . . . . . . . . . . . . .   3
   2.  Rules . . . . . . . . . . . . . . . . . . . . . . . . . . . .   4
   Appendix A.  Example  . . . . . . . . . . . . . . . . . . . . . .   9

1.  Introduction

   Two things matter:

   1.  the first, and

   7.  the seventh.

1.1.  Model

2.  Rules

2.1.  A rule that the contents leave out

Appendix A.  Example

A.1.  More
"""

WITHOUT_CONTENTS = """
1. Introduction

   Words with 3.14 in them.

2. Formats

2.1 One format

3.0. Rules

   5. a list

3.1. One rule
"""


def test_sections_come_from_the_contents_and_from_headings_they_leave_out():
    assert make_rfc_sections.sections(WITH_CONTENTS) == {"1", "1.1", "2", "2.1", "A", "A.1"}


def test_without_contents_headings_must_follow_each_other():
    assert make_rfc_sections.sections(WITHOUT_CONTENTS) == {"1", "2", "2.1", "3", "3.1"}


def test_what_may_follow_a_heading():
    assert make_rfc_sections.follows((1,), (0,))
    assert make_rfc_sections.follows((3, 1), (3,))
    assert make_rfc_sections.follows((3, 2), (3, 1, 4))
    assert make_rfc_sections.follows((4,), (3, 1, 4))
    assert not make_rfc_sections.follows((5,), (3, 1, 4))
    assert not make_rfc_sections.follows((3, 1, 6), (3, 1, 4))
