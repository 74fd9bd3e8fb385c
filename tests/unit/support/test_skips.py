"""Skipped tests are listed by reason, and fail where none may be skipped."""

from typing import Literal

import pytest

from tests.support import skips


def a_report(
    file: str = "tests/unit/test_a.py",
    outcome: Literal["passed", "failed", "skipped"] = "skipped",
    longrepr: object = ("tests/support/browser.py", 31, "Skipped: no Chromium is installed"),
) -> pytest.TestReport:
    return pytest.TestReport(f"{file}::test_it", (file, 1, "test_it"), {}, outcome, longrepr, "call")  # type: ignore[arg-type]


@pytest.mark.parametrize(("value", "forbidden"), [("1", True), ("true", True), ("", False), ("0", False)])
def test_the_variable_forbids_skips(value: str, forbidden: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(skips.VARIABLE, value)
    assert skips.are_forbidden() is forbidden


def test_a_skipped_test_that_is_forbidden_fails_with_the_reason() -> None:
    report = a_report()
    skips.forbid(report)
    assert report.failed
    assert "no Chromium is installed" in report.longreprtext


def test_passed_tests_and_expected_failures_stay_what_they_are() -> None:
    passed, expected = a_report(outcome="passed", longrepr=None), a_report()
    expected.wasxfail = "known"
    for report in (passed, expected):
        skips.forbid(report)
    assert passed.passed
    assert expected.skipped


def test_a_reason_is_one_line_that_names_its_files() -> None:
    reports = [a_report(), a_report(), a_report("tests/e2e/test_b.py")]
    assert skips.describe(reports) == [
        "skipped 3: no Chromium is installed (tests/e2e/test_b.py, tests/unit/test_a.py)",
    ]


def test_only_a_few_files_are_named() -> None:
    reports = [a_report(f"tests/test_{number}.py") for number in range(5)]
    assert skips.describe(reports) == [
        "skipped 5: no Chromium is installed (tests/test_0.py, tests/test_1.py, tests/test_2.py and 2 more)",
    ]


def test_each_reason_has_a_line() -> None:
    other = a_report(longrepr=("tests/support/promtool.py", 14, "Skipped: promtool is not installed"))
    assert [line.partition(": ")[2] for line in skips.describe([other, a_report()])] == [
        "no Chromium is installed (tests/unit/test_a.py)",
        "promtool is not installed (tests/unit/test_a.py)",
    ]
