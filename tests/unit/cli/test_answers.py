"""How the commands read what the API says."""

from typing import Any

import pytest

from cli.compare_books import compare
from cli.http import describe
from cli.progress import count_final, describe_pace, has_ended

NOTHING = dict.fromkeys(("pending", "retrying", "sent", "rejected", "exhausted", "expired", "cancelled"), 0)


def a_statistic(status: str = "running", rate: float = 0, eta: float | None = None, **by_status: int) -> dict[str, Any]:
    counts = NOTHING | by_status
    return {"status": status, "total": sum(counts.values()), "by_status": counts, "rate": rate, "eta": eta}


@pytest.mark.parametrize(
    ("status", "problem", "line"),
    [
        (404, {"title": "Not Found", "detail": "There is no such mailing."}, "There is no such mailing."),
        (409, {"title": "Conflict"}, "Conflict"),
        # Something between us and the API answered, in HTML.
        (502, {}, "the API answered with status 502"),
        (401, {"detail": "No token."}, "No token. (set HERALD_TOKEN)"),
        (
            422,
            {"detail": "Wrong.", "errors": [{"loc": ["body", "text"], "msg": "too long"}, {"loc": [], "msg": "odd"}]},
            "Wrong: body.text: too long; odd",
        ),
    ],
)
def test_a_problem_becomes_one_line(status: int, problem: dict[str, Any], line: str) -> None:
    assert describe(status, problem) == line


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
def test_the_pace_is_shown_where_it_is_known(rate: float, eta: float | None, text: str) -> None:
    assert describe_pace(a_statistic(rate=rate, eta=eta)) == text


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
    assert [check.what for check in compare(statistics, ledger, matching) if not check.holds] == broken
