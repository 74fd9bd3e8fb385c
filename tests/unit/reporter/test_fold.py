"""A body that cannot be folded whole is split."""

from datetime import timedelta

import pytest

from services.reporter.fold import split_body
from shared.messages import Results
from tests.support.builders import NOON, a_result, a_retrying_result

FIRST, SECOND = a_result(), a_retrying_result(message_id=2)


@pytest.mark.parametrize(
    ("body", "parts"),
    [
        (Results(), []),
        (Results(results=[FIRST]), [Results(results=[FIRST])]),
        (Results(results=[FIRST, SECOND]), [Results(results=[FIRST]), Results(results=[SECOND])]),
        (Results(fence=NOON), [Results(fence=NOON)]),
        # The fence comes last: it proves that all before it is folded.
        (
            Results(results=[FIRST, SECOND], fence=NOON + timedelta(seconds=5)),
            [Results(results=[FIRST]), Results(results=[SECOND]), Results(fence=NOON + timedelta(seconds=5))],
        ),
    ],
    ids=["nothing", "one", "two", "fence", "two and a fence"],
)
def test_a_body_is_taken_apart_in_its_order(body: Results, parts: list[Results]) -> None:
    assert split_body(body) == parts
