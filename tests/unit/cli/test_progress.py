"""When watching a mailing ends, and what its progress bar shows."""

from typing import Any

import pytest

from cli.terminal.progress import count_final, format_rate, has_ended
from tests.unit.cli.statistics import a_statistic


@pytest.mark.parametrize(
    ("statistics", "ended"),
    [
        (a_statistic("running", sent=2), False),
        (a_statistic("finished", sent=2), True),
        (a_statistic("finished"), True),
        # The counts of a cancelled mailing close in the seconds after.
        (a_statistic("cancelled", sent=2, pending=1), False),
        (a_statistic("cancelled", sent=2, cancelled=1), True),
    ],
)
def test_watching_ends_when_nothing_more_will_happen(statistics: dict[str, Any], ended: bool) -> None:
    assert has_ended(statistics) is ended


def test_only_final_messages_count_as_done() -> None:
    assert count_final(a_statistic(pending=5, retrying=3, sent=2, expired=1)) == 3


@pytest.mark.parametrize(
    ("rate", "eta", "text"),
    [(0, None, ""), (1234.5, 61, "1,234/s, 0:01:01 left"), (5, None, "5/s"), (0, 0, "")],
)
def test_the_rate_is_shown_where_it_is_known(rate: float, eta: float | None, text: str) -> None:
    assert format_rate(a_statistic(rate=rate, eta=eta)) == text
