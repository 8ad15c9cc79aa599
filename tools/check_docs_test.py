"""Tests of check_docs.py."""

import check_docs
import pytest


@pytest.fixture
def root(tmp_path):
    files = {
        "src/carry/translate/to_ipv6.cc": "// Deviates from\n// RFC 7915 §4.1, which copies it.\n",
        "src/packet/drop_reasons.def": 'DROP(Igmp,   "igmp",  "RFC 7915 §4.2", "for one link")\n',
        "tests/golden/rfc7915/4.1-tcp.golden": "",
        "tests/golden/rfc8021/4-no-atomic.golden": "",
        "tests/system/test_clat.py": "def test_udp(line):\n    pass\n",
        "docs/rfc/7915.md": "| §4.1 | the protocol is copied | deviates |\n",
        "docs/troubleshooting.md": "| `igmp` | nothing |\n",
    }
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    return tmp_path


def problems(root):
    return check_docs.check(root)[0]


@pytest.mark.parametrize("text", [
    "`src/carry/translate/to_ipv6.cc`", "`carry/translate/to_ipv6.cc`", "`src/carry/`", "`carry/translate/*.cc`",
    "`tests/system/test_clat.py::test_udp`", "`rfc8021/4-no-atomic`", "`rfc7915/4.1-{tcp,t*}`", "[this](../docs/rfc/7915.md#4)",
    "`198.51.100.0/24`", "`64:ff9b::/96`", "[that](https://example.com/nothing)", "```\nsrc/nothing.cc\n```", "`and/or`",
])  # fmt: skip
def test_what_exists_or_is_no_file_passes(root, text):
    (root / "docs" / "features.md").write_text(text, encoding="utf-8")
    assert problems(root) == []


@pytest.mark.parametrize("text", [
    "`src/carry/translate/to_ipv5.cc`", "`carry/nothing/`", "`tests/system/test_clat.py::test_tcp`",
    "`rfc8021/5-*`", "`rfc7915/4.1-{tcp,udp}`", "[this](nothing.md)", "`tools/nothing.py`",
])  # fmt: skip
def test_what_does_not_exist_is_found_with_its_line(root, text):
    (root / "docs" / "features.md").write_text(f"one\n\n{text}\n", encoding="utf-8")
    found = problems(root)
    assert len(found) == 1
    assert found[0].startswith("docs/features.md:3: ")


def test_a_page_of_an_rfc_names_its_own_cases_shortly(root):
    page = root / "docs" / "rfc" / "7915.md"
    page.write_text("| §4.1 | `4.1-tcp` | deviates |\n| §4.1 | `4.1-udp` | done |\n", encoding="utf-8")
    assert problems(root) == ["docs/rfc/7915.md:2: `4.1-udp`: there is no tests/golden/rfc7915/4.1-udp.golden"]


def test_a_deviation_needs_a_row_with_its_section(root):
    page = root / "docs" / "rfc" / "7915.md"
    page.write_text("| §4.1 | the protocol is copied | done |\n| §4.1.1 | | deviates |\n", encoding="utf-8")
    assert len(problems(root)) == 1
    assert "§4.1," in problems(root)[0]


def test_drop_reasons_and_their_rows_are_the_same(root):
    (root / "docs" / "troubleshooting.md").write_text("| `igpm` | nothing |\n", encoding="utf-8")
    assert problems(root) == ["docs/troubleshooting.md: the drop reason igmp has no row",
                              "docs/troubleshooting.md: igpm is no drop reason"]
