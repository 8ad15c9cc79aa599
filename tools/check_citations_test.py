"""Tests of check_citations.py."""

from pathlib import Path

import check_citations
import pytest

KNOWN = check_citations.read_sections("""# comment
768
7915
7915 4
7915 4.1
7915 5.1
7915 5.1.1
7597
7597 5
7597 A
7597 B.1
""")


def problems(text, path="src/a.cc"):
    return list(check_citations.check_text(path, text, KNOWN))


def found(text, path="src/a.cc"):
    return [(rfc, section) for _, rfc, section in check_citations.citations(path, text)]


@pytest.mark.parametrize("text, expected", [
    ("RFC 7915 §4.1.", [("7915", "4.1")]),
    ("(RFC 7915 §4)", [("7915", "4")]),
    ("RFC 768", [("768", None)]),
    ("RFC 768's checksum", [("768", None)]),
    ("RFC 7597 Appendix A", [("7597", "A")]),
    ("RFC 7597 §B.1", [("7597", "B.1")]),
    ("RFC 7597 §A", [("7597", "A")]),
    ("RFC 7915 §4.1, §5.1 and §5.1.1", [("7915", "4.1"), ("7915", "5.1"), ("7915", "5.1.1")]),
    ("RFC 7915 §4.1, 5.1", [("7915", "4.1"), ("7915", "5.1")]),
    ("RFC 7915 §4.1–5.1", [("7915", "4.1"), ("7915", "5.1")]),
    ("RFC 7915 §4-§5.1", [("7915", "4"), ("7915", "5.1")]),
    ("RFC 7915 §4.1, 30 octets", [("7915", "4.1")]),
    ("RFC 7915 §4.1, 192.0.2.18", [("7915", "4.1")]),
    ("RFC 7915 §4.1, 10.0.0.1", [("7915", "4.1")]),
    ('"[RFC "\n    "7915 §4.1]"', [("7915", "4.1")]),
    ("RFC 7915 §4.1 and RFC 7597 §5", [("7915", "4.1"), ("7597", "5")]),
    ("// as RFC\n// 7915 says", [("7915", None)]),
    ("// see RFC 7915\n// §4.1 for it", [("7915", "4.1")]),
    ("// see RFC 7915 §4.1,\n  //   §5.1 for it", [("7915", "4.1"), ("7915", "5.1")]),
    ('"(RFC 7915 "\n    "§4.1)"', [("7915", "4.1")]),
    ("# RFC 7597\n# Appendix A", [("7597", "A")]),
    ("RFC 768 says so. §4.1", [("768", None), (None, "4.1")]),
    ("RFC 7915 §4.1; §5.1", [("7915", "4.1"), ("7915", "5.1")]),
])
def test_finds(text, expected):
    assert found(text) == expected


@pytest.mark.parametrize("text, words", [
    ("RFC 7915 §4.9", "RFC 7915 has no §4.9"),
    ("RFC 7915 §4.1, §9.9", "RFC 7915 has no §9.9"),
    ("RFC 7597 Appendix Z", "RFC 7597 has no §Z"),
    ("RFC 768 §1", "RFC 768 has no §1"),
    ("RFC 971 §3", "RFC 971 is not in"),
    ("RFC 6042", "RFC 6042 is not in"),
    ("see §4.1", "§4.1 of which RFC?"),
    ("RFC7915", "instead of 'RFC7915'"),
    ("RFC 7915 section 4.1", "instead of 'RFC 7915 section 4.1'"),
    ("RFC 7915, Section 4.1", "instead of 'RFC 7915, Section 4.1'"),
])
def test_refuses(text, words):
    (problem,) = problems(f"one\n{text}\n")
    assert problem.startswith("src/a.cc:2: ") and words in problem


def test_a_bare_section_belongs_to_the_rfc_the_file_is_about():
    assert found("§4.1", "docs/rfc/7915.md") == [("7915", "4.1")]
    assert found("§4.1", "tests/golden/rfc7915/a.golden") == [("7915", "4.1")]
    assert found("§4.1", "tests/golden/cases/rfc7915_4.py") == [("7915", "4.1")]
    assert problems("§4.2", "docs/rfc/7915.md") == ["docs/rfc/7915.md:1: RFC 7915 has no §4.2"]


def test_a_bare_section_belongs_to_the_rfc_its_test_is_named_after():
    text = "TEST(Address, Rfc7915Section4) {\n  // §4.1\n}\n\nTEST(Address, Other) {\n  // §4.1\n}\n"
    assert found(text) == [("7915", "4.1"), (None, "4.1")]


def test_the_name_of_a_golden_case_is_a_citation():
    assert list(check_citations.check_name("tests/golden/rfc7915/5.1.1-fragment.golden", KNOWN)) == []
    assert list(check_citations.check_name("tests/golden/rfc7915/5.9-x.golden", KNOWN)) == [
        "tests/golden/rfc7915/5.9-x.golden:1: RFC 7915 has no §5.9"]


def test_the_real_list_knows_what_we_build_on():
    real = check_citations.read_sections(
        (Path(__file__).parent / "rfc_sections.txt").read_text(encoding="utf-8"))
    for rfc, section in [("7915", "5.1.1"), ("7757", "4.2.2"), ("6052", "2.2"), ("6877", "6.3"), ("7597", "A"),
                         ("1812", "4.3.2.7"), ("4443", "2.4"), ("791", "3.1"), ("7600", "4.8"), ("1624", "3")]:
        assert section in real[rfc], (rfc, section)
    assert "4.7" not in real["7915"] and real["792"] == set()
