"""Tests of second_chance.py, with reports that pytest wrote."""

import subprocess
import sys

import pytest
import second_chance
import summarise_tests

TESTS = """
import pathlib, pytest

class TestInside:
    @pytest.mark.parametrize("word", ["a::b", "c.d"])
    def test_of_a_class(self, word):
        assert not word

@pytest.fixture
def broken():
    raise OSError

def test_broken_fixture(broken):
    pass

def test_first_time():
    here = pathlib.Path("ran")
    ran = here.exists()
    here.touch()
    assert ran

def test_passes():
    pass
"""
FAILED = [
    "tests/test_it.py::TestInside::test_of_a_class[a::b]",
    "tests/test_it.py::TestInside::test_of_a_class[c.d]",
    "tests/test_it.py::test_first_time",
    "tests/test_it.py::test_broken_fixture",
]


@pytest.fixture
def run(tmp_path):
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/test_it.py").write_text(TESTS)

    def run_tests(name, *tests):
        subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--rootdir={tmp_path}",
                        f"--junit-xml={name}", *tests], cwd=tmp_path, check=False, capture_output=True)
        return tmp_path / name

    return run_tests


def test_names_what_failed_as_pytest_does(run, tmp_path):
    assert sorted(second_chance.failed(run("report.xml", "tests"), tmp_path)) == sorted(FAILED)


def test_too_many_failures_are_not_chance(run, tmp_path, monkeypatch):
    monkeypatch.setattr(second_chance, "MOST", 3)
    assert second_chance.failed(run("report.xml", "tests"), tmp_path) == []


def test_only_what_passes_alone_is_settled(run):
    report = run("report.xml", "tests")
    assert summarise_tests.count_report(report) == (1, 4, 0, [])
    assert second_chance.settle(report, run("again.xml", *FAILED)) == (["test_first_time"], 3)
    assert summarise_tests.count_report(report) == (2, 3, 0, ["unsteady, passed only alone: test_first_time"])


def test_what_did_not_run_again_is_still_a_failure(run):
    report = run("report.xml", "tests/test_it.py::test_first_time")
    assert second_chance.settle(report, run("again.xml", "tests/test_it.py::test_passes")) == ([], 1)
    assert summarise_tests.count_report(report) == (0, 1, 0, [])


def test_a_report_that_is_no_report_has_no_second_chance(tmp_path):
    (tmp_path / "report.xml").write_text("<testsuite><testcase")
    assert second_chance.failed(tmp_path / "report.xml") == []
    assert second_chance.failed(tmp_path / "absent.xml") == []
