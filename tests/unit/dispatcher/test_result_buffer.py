"""Results are gathered, published until they are confirmed, and flushed at shutdown."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from itertools import chain

import pytest
from structlog.testing import capture_logs

from services.dispatcher import result_buffer
from services.dispatcher.result_buffer import ResultBuffer
from shared.broker import Outgoing, Unpublished
from shared.messages import Results, decode
from tests.support.builders import a_result
from tests.support.fakes import RecordingPublisher

FOR_EVER = float("inf")
PATIENCE_SECONDS = 10


class Confirmations:
    """Remembers which results were confirmed, in their order."""

    def __init__(self) -> None:
        self.message_ids: list[int] = []
        self._changed = asyncio.Event()

    def add(self, buffer: ResultBuffer, message_id: int) -> None:
        """Adds the result of a message."""
        buffer.add(a_result(message_id=message_id), partial(self._confirm, message_id))

    def _confirm(self, message_id: int) -> None:
        self.message_ids.append(message_id)
        self._changed.set()

    async def until(self, count: int) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(self.message_ids) < count:
                self._changed.clear()
                await self._changed.wait()


@asynccontextmanager
async def running(buffer: ResultBuffer) -> AsyncIterator[None]:
    task = asyncio.create_task(buffer.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait((task,))


def bodies(publisher: RecordingPublisher) -> list[list[int]]:
    """The message ids of each body that was published."""
    return [
        [result.message_id for result in decode(Results, outgoing.body).results] for outgoing in publisher.published
    ]


@pytest.mark.parametrize(
    ("results", "sizes"), [(1, [1]), (3, [3]), (200, [200]), (201, [200, 1]), (450, [200, 200, 50])]
)
async def test_results_are_gathered_into_bodies_of_up_to_200(results: int, sizes: list[int]) -> None:
    publisher, confirmations = RecordingPublisher(), Confirmations()
    buffer = ResultBuffer(publisher)
    for message_id in range(1, results + 1):
        confirmations.add(buffer, message_id)
    async with running(buffer):
        await confirmations.until(results)
    assert [len(body) for body in bodies(publisher)] == sizes
    assert list(chain.from_iterable(bodies(publisher))) == list(range(1, results + 1))
    assert confirmations.message_ids == list(range(1, results + 1))


async def test_results_of_all_slots_do_not_wait_for_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(result_buffer, "LINGER_SECONDS", 60.0)
    publisher, confirmations = RecordingPublisher(), Confirmations()
    buffer = ResultBuffer(publisher, 10)
    async with running(buffer):
        for message_id in range(1, 26):
            confirmations.add(buffer, message_id)
        await confirmations.until(25)
        for message_id in range(26, 35):
            confirmations.add(buffer, message_id)
        await asyncio.sleep(0.1)
        assert buffer.outstanding == 9


async def test_results_go_to_the_reporter() -> None:
    publisher, confirmations = RecordingPublisher(), Confirmations()
    buffer = ResultBuffer(publisher)
    confirmations.add(buffer, 1)
    await buffer.flush(PATIENCE_SECONDS)
    [outgoing] = publisher.published
    assert (outgoing.exchange, outgoing.routing_key, outgoing.headers) == ("herald.results", "result", {})


async def test_a_result_is_acknowledged_only_once_it_is_confirmed() -> None:
    publisher, confirmations = RecordingPublisher(), Confirmations()
    buffer = ResultBuffer(publisher)
    publisher.gate.clear()
    async with running(buffer):
        confirmations.add(buffer, 1)
        await publisher.until_begun(1)
        confirmations.add(buffer, 2)
        assert (confirmations.message_ids, buffer.outstanding) == ([], 2)
        publisher.gate.set()
        await confirmations.until(2)
    assert buffer.outstanding == 0
    assert bodies(publisher) == [[1], [2]]


async def test_it_knows_how_long_it_has_been_waiting_for_a_confirm() -> None:
    publisher, confirmations = RecordingPublisher(), Confirmations()
    buffer, now = ResultBuffer(publisher), asyncio.get_running_loop().time
    assert buffer.behind(now() + 60) == 0
    publisher.gate.clear()
    async with running(buffer):
        confirmations.add(buffer, 1)
        await publisher.until_begun(1)
        assert 60 <= buffer.behind(now() + 60) < 70
        publisher.gate.set()
        await confirmations.until(1)
    assert buffer.behind(now() + 60) == 0


async def test_an_unpublished_body_is_published_again() -> None:
    publisher, confirmations = RecordingPublisher(refusals=2), Confirmations()
    buffer = ResultBuffer(publisher)
    confirmations.add(buffer, 1)
    confirmations.add(buffer, 2)
    async with running(buffer):
        await confirmations.until(2)
    assert bodies(publisher) == [[1, 2]]
    assert [refused.body for refused in publisher.refused] == [publisher.published[0].body] * 2
    assert confirmations.message_ids == [1, 2]


async def test_flush_publishes_what_waits() -> None:
    publisher, confirmations = RecordingPublisher(), Confirmations()
    buffer = ResultBuffer(publisher)
    for message_id in range(1, 251):
        confirmations.add(buffer, message_id)
    await buffer.flush(PATIENCE_SECONDS)
    assert [len(body) for body in bodies(publisher)] == [200, 50]
    assert confirmations.message_ids == list(range(1, 251))


async def test_flush_publishes_what_was_being_published_when_the_buffer_was_stopped() -> None:
    publisher, confirmations = RecordingPublisher(), Confirmations()
    buffer = ResultBuffer(publisher)
    publisher.gate.clear()
    async with running(buffer):
        confirmations.add(buffer, 1)
        await publisher.until_begun(1)
        confirmations.add(buffer, 2)
    publisher.gate.set()
    await buffer.flush(PATIENCE_SECONDS)
    assert bodies(publisher) == [[1], [2]]
    assert (confirmations.message_ids, buffer.outstanding) == ([1, 2], 0)


async def test_flush_of_nothing_publishes_nothing() -> None:
    publisher = RecordingPublisher()
    await ResultBuffer(publisher).flush(PATIENCE_SECONDS)
    assert publisher.begun == 0


@pytest.mark.parametrize("hangs", [False, True], ids=["refused", "never confirmed"])
async def test_flush_logs_which_results_are_lost(hangs: bool) -> None:
    publisher, confirmations = RecordingPublisher(refusals=FOR_EVER), Confirmations()
    buffer = ResultBuffer(publisher)
    if hangs:
        publisher.gate.clear()
    for message_id in range(1, 206):
        confirmations.add(buffer, message_id)
    with capture_logs() as lines:
        await buffer.flush(0.05)
    [lost] = [line for line in lines if line["event"] == "results lost at shutdown"]
    assert (lost["log_level"], lost["results"], lost["message_ids"]) == ("error", 205, list(range(1, 206)))
    assert confirmations.message_ids == []


async def test_flush_that_succeeds_logs_no_loss() -> None:
    buffer = ResultBuffer(RecordingPublisher())
    Confirmations().add(buffer, 1)
    with capture_logs() as lines:
        await buffer.flush(PATIENCE_SECONDS)
    assert [(line["event"], line["message_ids"]) for line in lines] == [("results published", [1])]


class FaultyPublisher(RecordingPublisher):
    """Fails once by an error of Herald's."""

    def __init__(self) -> None:
        super().__init__()
        self.failed = False

    def publish_soon(self, outgoing: Outgoing, settle: Callable[[Unpublished | None], None]) -> None:
        if not self.failed:
            self.failed = True
            raise ZeroDivisionError("a fault of Herald's own")
        super().publish_soon(outgoing, settle)


async def test_an_error_of_our_own_loses_no_result() -> None:
    publisher, confirmations = FaultyPublisher(), Confirmations()
    buffer = ResultBuffer(publisher)
    for message_id in (1, 2):
        confirmations.add(buffer, message_id)
    with pytest.raises(ZeroDivisionError):
        await buffer.run()
    confirmations.add(buffer, 3)
    async with running(buffer):
        await confirmations.until(3)
    assert bodies(publisher) == [[1, 2, 3]]
