"""Attempts: what is sent, published, logged and counted for one claimed job."""

import asyncio
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID

import pytest
from msgspec.structs import replace
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from services.dispatcher.admission.adaptive_concurrency import AdaptiveConcurrency
from services.dispatcher.admission.admission import Admission
from services.dispatcher.admission.breaker import Breaker
from services.dispatcher.attempt import MOST_QUEUED_RETRIES, AttemptRun, AttemptTools
from services.dispatcher.claimed_job import ClaimedJob, ClaimTerms
from services.dispatcher.claims.claim import Claim
from services.dispatcher.claims.heard_edits import HeardEdit
from services.dispatcher.claims.held_claims import HeldClaims
from services.dispatcher.metrics import Metrics
from services.dispatcher.provider_api.replies import Reply
from services.dispatcher.queued_retries import QueuedRetries
from shared.broker import Outgoing
from shared.database import Pool
from shared.messages import Result, encode
from tests.support.builders import NOON, PHONE, TEXT, TOKEN, a_claim, a_job, a_policy, a_reply, a_ticket
from tests.support.fakes import FakeClock, FakeDelivery, FakeProvider, RecordingPublisher

NAME = UUID("01234567-89ab-4def-8123-456789abcdef")
# Asked at 100 s, taken up 20 ms later, begun at once, answered within 40 ms.
ON_TIME = (100.02, 100.02, 100.06)
BROKEN = a_reply(b"oops", 500)


class Bench:
    """An attempt runner and all the fakes around it. Its lease holds from 99 s on."""

    def __init__(self, *replies: Reply, moments: tuple[float, ...] = ON_TIME, refusals: float = 0) -> None:
        self.provider = FakeProvider(*replies)
        self.publisher = RecordingPublisher(refusals=refusals)
        self.breaker = Breaker(lambda: 1.0)
        self.admission = Admission(self.breaker, AdaptiveConcurrency(100))
        self.registry = CollectorRegistry()
        self.moment = 100.0
        self.held = HeldClaims(lambda: self.moment)
        self.held.record_beat(99.0, ())
        self.retries = QueuedRetries(cast(Pool, None))
        self.tools = AttemptTools(
            held=self.held,
            publisher=self.publisher,
            provider=self.provider,
            admission=self.admission,
            policy=a_policy(),
            retries=self.retries,
            metrics=Metrics(self.registry),
            timeout=10,
            token=TOKEN,
            clock=FakeClock(*moments),
        )

    def hold(self, claim: Claim | None = None, *, probe: bool = False) -> ClaimedJob:
        claim = claim or a_claim()
        terms = ClaimTerms(NAME, self.held.lease.term, self.held.heard.count, asked=100.0)
        claimed = ClaimedJob(FakeDelivery(), a_job(attempt=claim.number), claim, terms, a_ticket(probe=probe))
        self.held.hold(claimed, lambda: None)
        return claimed

    def start(self, claimed: ClaimedJob) -> "tuple[AttemptRun, asyncio.Future[Result | None]]":
        """Starts an attempt, and returns it with its end."""
        ended: asyncio.Future[Result | None] = asyncio.get_running_loop().create_future()
        attempt = AttemptRun(self.tools, claimed, lambda _, result: ended.set_result(result))
        attempt.start()
        return attempt, ended

    async def make(self, claim: Claim | None = None, *, probe: bool = False) -> Result | None:
        return await self.start(self.hold(claim, probe=probe))[1]

    async def result(self, claim: Claim | None = None, *, probe: bool = False) -> Result:
        result = await self.make(claim, probe=probe)
        assert result is not None
        return result


async def test_an_accepted_message_is_sent() -> None:
    bench = Bench()
    assert await bench.result() == Result(
        message_id=1,
        mailing_id=7,
        client_id=3,
        number=1,
        status="sent",
        outcome="accepted",
        # The database's time of the claim, and the monotonic difference to the request.
        started_at=NOON + timedelta(seconds=0.02),
        duration_ms=40,
        http_status=200,
        request_id="req-1",
    )
    assert bench.publisher.published == []


