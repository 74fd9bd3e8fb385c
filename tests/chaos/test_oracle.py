"""The oracle itself: each broken promise is seen, and nothing else is called broken."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from services.planner.closing.rules import OUTCOME_UNKNOWN
from tests.chaos.ledger import Request
from tests.chaos.line import Line, evidence, table, unpack
from tests.chaos.oracle import CLOSED_AFTER, MOST_MEMORY, Findings, Mailing, Message, judge
from tests.chaos.watch import Rate

END = datetime(2030, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)
WHOLE = Mailing(1, END, END - SECOND, whole=True)
BRIEF = Mailing(2, END, END + SECOND, whole=False)
SENT = Message(10, 1, "sent", None, 1, 0)
EXPIRED = Message(20, 2, "expired", "deadline reached", 0, 0)


def received(message_id: int, *, at: datetime = END - SECOND, mode: str = "ok") -> Request:
    return Request(message_id, at, mode, accepted=mode in ("ok", "lost_reply"), text="Hello")


def findings(*messages: Message, requests: tuple[Request, ...] = (received(10),)) -> Findings:
    return Findings(
        mailings=(WHOLE, BRIEF),
        messages=messages or (SENT, EXPIRED),
        requests=requests,
        attempts=1,
        replied_late=0,
        held=0,
        closable_at=END - timedelta(days=1),
        excuse=None,
        memory={"planner": MOST_MEMORY},
        books=(),
    )


TWICE = (received(10), received(10))
SEEN_TWICE = replace(SENT, attempts=2, unaccepted=1)

GOOD = [
    findings(),
    # A repeat that a lost reply, or a process that was killed, accounts for.
    findings(SEEN_TWICE, requests=(received(10, mode="lost_reply"), received(10))),
    replace(findings(SEEN_TWICE, requests=TWICE), held=1),
    # So does a reply that came after the timeout.
    findings(replace(SEEN_TWICE, timed_out=1), requests=TWICE),
    # Accepted, and nobody could know.
    findings(
        SENT, replace(EXPIRED, reason=OUTCOME_UNKNOWN, attempts=1, unaccepted=1), requests=(*TWICE[:1], received(20))
    ),
    replace(findings(replace(SENT, status="expired", reason="too late, as asked"), requests=()), excuse="as asked"),
]
BAD = [
    # One reply that came too late does not account for two repeats, nor for those of another message.
    (
        "I4 2 duplicated, 1 admitted",
        findings(replace(SENT, attempts=3, unaccepted=2, timed_out=1), EXPIRED, requests=(*TWICE, received(10))),
    ),
    (
        "I4 1 duplicated, 0 admitted",
        findings(SEEN_TWICE, replace(EXPIRED, attempts=1, unaccepted=1, timed_out=1), requests=TWICE),
    ),
    ("I1 1 lost", findings(replace(SENT, status="retrying"))),
    ("I1 1 lost", findings(SENT, replace(EXPIRED, status="pending"))),
    ("I1 1 lost", findings(requests=())),
    ("I1 1 lost", findings(replace(SENT, status="expired", reason=OUTCOME_UNKNOWN))),
    ("I1 mailing 2 is not finished", replace(findings(), mailings=(WHOLE, replace(BRIEF, finished_at=None)))),
    (
        "I1 mailing 2 finished 31.0 s after its end",
        replace(findings(), mailings=(WHOLE, replace(BRIEF, finished_at=END + CLOSED_AFTER + SECOND))),
    ),
    ("I2 1 late", findings(requests=(received(10, at=END + SECOND),))),
    ("I2 1 late", replace(findings(), replied_late=1)),
    ("I4 1 duplicated, 0 admitted", findings(SEEN_TWICE, requests=TWICE)),
    ("I4 1 with more requests than attempts show", replace(findings(SENT, requests=TWICE), held=1)),
    ("I5 1 messages at the provider that are in no mailing", findings(requests=(*TWICE[:1], received(99)))),
    ("I5 1 accepted and not sent", findings(SENT, replace(EXPIRED, attempts=1), requests=(*TWICE[:1], received(20)))),
    ("I5 the books", replace(findings(), books=("I5 the books",))),
    ("I7 planner took 257 MiB", replace(findings(), memory={"planner": MOST_MEMORY + 1024 * 1024})),
]


@pytest.mark.parametrize("found", GOOD)
def test_what_is_promised_is_not_called_broken(found: Findings) -> None:
    assert judge(found).broken == ()


@pytest.mark.parametrize(("promise", "found"), BAD)
def test_a_broken_promise_is_seen(promise: str, found: Findings) -> None:
    assert any(broken.startswith(promise) for broken in judge(found).broken)


@pytest.mark.parametrize(
    ("counts", "back"),
    [
        # One count a second: at a rate of 10 it is back when a whole span goes at that rate.
        ([0, 10, 20, 30], 0),
        ([0, 0, 0, 10, 20, 30], 2),
        ([0, 5, 10, 15, 20], None),
        # A burst shorter than the span is not a rate.
        ([0, 0, 12, 12, 12], None),
        ([], None),
    ],
)
def test_a_rate_is_back_when_a_whole_span_has_it(counts: list[int], back: float | None) -> None:
    rate = Rate([(float(second), count) for second, count in enumerate(counts)])
    assert rate.back_at(0, 10) == back


def test_lines_travel_as_text_and_make_a_table() -> None:
    good = Line("b", 12, 10, 0, 1, 0, 2.5, "1 repeats admitted")
    bad = Line("a", 1, 1, 0, 0, 0, None, broken=("I2 1 late",))
    assert [unpack(line.pack()) for line in (good, bad)] == [good, bad]
    assert [[cell.strip() for cell in text.strip("| ").split(" | ")] for text in table([good, bad])[2:]] == [
        ["a", "1", "1", "0", "0", "0", "-", "PROMISE BROKEN"],
        ["b", "12", "10", "0", "1", "0", "2.5", "1 repeats admitted"],
    ]
    assert evidence([good, bad]) == ["BROKEN a: I2 1 late"]
