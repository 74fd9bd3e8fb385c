"""A batch of results is tallied into attempts to record and messages to move."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.reporter import tally as tallying
from services.reporter.body import FoldableResult, least_form
from services.reporter.tally import LOST, BatchTally, ImplausibleMoment, MessageRecord, MessageUpdate, UnknownMessage
from shared.messages import Result
from tests.support.builders import NOON, a_record, a_result, a_retrying_result

REPLIED_AT = NOON + timedelta(milliseconds=40)


def recorded(folded: BatchTally) -> list[tuple[int, str]]:
    """Shortens the attempts of a tally to their numbers and outcomes."""
    return [(attempt.number, attempt.outcome) for attempt in folded.attempts]


def only(folded: BatchTally) -> MessageUpdate:
    [update] = folded.updates
    return update


def tally(results: Iterable[FoldableResult], records: Mapping[int, MessageRecord]) -> BatchTally:
    return tallying.tally(results, records, NOON)


def test_a_first_try_success_is_recorded_in_the_message_alone() -> None:
    result = a_result()
    folded = tally([result], {1: a_record()})
    assert folded.attempts == ()
    assert only(folded) == MessageUpdate(
        message_id=1,
        number=1,
        status="sent",
        reason=None,
        final_at=REPLIED_AT,
        due_at=REPLIED_AT,
        queued=False,
        first_try=result,
    )


def test_a_failed_attempt_is_recorded_and_another_is_due() -> None:
    due_at = NOON + timedelta(seconds=5)
    folded = tally([a_retrying_result(due_at=due_at)], {1: a_record()})
    [attempt] = folded.attempts
    assert (attempt.number, attempt.outcome, attempt.failed, attempt.detail) == (1, "server_error", True, "HTTP 500")
    update = only(folded)
    assert (update.status, update.final_at, update.first_try) == ("retrying", None, None)
    assert (update.due_at, update.queued) == (due_at, True)


@pytest.mark.parametrize(
    ("numbered", "record", "attempts"),
    [
        # number and status of each result, what is on record, what is recorded now
        # Idempotence: the same result twice in a batch counts once.
        ([(1, "retrying"), (1, "retrying")], a_record(), [(1, "server_error")]),
        ([(1, "sent"), (1, "sent")], a_record(), []),
        # A redelivered one is offered again; the table knows it.
        ([(1, "retrying")], a_record(recorded=1), [(1, "server_error")]),
        # A first try stays where it is, in the message.
        ([(1, "sent")], a_record(recorded=1, first_try=True), []),
        ([(1, "sent")], a_record(recorded=1, first_try=True, claimed=None), []),
        # A success after failures is an attempt like others.
        ([(2, "sent")], a_record(recorded=1, claimed=2), [(2, "accepted")]),
        ([(1, "retrying"), (2, "sent")], a_record(claimed=2), [(1, "server_error"), (2, "accepted")]),
        # Late: number 1 was taken for lost, then its success arrives. It is recorded in the place of the lost one.
        ([(1, "sent")], a_record(recorded=2, claimed=2), [(1, "accepted")]),
        ([(1, "sent")], a_record(recorded=1, claimed=None), [(1, "accepted")]),
        # Gaps are lost: their process died before it could publish. Those on record are no gaps.
        ([(3, "sent")], a_record(claimed=3), [(1, LOST), (2, LOST), (3, "accepted")]),
        ([(4, "sent")], a_record(recorded=2, claimed=4), [(3, LOST), (4, "accepted")]),
        (
            [(4, "retrying"), (2, "retrying")],
            a_record(claimed=4),
            [(1, LOST), (3, LOST), (2, "server_error"), (4, "server_error")],
        ),
        # Order does not matter.
        ([(2, "sent"), (1, "retrying")], a_record(claimed=2), [(1, "server_error"), (2, "accepted")]),
        # Both the first and the second were accepted: the first is the message's own, the second an attempt.
        ([(1, "sent"), (2, "sent")], a_record(claimed=2), [(2, "accepted")]),
        # A final message has no attempt that could be missing.
        ([(3, "sent")], a_record(recorded=3, claimed=None), [(3, "accepted")]),
        # A later number may be claimed already.
        ([(1, "retrying")], a_record(claimed=2), [(1, "server_error")]),
    ],
)
def test_each_attempt_is_recorded_once(
    numbered: list[tuple[int, str]], record: MessageRecord, attempts: list[tuple[int, str]]
) -> None:
    results = [
        a_result(number=number) if status == "sent" else a_retrying_result(number=number) for number, status in numbered
    ]
    assert recorded(tally(results, {1: record})) == attempts


@pytest.mark.parametrize(
    ("statuses", "status", "number"),
    [
        # the statuses of attempts 1, 2, 3 and so on, what wins
        (["retrying"], "retrying", 1),
        (["retrying", "retrying"], "retrying", 2),
        (["retrying", "sent"], "sent", 2),
        (["retrying", "exhausted"], "exhausted", 2),
        # A success wins over any other result, earlier or later.
        (["sent", "retrying"], "sent", 2),
        (["sent", "rejected"], "sent", 2),
        (["rejected", "sent"], "sent", 2),
        (["sent", "exhausted", "expired"], "sent", 3),
        # A refusal of the provider wins over the deadline, the later over the earlier of equals.
        (["rejected", "expired"], "rejected", 2),
        (["expired", "exhausted"], "exhausted", 2),
        (["rejected", "exhausted"], "exhausted", 2),
        (["exhausted", "rejected"], "rejected", 2),
        (["expired", "retrying"], "expired", 2),
    ],
)
def test_the_highest_status_wins(statuses: list[str], status: str, number: int) -> None:
    results = [a_result(number=place, status=status, reason=status) for place, status in enumerate(statuses, start=1)]
    for ordered in (results, results[::-1]):
        update = only(tally(ordered, {1: a_record(claimed=len(results))}))
        assert (update.status, update.reason, update.number) == (status, status, number)
        assert (update.final_at is None) is (status == "retrying")


def test_the_final_moment_is_that_of_the_attempt_that_was_final() -> None:
    later = a_retrying_result(number=2, started_at=NOON + timedelta(minutes=1))
    assert only(tally([a_result(), later], {1: a_record(claimed=2)})).final_at == REPLIED_AT


def test_the_newest_attempt_decides_what_is_due() -> None:
    first = a_retrying_result(due_at=NOON + timedelta(minutes=9), queued=True)
    second = a_retrying_result(number=2, due_at=NOON + timedelta(minutes=1), queued=False)
    update = only(tally([second, first], {1: a_record(claimed=2)}))
    assert (update.due_at, update.queued) == (NOON + timedelta(minutes=1), False)


def test_messages_stand_in_the_order_of_their_ids() -> None:
    folded = tally([a_result(message_id=number) for number in (9, 2, 5)], {id_: a_record() for id_ in (2, 5, 9)})
    assert [update.message_id for update in folded.updates] == [2, 5, 9]


@pytest.mark.parametrize(
    ("result", "records", "error"),
    [
        (a_result(message_id=8), {1: a_record()}, "message 8 is not in the tables"),
        (a_result(), {}, "message 1 is not in the tables"),
        (a_result(number=2), {1: a_record(claimed=1)}, "message 1: attempt 2 was never claimed"),
        (a_result(number=1), {1: a_record(claimed=0)}, "message 1: attempt 1 was never claimed"),
        # The claim was taken back, or the number made up: two billion gaps are not recorded as lost.
        # A final message keeps the highest number that was claimed.
        (a_result(number=3), {1: a_record(recorded=2, claimed=None)}, "message 1: attempt 3 was never claimed"),
        (a_result(number=1), {1: a_record(claimed=None)}, "message 1: attempt 1 was never claimed"),
        (a_result(number=2**31 - 1), {1: a_record(claimed=3)}, "message 1: attempt 2147483647 was never claimed"),
    ],
)
def test_a_result_without_a_known_message_or_attempt_is_refused(
    result: Result, records: Mapping[int, MessageRecord], error: str
) -> None:
    with pytest.raises(UnknownMessage, match=f"^{error}$"):
        tally([result], records)


def test_an_empty_batch_comes_to_nothing() -> None:
    assert tally([], {}) == BatchTally((), ())


results_of_some_messages = st.lists(
    st.builds(
        lambda message_id, number, status: a_result(message_id=message_id, number=number, status=status),
        st.integers(1, 3),
        st.integers(1, 6),
        st.sampled_from(["retrying", "sent", "rejected", "exhausted", "expired"]),
    ),
    max_size=12,
    unique_by=lambda result: (result.message_id, result.number),
)
KNOWN = {message_id: a_record(claimed=6) for message_id in (1, 2, 3)}


@settings(deadline=None)
@given(st.data(), results_of_some_messages)
def test_order_and_repetition_change_nothing(data: st.DataObject, results: list[Result]) -> None:
    again = data.draw(st.lists(st.sampled_from(results), max_size=5)) if results else []
    shuffled = data.draw(st.permutations(results + again))
    assert tally(shuffled, KNOWN) == tally(results, KNOWN)


@settings(deadline=None)
@given(results_of_some_messages)
def test_every_number_up_to_the_highest_is_on_record_once(results: list[Result]) -> None:
    folded = tally(results, KNOWN)
    for update in folded.updates:
        numbers = [attempt.number for attempt in folded.attempts if attempt.message_id == update.message_id]
        numbers += [1] if update.first_try else []
        assert sorted(numbers) == list(range(1, update.number + 1))


@pytest.mark.parametrize(
    "moment",
    [
        datetime.max.replace(tzinfo=UTC),
        datetime.min.replace(tzinfo=timezone(timedelta(hours=14))),
        datetime(1999, 12, 31, tzinfo=UTC),
        NOON + timedelta(days=2),
    ],
    ids=["end of the calendar", "its beginning", "another century", "ahead"],
)
def test_a_result_of_another_age_is_refused(moment: datetime) -> None:
    with pytest.raises(ImplausibleMoment, match=r"^message 1: attempt 1 began at an impossible moment$"):
        tally([a_result(started_at=moment)], {1: a_record()})


def test_a_result_in_its_least_form_closes_its_claim_without_moments() -> None:
    least = least_form(a_retrying_result(number=2, started_at=datetime.max.replace(tzinfo=UTC)))
    folded = tally([least], {1: a_record(claimed=2, recorded=1)})
    update = only(folded)
    assert (update.number, update.status, update.due_at, update.queued) == (2, "retrying", None, False)
    (attempt,) = folded.attempts
    assert (attempt.outcome, attempt.started_at, attempt.duration_ms, attempt.failed) == (
        "unreadable",
        None,
        None,
        True,
    )


def test_a_first_success_in_its_least_form_is_recorded_as_an_attempt() -> None:
    folded = tally([least_form(a_result())], {1: a_record()})
    assert [(attempt.number, attempt.outcome) for attempt in folded.attempts] == [(1, "unreadable")]
    assert (only(folded).status, only(folded).first_try, only(folded).final_at) == ("sent", None, None)