async def test_the_claimed_text_and_phone_are_sent() -> None:
    bench = Bench()
    await bench.make(a_claim(message_id=1, text="as edited", phone="79990000001"))
    [(message_id, phone, text, _)] = bench.provider.requests
    assert (message_id, phone, text) == (1, "79990000001", "as edited")


@pytest.mark.parametrize(
    ("seconds_left", "seconds"),
    [
        (3600.0, 10),
        (10.27, 10),
        # Clipped so that the reply is there a quarter of a second before the end.
        (5.0, 4.73),
        (0.28, 0.01),
    ],
)
async def test_no_request_is_open_after_the_end(seconds_left: float, seconds: float) -> None:
    bench = Bench()
    await bench.make(a_claim(seconds_left=seconds_left))
    # The deadline is a moment; the claim was 20 ms old.
    assert bench.provider.requests[0][3] == pytest.approx(100.02 + seconds)


async def test_a_claim_that_may_not_begin_is_left_to_be_given_back() -> None:
    bench = Bench()
    claimed = bench.hold()
    bench.held.withdraw_all("edit")
    assert await bench.start(claimed)[1] is None
    assert bench.provider.requests == []
    assert bench.held.let_go(claimed) == "edit"


async def test_a_claim_without_time_left_does_not_begin() -> None:
    bench = Bench()
    bench.moment = 100.02
    claimed = bench.hold(a_claim(seconds_left=0.26))
    assert await bench.start(claimed)[1] is None
    assert bench.held.let_go(claimed) == "time"


async def test_a_cancelled_attempt_that_has_not_begun_leaves_its_claim_to_be_given_back() -> None:
    bench = Bench()
    bench.provider.connected.clear()
    claimed = bench.hold()
    attempt, ended = bench.start(claimed)
    await asyncio.sleep(0)
    bench.held.withdraw_all("edit")
    attempt.cancel()
    assert await ended is None
    assert bench.held.let_go(claimed) == "edit"


async def test_an_error_before_the_request_begins_gives_the_claim_back() -> None:
    bench = Bench()
    bench.provider.error = ZeroDivisionError("a bug")
    bench.provider.connected.clear()
    claimed = bench.hold()
    _, ended = bench.start(claimed)
    await asyncio.sleep(0)
    bench.provider.connected.set()
    with capture_logs() as lines:
        assert await ended is None
    assert bench.held.let_go(claimed) == "error"
    assert [line["event"] for line in lines if line["log_level"] == "error"] == ["attempt crashed"]


async def test_an_error_after_the_request_has_begun_is_a_failure_that_is_tried_again() -> None:
    bench = Bench(cast(Reply, None))
    bench.breaker.trip(90.0)
    claimed = replace(bench.hold(), ticket=bench.admission.begin(100.0))
    with capture_logs() as lines:
        result = await bench.start(claimed)[1]
    assert result is not None
    assert (result.status, result.failed, result.queued) == ("retrying", True, False)
    assert result.due_at is not None
    assert [line["event"] for line in lines if line["log_level"] == "error"] != []
    # The probe has ended, or the half-open breaker would wait for it for ever.
    assert (bench.breaker.state(100.06), bench.admission.begun) == ("open", 0)


async def test_a_failure_is_retried_through_its_queue() -> None:
    bench = Bench(BROKEN)
    result = await bench.result(a_claim(number=3, failures=1))
    job = a_job(attempt=4, failures=2)
    assert bench.publisher.published == [Outgoing("herald.retry", "dispatcher.retry.30s", encode(job))]
    assert (result.status, result.outcome, result.reason) == ("retrying", "server_error", None)
    assert (result.number, result.failed, result.queued) == (3, True, True)
    # 20 ms to the request, 40 ms to its reply, then the delay.
    assert result.due_at == NOON + timedelta(seconds=30.06)


@pytest.mark.parametrize(
    ("refusals", "queued_retries"), [(1, 0), (0, MOST_QUEUED_RETRIES)], ids=["unpublished", "queues full"]
)
async def test_a_retry_that_is_not_on_the_broker_waits_in_the_table(refusals: int, queued_retries: int) -> None:
    bench = Bench(BROKEN, refusals=refusals)
    bench.retries.count = queued_retries
    result = await bench.result()
    assert (result.status, result.failed, result.queued) == ("retrying", True, False)
    assert result.due_at == NOON + timedelta(seconds=5.06)


