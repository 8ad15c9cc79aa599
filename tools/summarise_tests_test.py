"""Tests of summarise_tests.py."""

import summarise_tests


def test_a_stage_without_a_report_counts_as_one_check():
    _, total = summarise_tests.summarise([("passed", 1, "layers", []), ("failed", 1, "format", [])])
    assert total == (1, 1, 0)


def test_a_stage_with_reports_counts_as_its_tests():
    _, total = summarise_tests.summarise(
        [("passed", 1, "unit", ["a", "b"])], {"a": (3, 0, 1, ["x"]), "b": (2, 0, 0, [])}.__getitem__)
    assert total == (5, 0, 1)


def test_a_failed_stage_is_a_failure_even_if_its_report_shows_none():
    _, total = summarise_tests.summarise([("failed", 1, "unit", ["a"])], lambda _: (3, 0, 0, []))
    assert total == (3, 1, 0)


def test_a_truncated_report_is_a_failure(tmp_path):
    report = tmp_path / "report.xml"
    report.write_text("<testsuite><testcase")
    _, total = summarise_tests.summarise([("passed", 1, "unit", [report])])
    assert total == (0, 1, 0)


def test_reads_the_reports_of_ctest_and_of_pytest(tmp_path):
    report = tmp_path / "report.xml"
    report.write_text("""<testsuites><testsuite>
        <testcase name="ran" status="run"/>
        <testcase name="broke" status="fail"><failure message=""/></testcase>
        <testcase name="erred"><error message=""/></testcase>
        <testcase name="skipped"><skipped message=""/></testcase>
        <testcase name="absent" status="notrun"/>
        <testcase name="unsteady" unsteady="true"/></testsuite></testsuites>""")
    assert summarise_tests.count_report(report) == (
        2, 2, 2, ["skipped: skipped", "skipped: absent", "unsteady, passed only alone: unsteady"])


def test_nothing_ran_is_a_failure(tmp_path, capsys):
    (tmp_path / "stages.tsv").write_text("")
    assert summarise_tests.main([tmp_path]) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "0 passed, 1 failed, 0 skipped"
