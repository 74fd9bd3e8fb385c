"""Hints to the planner: published in the background, and dropped rather than waited for."""

import asyncio

from structlog.testing import capture_logs

from services.api.mailings.planner_hints import HintQueue
from shared.broker import Outgoing, Unpublished
from shared.health import Health
from shared.messages import MailingEvent, decode
from shared.metrics import new_registry
from shared.task_supervisor import TaskSupervisor


class FakePublisher:
    """Publishes while it is `open`; otherwise a publish waits, like one to a broker that is away."""

    def __init__(self) -> None:
        self.published: list[Outgoing] = []
        self.open = asyncio.Event()
        self.failures = 0

    async def publish(self, outgoing: Outgoing) -> None:
        await self.open.wait()
        if self.failures:
            self.failures -= 1
            raise Unpublished("not confirmed")
        self.published.append(outgoing)


async def test_events_are_published_in_order_under_their_names() -> None:
    publisher = FakePublisher()
    publisher.open.set()
    async with HintQueue(publisher) as events:
        events.put("mailing.created", 1, "r1")
        events.put("mailing.paused", 2, "r2")
    assert [(sent.exchange, sent.routing_key) for sent in publisher.published] == [
        ("herald.mailings", "mailing.created"),
        ("herald.mailings", "mailing.paused"),
    ]
    first, second = (decode(MailingEvent, sent.body) for sent in publisher.published)
    assert (first.event, first.mailing_id, first.request_id) == ("mailing.created", 1, "r1")
    assert first.event_id != second.event_id


async def test_a_full_queue_drops_hints_and_logs_them() -> None:
    publisher = FakePublisher()
    with capture_logs() as lines:
        async with HintQueue(publisher, size=2) as events:
            for mailing_id in range(1, 6):
                events.put("mailing.created", mailing_id, "r")
            publisher.open.set()
    assert [line["mailing_id"] for line in lines if line["event"] == "planner hint dropped"] == [3, 4, 5]
    assert len(publisher.published) == 2


async def test_one_that_fails_does_not_stop_the_next() -> None:
    publisher = FakePublisher()
    publisher.open.set()
    publisher.failures = 1
    with capture_logs() as lines:
        async with HintQueue(publisher) as events:
            events.put("mailing.created", 1, "r1")
            events.put("mailing.created", 2, "r2")
    assert [decode(MailingEvent, sent.body).mailing_id for sent in publisher.published] == [2]
    [line] = [line for line in lines if line["event"] == "planner hint not published"]
    assert (line["mailing_id"], line["request_id"]) == (1, "r1")


async def test_an_unexpected_error_loses_one_hint_and_not_the_next() -> None:
    class BrokenOnce(FakePublisher):
        async def publish(self, outgoing: Outgoing) -> None:
            if self.failures:
                self.failures -= 1
                raise TypeError("a fault of our own")
            await super().publish(outgoing)

    publisher = BrokenOnce()
    publisher.open.set()
    publisher.failures = 1
    supervisor = TaskSupervisor(Health(), new_registry())
    with capture_logs() as lines:
        async with HintQueue(publisher, supervise=supervisor.supervise) as events:
            events.put("mailing.created", 1, "r1")
            events.put("mailing.created", 2, "r2")
    assert [decode(MailingEvent, sent.body).mailing_id for sent in publisher.published] == [2]
    assert "task failed" in [line["event"] for line in lines]


async def test_the_end_does_not_wait_for_a_broker_that_is_away() -> None:
    with capture_logs() as lines:
        async with asyncio.timeout(5), HintQueue(FakePublisher(), flush_seconds=0.01) as events:
            events.put("mailing.created", 1, "r")
            events.put("mailing.created", 2, "r")
    assert "planner hints left unpublished" in [line["event"] for line in lines]
