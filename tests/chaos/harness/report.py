"""Prints the chaos table at the end of a run.

Results are properties of pytest reports, so that they arrive from the workers of xdist, too.
"""

import pytest

from tests.chaos.harness.result import format_table, list_violations, unpack

PROPERTY = "chaos result"


def print_results(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints the results of all experiments that were run, and their violations."""
    results = [
        unpack(str(value))
        for reports in terminalreporter.stats.values()
        for report in reports
        if isinstance(report, pytest.TestReport) and report.when == "call"
        for name, value in report.user_properties
        if name == PROPERTY
    ]
    if results:
        terminalreporter.section("chaos")
        for line in (*format_table(results), *list_violations(results)):
            terminalreporter.write_line(line)