async def test_an_exhausted_job_is_dead_lettered_with_its_ids_and_the_reason() -> None:
    bench = Bench(BROKEN)
    result = await bench.result(a_claim(number=8, failures=7))
    assert (result.status, result.reason, result.failed) == ("exhausted", "HTTP 500", True)
    ended_at = result.started_at + timedelta(milliseconds=result.duration_ms)
    (buried,) = bench.publisher.published
    at = datetime.fromisoformat(str(buried.headers["at"]))
    assert abs(at - ended_at) < timedelta(milliseconds=1)
    headers: dict[str, str | int] = {"mailing_id": 7, "message_id": 1, "reason": "exhausted: HTTP 500"}
    headers["at"] = buried.headers["at"]
    assert buried == Outgoing("herald.dead", "dispatcher.dead", encode(a_job(attempt=8)), headers)


async def test_a_dead_letter_that_is_not_published_changes_nothing_else() -> None:
    result = await Bench(BROKEN, refusals=1).result(a_claim(number=8, failures=7))
    assert result.status == "exhausted"


async def test_a_refused_message_is_rejected_with_the_reason() -> None:
    bench = Bench(a_reply(b'{"code": 3, "message": "bad phone"}', 400))
    result = await bench.result()
    assert (result.status, result.reason, result.http_status) == ("rejected", "HTTP 400", 400)
    assert result.detail == 'HTTP 400: {"code": 3, "message": "bad phone"}'
    assert bench.publisher.published == []


async def test_a_refused_token_opens_the_breaker_and_spends_no_attempt() -> None:
    bench = Bench(a_reply(b"", 401))
    with capture_logs() as lines:
        result = await bench.result()
    assert (result.status, result.outcome, result.failed) == ("retrying", "unauthorized", False)
    assert bench.breaker.state(100.06) == "open"
    [loud] = [line for line in lines if line["log_level"] == "error"]
    assert loud["variable"] == "HERALD_PROVIDER_TOKEN"


@pytest.mark.parametrize("reply", [BROKEN, Reply("timeout"), Reply("broken"), a_reply(b"<html>", 202)])
async def test_a_probe_that_may_have_arrived_spends_an_attempt(reply: Reply) -> None:
    # It went free once, and one person got a message every 15 s until the mailing ended.
    bench = Bench(reply)
    result = await bench.result(a_claim(failures=2), probe=True)
    assert (result.status, result.failed) == ("retrying", True)
    assert bench.publisher.published[0].routing_key == "dispatcher.retry.2m"
    assert (await Bench(reply).result(a_claim(failures=7), probe=True)).status == "exhausted"


@pytest.mark.parametrize("probe", [False, True])
@pytest.mark.parametrize(
    "reply", [Reply("unreachable"), a_reply(b"", 401), a_reply(b"", 429), a_reply(b"", 503, retry_after="3")]
)
async def test_what_was_certainly_not_taken_spends_no_attempt(reply: Reply, probe: bool) -> None:
    result = await Bench(reply).result(a_claim(failures=7), probe=probe)
    assert (result.status, result.failed) == ("retrying", False)


async def test_too_late_for_a_retry_waits_in_the_table_for_the_end_or_a_later_one() -> None:
    bench = Bench(BROKEN)
    result = await bench.result(a_claim(seconds_left=7.0))
    assert (result.status, result.reason, result.queued) == ("retrying", None, False)
    assert bench.publisher.published == []


async def test_the_time_of_the_request_counts_towards_the_end() -> None:
    bench = Bench(BROKEN, moments=(100.02, 100.02, 109.0))
    assert (await bench.result(a_claim(seconds_left=15.0))).queued is False


IDS = {"mailing_id": 7, "message_id": 1, "client_id": 3, "attempt": 1, "request_id": "req-1"}


async def test_a_success_is_logged_briefly() -> None:
    bench = Bench()
    with capture_logs() as lines:
        await bench.result()
    ended = lines[-1]
    assert ended == IDS | {
        "event": "attempt ended",
        "log_level": "info",
        "outcome": "accepted",
        "http_status": 200,
        "duration_ms": 40,
        "status": "sent",
    }


