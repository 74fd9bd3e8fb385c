"""Skipped tests: listed with their reasons at the end of a run, and failures where HERALD_TEST_REQUIRE_ALL is set."""

import os
from collections import defaultdict
from collections.abc import Iterable

import pytest

VARIABLE = "HERALD_TEST_REQUIRE_ALL"
NAMED_FILES = 3


def are_forbidden() -> bool:
    """Returns whether a skipped test is a failure, as in continuous integration, which installs what tests need."""
    return os.environ.get(VARIABLE, "") not in {"", "0"}


def forbid(report: pytest.TestReport) -> None:
    """Turns the report of a skipped test into that of a failed one. An expected failure stays what it is."""
    if report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{VARIABLE} is set, and this test was skipped: {reason_of(report)}"


def describe(reports: Iterable[pytest.TestReport]) -> list[str]:
    """Returns one line for each reason: how many tests were skipped for it, and in which files."""
    files = defaultdict[str, list[str]](list)
    for report in reports:
        files[reason_of(report)].append(report.nodeid.partition("::")[0])
    return [f"skipped {len(names)}: {reason} ({_list(names)})" for reason, names in sorted(files.items())]


def reason_of(report: pytest.TestReport) -> str:
    # pytest keeps a skip as its file, its line and "Skipped: " with the reason.
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return text.removeprefix("Skipped: ")


def _list(files: Iterable[str]) -> str:
    first, more = sorted(set(files))[:NAMED_FILES], len(set(files)) - NAMED_FILES
    return ", ".join(first) + (f" and {more} more" if more > 0 else "")
