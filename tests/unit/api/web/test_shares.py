"""A token works on a bounded number of requests at once, whatever it sends."""

import asyncio

from aiohttp.test_utils import make_mocked_request

from services.api.web.shares import AT_WORK, Shares, aside


class Work:
    """Requests of tokens that are at work until they are let go."""

    def __init__(self) -> None:
        self.shares = Shares()
        self.at_work: list[str] = []
        self.go_on = asyncio.Event()
        self.done = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def begin(self, token: str, count: int = 1, *, waits_aside: bool = False) -> list[asyncio.Task[None]]:
        tasks = [asyncio.create_task(self._request(token, waits_aside)) for _ in range(count)]
        self._tasks += tasks
        await self.settle()
        return tasks

    async def _request(self, token: str, waits_aside: bool) -> None:
        request = make_mocked_request("GET", "/")
        async with self.shares.take(request, token):
            self.at_work.append(token)
            if waits_aside:
                async with aside(request):
                    await self.go_on.wait()
            await self.done.wait()

    async def settle(self) -> None:
        for _ in range(10):
            await asyncio.sleep(0)

    async def end(self) -> None:
        self.go_on.set()
        self.done.set()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def test_a_burst_of_one_token_waits_for_itself_and_holds_up_nobody_else() -> None:
    work = Work()
    await work.begin("noisy", 50)
    assert len(work.at_work) == AT_WORK
    await work.begin("quiet")
    assert work.at_work[AT_WORK:] == ["quiet"]
    await work.end()
    assert work.at_work.count("noisy") == 50


async def test_a_request_that_waits_for_others_leaves_its_place() -> None:
    work = Work()
    await work.begin("edits", AT_WORK, waits_aside=True)
    assert not work.shares.at_work()
    await work.begin("edits")
    assert len(work.at_work) == AT_WORK + 1
    await work.end()


async def test_an_abandoned_request_gives_its_place_back_wherever_it_waited() -> None:
    work = Work()
    held = await work.begin("hasty", AT_WORK)
    waiting = await work.begin("hasty", 2)
    outside = await work.begin("other", AT_WORK, waits_aside=True)
    for task in (held[0], waiting[0], outside[0]):
        task.cancel()
    await work.settle()
    assert work.at_work.count("hasty") == AT_WORK + 1
    await work.end()
    assert not work.shares.at_work()
    await work.begin("other", AT_WORK)
    assert work.at_work.count("other") == 2 * AT_WORK


async def test_a_request_that_comes_back_goes_before_the_new_ones() -> None:
    work = Work()
    await work.begin("edits", waits_aside=True)
    full = await work.begin("edits", AT_WORK)
    new = await work.begin("edits", 2)
    work.go_on.set()
    await work.settle()
    full[0].cancel()
    await work.settle()
    assert len(work.at_work) == AT_WORK + 1
    full[1].cancel()
    await work.settle()
    assert len(work.at_work) == AT_WORK + 2
    assert not any(task.done() for task in new)
    await work.end()
    await work.begin("edits", AT_WORK)
    assert work.at_work.count("edits") == 2 * AT_WORK + 3


async def test_a_request_that_is_abandoned_as_its_turn_comes_passes_it_on() -> None:
    work = Work()
    held = await work.begin("hasty", AT_WORK)
    waiting = await work.begin("hasty", 3)
    # In one pass of the loop: the first gives up before a place is free, the second when it was handed one.
    waiting[0].cancel()
    held[0].cancel()
    await asyncio.sleep(0)
    waiting[1].cancel()
    await work.settle()
    assert len(work.at_work) == AT_WORK + 1
    await work.end()
    await work.begin("hasty", AT_WORK)
    assert work.at_work.count("hasty") == 2 * AT_WORK + 1
