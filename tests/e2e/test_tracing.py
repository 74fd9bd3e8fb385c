"""A request and its messages are traced through every process, by OpenTelemetry's protocol."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.conftest import MakeStack
from tests.support.monitoring.collector import CollectedSpan, Collector, open_collector
from tests.support.operator import Operator
from tests.support.polling import until

CALLER = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{CALLER}-00f067aa0ba902b7-01"
TEXT = "A text that no collector may see"
# The sandbox answers the last one with 500, and two attempts are all that a message has.
PHONES = ("79000001001", "79000001002", "79000000500")
ENV = {"HERALD_RETRY_DELAYS": "1s", "HERALD_MAX_ATTEMPTS": "2"}
FOLDED = "process reporter.results"
ATTEMPTS = 4

pytestmark = pytest.mark.timeout(120)


async def test_a_message_is_traced_from_the_request_of_its_mailing_to_the_fold_of_its_result(
    make_stack: MakeStack, free_port: int
) -> None:
    async with open_collector(free_port) as collector:
        otel = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "OTEL_BSP_SCHEDULE_DELAY": "100",
            "OTEL_EXPORTER_OTLP_TIMEOUT": "1",
        }
        stack = await make_stack(env={**ENV, **otel})
        operator = Operator(stack)
        await operator.import_csv(*(f"{phone},900,,UTC" for phone in PHONES))
        end_at = (datetime.now(UTC) + timedelta(minutes=5)).isoformat()
        body = {"text": TEXT, "filter": {}, "end_at": end_at}
        async with stack.api.post("/api/v1/mailings", json=body, headers={"traceparent": TRACEPARENT}) as reply:
            mailing_id = (await reply.json())["id"]
        assert await operator.until_status(mailing_id, "finished") == {"sent": 2, "exhausted": 1}

        async def all_are_there() -> bool:
            return len(collector.named(FOLDED)) == ATTEMPTS and bool(collector.named("process planner.mailings"))

        await until(all_are_there, 20, "every span has arrived")
        check_request(collector, mailing_id)
        messages = await operator.messages(mailing_id)
        for message in messages:
            check_message(collector, mailing_id, message["id"], message["attempts"])
        sent = b"".join(collector.raw)
        assert not [secret for secret in (*PHONES, TEXT) if secret.encode() in sent]
        # A collector that goes away is a warning, and nothing stops.
    await operator.create_mailing(filter={"operator_codes": ["999"]})
    api = stack.process("api")

    async def complained() -> bool:
        return "spans not exported" in api.text()

    await until(complained, 40, "the API says that nobody takes its spans")
    assert '"level":"error"' not in api.text()
    assert await api.stop() == 0


def check_request(collector: Collector, mailing_id: int) -> None:
    """Checks the trace of the caller: the request, the event that it published, and the planner that read it."""
    [request] = [span for span in collector.named("POST /api/v1/mailings") if span.trace == CALLER]
    assert (request.service, request.kind, request.parent) == ("herald-api", "SERVER", "00f067aa0ba902b7")
    assert request.attributes["http.response.status_code"] == 201
    [published] = [span for span in collector.named("publish herald.mailings") if span.trace == CALLER]
    assert (published.service, published.kind, published.parent) == ("herald-api", "PRODUCER", request.id)
    [read] = [span for span in collector.named("process planner.mailings") if span.trace == CALLER]
    assert (read.service, read.kind, read.parent) == ("herald-planner", "CONSUMER", published.id)
    assert read.attributes["herald.mailing_id"] == mailing_id


def check_message(collector: Collector, mailing_id: int, message_id: int, attempts: int) -> None:
    """Checks the trace of a message: its job, and of each attempt the work, the request and the fold."""
    [job] = [
        span for span in collector.named("publish herald.jobs") if span.attributes["herald.message_id"] == message_id
    ]
    assert (job.service, job.kind, job.parent, job.links) == ("herald-planner", "PRODUCER", "", [CALLER])
    assert job.attributes["herald.mailing_id"] == mailing_id
    trace = [span for span in collector.spans if span.trace == job.trace]
    assert len(trace) == 1 + 3 * attempts
    above = job
    for number in range(1, attempts + 1):
        [attempt] = children(trace, above, "process dispatcher.jobs")
        assert (attempt.service, attempt.attributes["herald.attempt"]) == ("herald-dispatcher", number)
        [request] = children(trace, attempt, "POST")
        assert (request.kind, request.attributes["server.address"]) == ("CLIENT", "127.0.0.1")
        assert request.attributes["http.response.status_code"] in (200, 500)
        assert attempt.begun <= request.begun <= request.ended <= attempt.ended
        [folded] = children(trace, attempt, FOLDED)
        assert (folded.service, folded.attributes["herald.attempt"]) == ("herald-reporter", number)
        above = attempt


def children(trace: list[CollectedSpan], above: CollectedSpan, name: str) -> list[CollectedSpan]:
    """Returns the spans of this name below another."""
    return [span for span in trace if span.parent == above.id and span.name == name]
