"""A background task that fails is started again, and what is meant to end a process still does."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from shared import process
from shared.health import Health
from shared.settings import SettingsError
from shared.task_supervisor import TaskSupervisor
from shared.waiting import Backoff, Stopped

LONG = 60.0

Lines = list[MutableMapping[str, Any]]


@pytest.fixture(autouse=True)
def lines() -> Iterator[Lines]:
    """The log lines of the test. They are not rendered, which would take longer than the tests."""
    with capture_logs() as captured:
        yield captured


class NoPause(Backoff):
    """A backoff that counts its pauses, which take no time."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    def next(self) -> float:
        self.asked += 1
        return 0.0

    def reset(self) -> None:
        self.asked = 0


class Bench:
    """A supervisor without pauses, and what it shows of itself."""

    def __init__(self, steady_seconds: float = LONG) -> None:
        self.health = Health()
        self.registry = CollectorRegistry()
        self.pauses = NoPause()
        self.supervisor = TaskSupervisor(
            self.health, self.registry, steady_seconds=steady_seconds, new_backoff=lambda: self.pauses
        )

    def restarts(self, task: str) -> float | None:
        return self.registry.get_sample_value("herald_task_restarts_total", {"task": task})


class Flaky:
    """Work that fails with each of these errors in turn, and then runs until it is cancelled."""

    def __init__(self, *errors: BaseException) -> None:
        self._errors = list(errors)
        self.running = asyncio.Event()
        self.cancelled = False

    async def __call__(self) -> None:
        if self._errors:
            raise self._errors.pop(0)
        self.running.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise


async def start(bench: Bench, work: Flaky) -> "asyncio.Task[None]":
    running = asyncio.create_task(bench.supervisor.supervise("fold", work))
    await asyncio.wait_for(work.running.wait(), 5)
    return running


async def stop(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def returning() -> None:
    return


async def test_a_task_that_fails_once_is_started_again_and_the_process_stays_ready() -> None:
    bench, work = Bench(), Flaky(KeyError("phone"))
    running = await start(bench, work)
    assert bench.restarts("fold") == 1
    assert bench.health.ready
    assert bench.health.parts == {}
    await stop(running)


async def test_a_task_that_fails_again_makes_the_process_unready_until_it_has_run_for_a_while() -> None:
    bench, work = Bench(steady_seconds=0.05), Flaky(KeyError("79991234567"), ValueError("79991234567"))
    running = await start(bench, work)
    assert bench.health.parts == {"task fold": False}
    assert bench.health.reasons == {"task fold": "ValueError, 2 times: see the log"}
    await asyncio.sleep(0.1)
    assert bench.health.ready
    assert bench.restarts("fold") == 2
    assert bench.pauses.asked == 0
    await stop(running)


async def test_the_counter_of_a_task_starts_at_0() -> None:
    bench = Bench()
    await bench.supervisor.supervise("beat", returning)
    assert bench.restarts("beat") == 0


async def test_a_task_that_returns_is_not_started_again() -> None:
    bench = Bench()
    await asyncio.wait_for(bench.supervisor.supervise("fold", returning), 5)
    assert bench.pauses.asked == 0


async def test_a_cancelled_task_ends_at_once() -> None:
    bench, work = Bench(), Flaky()
    await stop(await start(bench, work))
    assert work.cancelled
    assert bench.restarts("fold") == 0


async def test_a_task_is_cancelled_during_a_pause() -> None:
    supervisor = TaskSupervisor(Health(), CollectorRegistry())
    work = Flaky(*(ValueError() for _ in range(1000)))
    running = asyncio.create_task(supervisor.supervise("fold", work))
    await asyncio.sleep(0.02)
    await stop(running)
    assert not work.running.is_set()


async def test_a_cancellation_that_nobody_asked_for_is_a_failure() -> None:
    bench, work = Bench(), Flaky(asyncio.CancelledError())
    running = await start(bench, work)
    assert bench.restarts("fold") == 1
    await stop(running)


@pytest.mark.parametrize(
    "error",
    [SettingsError("HERALD_RABBITMQ_URL"), Stopped(), ExceptionGroup("", [ValueError(), SettingsError("")])],
    ids=["settings", "stopped", "in a group"],
)
async def test_what_is_meant_to_end_the_process_is_raised(error: Exception) -> None:
    bench = Bench()
    with pytest.raises(type(error)):
        await bench.supervisor.supervise("check", Flaky(error))
    assert bench.restarts("check") == 0


async def test_a_process_stops_as_before() -> None:
    bench, work, told = Bench(), Flaky(ValueError(), ValueError()), asyncio.Event()

    async def tell() -> None:
        await work.running.wait()
        told.set()

    await asyncio.wait_for(process.until_stopped(told, bench.supervisor.supervise("fold", work), tell()), 5)
    assert work.cancelled


async def test_one_task_that_fails_leaves_the_others_alone() -> None:
    supervisor, told, beats = TaskSupervisor(Health(), CollectorRegistry()), asyncio.Event(), 0

    async def failing() -> None:
        raise ValueError

    async def beating() -> None:
        nonlocal beats
        for _ in range(50):
            await asyncio.sleep(0)
            beats += 1
        told.set()

    work: dict[str, Callable[[], Awaitable[None]]] = {"fold": failing, "beat": beating}
    tasks = [supervisor.supervise(name, one) for name, one in work.items()]
    await asyncio.wait_for(process.until_stopped(told, *tasks), 5)
    assert beats == 50


async def test_the_log_names_the_task_and_has_its_exception(lines: Lines) -> None:
    bench, error = Bench(), KeyError("79991234567")
    await stop(await start(bench, Flaky(error)))
    assert lines == [{"event": "task failed", "log_level": "error", "task": "fold", "failures": 1, "exc_info": error}]
