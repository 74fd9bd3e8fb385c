"""Distributing statistics to viewers: one query a second for each mailing, and nobody waits for a slow viewer."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from prometheus_client import CollectorRegistry

from services.api.metrics import Metrics
from services.api.statistics.broadcast import Broadcasts, StreamEvent, TooManyViewers

EVERY = 0.02


class Tables:
    """What would be looked at, counting the looks. `steps` of them differ from each other, then it ends."""

    def __init__(self) -> None:
        self.looks = 0
        self.ends_at = 10**9
        self.answers: dict[int, StreamEvent] = {}

    async def read(self, mailing_id: int) -> StreamEvent:
        self.looks += 1
        if self.looks in self.answers:
            return self.answers[self.looks]
        return StreamEvent("ended" if self.looks >= self.ends_at else "figures", str(self.looks).encode())


@pytest.fixture
def tables() -> Tables:
    return Tables()


@pytest_asyncio.fixture
async def broadcasts(tables: Tables) -> AsyncIterator[Broadcasts]:
    made = Broadcasts(tables.read, Metrics.on(CollectorRegistry()), every=EVERY, most_viewers=100)
    yield made
    await made.close(StreamEvent("stopping"))


async def test_all_viewers_see_the_same_looks(broadcasts: Broadcasts, tables: Tables) -> None:
    tables.ends_at = 5

    async def watch() -> list[bytes]:
        with broadcasts.watch(1) as viewer:
            seen = [await viewer.next()]
            while not seen[-1].last:
                seen.append(await viewer.next())
            return [news.frame for news in seen]

    for seen in await asyncio.gather(*(watch() for _ in range(50))):
        assert seen == [b"1", b"2", b"3", b"4", b"5"]
    assert tables.looks == 5


async def test_who_comes_later_sees_at_once_what_the_others_see(broadcasts: Broadcasts, tables: Tables) -> None:
    with broadcasts.watch(1) as first:
        await first.next()
        with broadcasts.watch(1) as second:
            assert (await second.next()).frame == b"1"
        assert tables.looks == 1


async def test_coming_and_going_causes_no_more_looks(broadcasts: Broadcasts, tables: Tables) -> None:
    for _ in range(100):
        with broadcasts.watch(1) as viewer:
            await viewer.next()
    assert tables.looks <= 2


async def test_when_everybody_has_left_the_looks_end(broadcasts: Broadcasts, tables: Tables) -> None:
    with broadcasts.watch(1) as viewer:
        await viewer.next()
    await asyncio.sleep(3 * EVERY)
    looks = tables.looks
    await asyncio.sleep(5 * EVERY)
    assert tables.looks == looks
    with broadcasts.watch(1) as viewer:
        assert (await viewer.next()).frame == str(looks + 1).encode()


async def test_a_slow_viewer_gets_only_the_newest(broadcasts: Broadcasts, tables: Tables) -> None:
    with broadcasts.watch(1) as slow, broadcasts.watch(1) as quick:
        for _ in range(5):
            await quick.next()
        assert int((await slow.next()).frame) >= 5


async def test_the_end_is_never_replaced(broadcasts: Broadcasts, tables: Tables) -> None:
    tables.ends_at = 2
    with broadcasts.watch(1) as viewer:
        await asyncio.sleep(10 * EVERY)
        assert (await viewer.next()).kind == "ended"


async def test_an_outage_is_pushed_once_and_then_waited_out(broadcasts: Broadcasts, tables: Tables) -> None:
    tables.answers = dict.fromkeys(range(2, 6), StreamEvent("away"))
    with broadcasts.watch(1) as viewer:
        assert [(await viewer.next()).kind for _ in range(3)] == ["figures", "away", "figures"]
    assert tables.looks == 6


async def test_a_look_that_fails_ends_the_stream(tables: Tables) -> None:
    async def broken(_: int) -> StreamEvent:
        raise ValueError("no such thing")

    broadcasts = Broadcasts(broken, Metrics.on(CollectorRegistry()), every=EVERY)
    with broadcasts.watch(1) as viewer:
        assert (await viewer.next()).kind == "failed"
    with broadcasts.watch(1) as viewer:
        assert (await viewer.next()).kind == "failed"


async def test_closing_ends_all_streams_at_once(broadcasts: Broadcasts) -> None:
    with broadcasts.watch(1) as one, broadcasts.watch(2) as other:
        for viewer in (one, other):
            await viewer.next()
        await broadcasts.close(StreamEvent("stopping"))
        for viewer in (one, other):
            assert (await viewer.next()).kind == "stopping"
        with broadcasts.watch(3) as late:
            assert (await late.next()).kind == "stopping"


async def test_viewers_are_bounded(tables: Tables) -> None:
    metrics = Metrics.on(CollectorRegistry())
    broadcasts = Broadcasts(tables.read, metrics, every=EVERY, most_viewers=2)
    with broadcasts.watch(1):
        with broadcasts.watch(2):
            assert metrics.stream_viewers._value.get() == 2
            with pytest.raises(TooManyViewers), broadcasts.watch(3):
                pass
        with broadcasts.watch(3):
            pass
    assert metrics.stream_viewers._value.get() == 0
    await broadcasts.close(StreamEvent("stopping"))
