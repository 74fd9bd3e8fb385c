"""The difference between two clocks, when the answer takes a while."""

from datetime import UTC, datetime

import pytest

from shared.checks.database import measure_skew


@pytest.mark.parametrize(
    ("asked_at", "answered_at", "database", "skew"),
    [
        (100.0, 100.0, 90.0, 10.0),
        (100.0, 102.0, 104.0, -3.0),
        # The database may have looked at its clock at any moment of the answer.
        (100.0, 102.0, 100.0, 0.0),
        (100.0, 102.0, 102.0, 0.0),
    ],
)
def test_the_skew_is_measured_from_the_middle_of_the_answer(
    asked_at: float, answered_at: float, database: float, skew: float
) -> None:
    assert measure_skew(asked_at, answered_at, datetime.fromtimestamp(database, UTC)) == pytest.approx(skew)
