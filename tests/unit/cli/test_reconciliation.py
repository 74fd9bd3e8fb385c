"""The statistics of a mailing are compared with the sandbox's ledger."""

from typing import Any

import pytest

from cli.demo.reconciliation import compare
from tests.unit.cli.statistics import a_statistic

LEDGER = {"accepted": 3, "unique": 3, "duplicates": 0, "after_deadline": 0, "rejected": 1}


@pytest.mark.parametrize(
    ("statistics", "ledger", "matching", "broken"),
    [
        (a_statistic(sent=3, rejected=1), LEDGER, 4, []),
        (a_statistic(sent=3, rejected=1), LEDGER, 5, ["messages = matching clients"]),
        (a_statistic(sent=2, rejected=2), LEDGER, 4, ["sent = messages the sandbox accepted"]),
        (a_statistic(sent=3, rejected=1), LEDGER | {"duplicates": 1}, 4, ["messages the sandbox accepted twice"]),
        (a_statistic(sent=3, rejected=1) | {"total": 5}, LEDGER, 5, ["statuses add up to the messages"]),
    ],
)
def test_every_disagreement_is_found(
    statistics: dict[str, Any], ledger: dict[str, int], matching: int, broken: list[str]
) -> None:
    assert [check.name for check in compare(statistics, ledger, matching) if not check.passed] == broken
