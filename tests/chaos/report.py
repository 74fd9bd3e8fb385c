"""The table at the end of a run. Lines travel as properties of test reports, so from xdist's workers, too."""

import pytest

from tests.chaos.line import evidence, table, unpack

PROPERTY = "chaos line"


def print_rows(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints the lines of all rows that were run."""
    lines = [
        unpack(str(value))
        for reports in terminalreporter.stats.values()
        for report in reports
        if isinstance(report, pytest.TestReport) and report.when == "call"
        for name, value in report.user_properties
        if name == PROPERTY
    ]
    if lines:
        terminalreporter.section("chaos")
        for text in (*table(lines), *evidence(lines)):
            terminalreporter.write_line(text)