async def test_a_failure_is_logged_with_the_providers_reply_and_what_follows() -> None:
    bench = Bench(a_reply(b'{"code": 7, "message": "busy"}', 429, retry_after="20"))
    with capture_logs() as lines:
        result = await bench.result()
    assert lines[-1] == IDS | {
        "event": "attempt ended",
        "log_level": "info",
        "outcome": "too_many",
        "http_status": 429,
        "duration_ms": 40,
        "status": "retrying",
        "verdict": "temporary",
        "detail": 'HTTP 429: {"code": 7, "message": "busy"}',
        "reason": None,
        "failures": 0,
        "spends_budget": False,
        "retry_after_s": 20.0,
        "retry_in_s": 20.0,
        "due_at": result.due_at,
        "queued": False,
    }


async def test_neither_phone_nor_text_nor_token_leaves_with_a_result() -> None:
    echo = f"no route for {PHONE}: {TEXT} ({TOKEN})".encode()
    for reply in (a_reply(echo, 400), a_reply(echo, 500), a_reply(echo), a_reply(echo, 401)):
        bench = Bench(reply)
        with capture_logs() as lines:
            result = await bench.result(a_claim(failures=7))
        written = repr((result, bench.publisher.published, lines))
        assert [secret for secret in (PHONE, TEXT, TOKEN) if secret in written] == []


async def test_a_request_cut_off_by_the_shutdown_is_a_reply_that_did_not_come() -> None:
    bench = Bench()
    bench.provider.gate.clear()
    attempt, ended = bench.start(bench.hold())
    await bench.provider.asked.wait()
    attempt.cancel()
    result = await ended
    assert result is not None
    assert (result.status, result.outcome, result.failed) == ("retrying", "timeout", True)


# The client hands on any three digits as a status, 000 and 099 as well.
@pytest.mark.parametrize("http_status", [0, 99, 100, 999])
async def test_every_status_that_can_be_answered_gives_a_result(http_status: int) -> None:
    result = await Bench(a_reply(b"", http_status)).result()
    assert (result.status, result.outcome) == ("retrying", "unreadable")


async def test_an_attempt_is_counted_by_its_outcome_with_its_time_and_what_was_left() -> None:
    bench = Bench(BROKEN)
    await bench.make(a_claim(seconds_left=3600.0))
    seen = bench.registry.get_sample_value
    assert seen("herald_attempts_total", {"outcome": "server_error"}) == 1
    assert seen("herald_request_duration_seconds_sum") == pytest.approx(0.04)
    assert seen("herald_deadline_margin_seconds_sum") == pytest.approx(3599.98)


@pytest.mark.parametrize(("refusals", "letters"), [(0, 1), (1, 0)])
async def test_a_dead_letter_is_counted_once_it_is_on_the_broker(refusals: int, letters: int) -> None:
    bench = Bench(BROKEN, refusals=refusals)
    await bench.make(a_claim(failures=7))
    labels = {"queue": "dispatcher.dead", "reason": "exhausted"}
    assert bench.registry.get_sample_value("herald_dead_letters_total", labels) == letters


async def test_a_text_that_cannot_be_rendered_is_rejected_without_a_request() -> None:
    bench = Bench()
    result = await bench.result(a_claim(text="", refusal="no value: name"))
    assert (result.status, result.reason, result.outcome, result.failed) == (
        "rejected",
        "no value: name",
        "not_rendered",
        False,
    )
    assert bench.provider.requests == []
    assert len(bench.held) == 0


async def test_an_edit_that_may_have_mended_the_text_gives_the_claim_back_instead() -> None:
    bench = Bench()
    claimed = bench.hold(a_claim(text="", refusal="no value: name"))
    bench.held.hear([HeardEdit(1, client_ids=[claimed.claim.client_id])])
    assert await bench.start(claimed)[1] is None
    assert bench.held.let_go(claimed) == "edit"


async def test_values_of_the_client_are_scrubbed_from_what_the_provider_echoes() -> None:
    claim = a_claim(text="Hello, Anna! K-4711", values=("Anna", "K-4711-long-contract"))
    bench = Bench(a_reply(b"no route for anna of K-4711-long-contract", 500))
    result = await bench.result(claim)
    assert result.detail == "HTTP 500: no route for *** of ***"
