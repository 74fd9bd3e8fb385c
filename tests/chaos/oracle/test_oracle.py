"""The oracle finds every broken promise, and reports nothing that is permitted."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from services.planner.closing.rules import OUTCOME_UNKNOWN
from tests.chaos.harness.monitor import RateSamples
from tests.chaos.harness.result import ExperimentResult, format_table, list_violations, unpack
from tests.chaos.oracle.invariants import CLOSED_WITHIN, MAX_MEMORY, judge
from tests.chaos.oracle.observations import Observations, ObservedMailing, ObservedMessage
from tests.chaos.oracle.provider_ledger import ProviderRequest

END = datetime(2030, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MAIN = ObservedMailing(1, END, END - SECOND, must_reach_all=True)
BRIEF = ObservedMailing(2, END, END + SECOND, must_reach_all=False)
SENT = ObservedMessage(10, 1, "sent", None, 1, 0)
EXPIRED = ObservedMessage(20, 2, "expired", "deadline reached", 0, 0)


def received(message_id: int, *, at: datetime = END - SECOND, mode: str = "ok") -> ProviderRequest:
    return ProviderRequest(message_id, at, mode, accepted=mode in ("ok", "lost_reply"), text="Hello")


def observed(*messages: ObservedMessage, requests: tuple[ProviderRequest, ...] = (received(10),)) -> Observations:
    return Observations(
        mailings=(MAIN, BRIEF),
        messages=messages or (SENT, EXPIRED),
        requests=requests,
        attempts=1,
        replied_late=0,
        held_claims=0,
        closable_at=END - timedelta(days=1),
        excuse=None,
        memory={"planner": MAX_MEMORY},
        inconsistencies=(),
    )


TWICE = (received(10), received(10))
SENT_TWICE = replace(SENT, attempts=2, unaccepted=1)

PERMITTED = [
    observed(),
    # A repeat is explained by a lost reply, or by a killed process.
    observed(SENT_TWICE, requests=(received(10, mode="lost_reply"), received(10))),
    replace(observed(SENT_TWICE, requests=TWICE), held_claims=1),
    # A dispatcher stood still with a success that it told of only after another had sent the message again.
    replace(observed(replace(SENT, attempts=2), requests=TWICE), held_claims=1, held_messages=(10,)),
    # A reply after the timeout explains one, too.
    observed(replace(SENT_TWICE, timed_out=1), requests=TWICE),
    # The provider accepted it, which Herald could not find out.
    observed(
        SENT, replace(EXPIRED, reason=OUTCOME_UNKNOWN, attempts=1, unaccepted=1), requests=(*TWICE[:1], received(20))
    ),
    replace(observed(replace(SENT, status="expired", reason="too late, as asked"), requests=()), excuse="as asked"),
]
BROKEN = [
    # One late reply explains neither two repeats nor a repeat of another message.
    (
        "I4 2 duplicated, 1 admitted",
        observed(replace(SENT, attempts=3, unaccepted=2, timed_out=1), EXPIRED, requests=(*TWICE, received(10))),
    ),
    (
        "I4 1 duplicated, 0 admitted",
        observed(SENT_TWICE, replace(EXPIRED, attempts=1, unaccepted=1, timed_out=1), requests=TWICE),
    ),
    (
        "I4 1 duplicated, 0 admitted",
        observed(SENT_TWICE, replace(EXPIRED, attempts=1), requests=(*TWICE, received(20, mode="lost_reply"))),
    ),
    ("I1 1 lost", observed(replace(SENT, status="retrying"))),
    ("I1 1 lost", observed(SENT, replace(EXPIRED, status="pending"))),
    ("I1 1 lost", observed(requests=())),
    ("I1 1 lost", observed(replace(SENT, status="expired", reason=OUTCOME_UNKNOWN))),
    ("I1 mailing 2 is not finished", replace(observed(), mailings=(MAIN, replace(BRIEF, finished_at=None)))),
    (
        "I1 mailing 2 finished 31.0 s after its end",
        replace(observed(), mailings=(MAIN, replace(BRIEF, finished_at=END + CLOSED_WITHIN + SECOND))),
    ),
    ("I2 1 late", observed(requests=(received(10, at=END + SECOND),))),
    ("I2 1 late", replace(observed(), replied_late=1)),
    ("I4 1 duplicated, 0 admitted", observed(SENT_TWICE, requests=TWICE)),
    ("I4 1 with more requests than attempts show", replace(observed(SENT, requests=TWICE), held_claims=1)),
    # One that stood still explains no third, and none of another message.
    (
        "I4 1 with more requests than attempts show",
        replace(observed(replace(SENT, attempts=2), requests=TWICE), held_claims=1, held_messages=(20,)),
    ),
    (
        "I4 1 with more requests than attempts show",
        replace(
            observed(replace(SENT, attempts=3), requests=(*TWICE, received(10))), held_claims=2, held_messages=(10,)
        ),
    ),
    ("I5 1 messages at the provider that are in no mailing", observed(requests=(*TWICE[:1], received(99)))),
    ("I5 1 accepted and not sent", observed(SENT, replace(EXPIRED, attempts=1), requests=(*TWICE[:1], received(20)))),
    ("I5 the counters", replace(observed(), inconsistencies=("I5 the counters",))),
    ("I7 planner took 257 MiB", replace(observed(), memory={"planner": MAX_MEMORY + 1024 * 1024})),
]


@pytest.mark.parametrize("observations", PERMITTED)
def test_what_is_permitted_is_no_violation(observations: Observations) -> None:
    assert judge(observations).violations == ()


@pytest.mark.parametrize(("violation", "observations"), BROKEN)
def test_a_broken_promise_is_found(violation: str, observations: Observations) -> None:
    assert any(found.startswith(violation) for found in judge(observations).violations)


@pytest.mark.parametrize(
    ("counts", "back"),
    [
        # One count a second: a rate of 10 is back when a whole span has it.
        ([0, 10, 20, 30], 0),
        ([0, 0, 0, 10, 20, 30], 2),
        ([0, 5, 10, 15, 20], None),
        # A burst shorter than the span is not a rate.
        ([0, 0, 12, 12, 12], None),
        ([], None),
    ],
)
def test_a_rate_is_back_when_a_whole_span_has_it(counts: list[int], back: float | None) -> None:
    samples = RateSamples([(float(second), count) for second, count in enumerate(counts)])
    assert samples.back_at(0, 10) == back


def test_results_travel_as_text_and_make_a_table() -> None:
    good = ExperimentResult("b", 12, 10, 0, 1, 0, 2.5, "1 repeats admitted")
    bad = ExperimentResult("a", 1, 1, 0, 0, 0, None, violations=("I2 1 late",))
    assert [unpack(result.pack()) for result in (good, bad)] == [good, bad]
    assert [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in format_table([good, bad])[2:]] == [
        ["a", "1", "1", "0", "0", "0", "-", "PROMISE BROKEN"],
        ["b", "12", "10", "0", "1", "0", "2.5", "1 repeats admitted"],
    ]
    assert list_violations([good, bad]) == ["BROKEN a: I2 1 late"]
