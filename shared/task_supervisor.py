"""Runs the background tasks of a process: one that fails is logged, counted, and started again after a pause."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from prometheus_client import CollectorRegistry, Counter

from shared import logs
from shared.health import Health
from shared.metrics import ChildCounters
from shared.settings import SettingsError
from shared.waiting import Backoff, Stopped

# A task that ran for this long after its last failure is well: longer than the longest pause between two starts.
STEADY_SECONDS = 30.0

Work = Callable[[], Awaitable[None]]


class TaskSupervisor:
    """What starts the background tasks of one process again when an unexpected exception ends them.

    A task is a function that is called anew for each start. What it has taken in and not settled, such as deliveries,
    must outlive a call: it belongs into an attribute, not into a local variable.
    """

    def __init__(
        self,
        health: Health,
        registry: CollectorRegistry,
        *,
        steady_seconds: float = STEADY_SECONDS,
        new_backoff: Callable[[], Backoff] = Backoff,
    ) -> None:
        self._health = health
        self._steady_seconds = steady_seconds
        self._new_backoff = new_backoff
        self._restarts = ChildCounters(
            Counter("herald_task_restarts", "Restarts of a task after an error.", ["task"], registry=registry)
        )

    def supervise(self, task: str, work: Work) -> Coroutine[Any, Any, None]:
        """Returns a coroutine that runs `work` under the name `task` until it returns or is cancelled.

        An unexpected exception starts it again after growing pauses. One failure leaves the process ready; from the
        second in a row on it is unready, until the task has run for 30 s. Raises SettingsError and Stopped, which are
        meant to end the process.
        """
        supervised = _Supervised(task, work, self._new_backoff(), self._steady_seconds, self._health)
        return supervised.run(self._restarts[task].inc)


class _Supervised:
    """One supervised task, and its failures in a row."""

    def __init__(self, task: str, work: Work, backoff: Backoff, steady_seconds: float, health: Health) -> None:
        self._task = task
        self._work = work
        self._backoff = backoff
        self._steady_seconds = steady_seconds
        self._health = health
        self._failures = 0

    async def run(self, count_restart: Callable[[], None]) -> None:
        while not await self._finish():
            await asyncio.sleep(self._backoff.next())
            count_restart()

    async def _finish(self) -> bool:
        """Runs the task once. Returns whether it came to its end, and not to an unexpected exception."""
        steady = asyncio.get_running_loop().call_later(self._steady_seconds, self._recover) if self._failures else None
        try:
            await self._work()
        except asyncio.CancelledError as error:
            # A library may raise it of its own: then nobody asked this task to end.
            if _asked_to_end():
                raise
            self._record(error)
        except Exception as error:
            if _ends_process(error):
                raise
            self._record(error)
        else:
            return True
        finally:
            if steady is not None:
                steady.cancel()
        return False

    def _record(self, error: BaseException) -> None:
        self._failures += 1
        logs.get().error("task failed", task=self._task, failures=self._failures, exc_info=error)
        if self._failures > 1:
            # Not the error's text, which may quote a value.
            self._health.set(self._part, False, f"{type(error).__name__}, {self._failures} times: see the log")

    def _recover(self) -> None:
        logs.get().info("task recovered", task=self._task, failures=self._failures)
        if self._failures > 1:
            self._health.set(self._part, True)
        self._failures = 0
        self._backoff.reset()

    @property
    def _part(self) -> str:
        return f"task {self._task}"


def _asked_to_end() -> bool:
    current = asyncio.current_task()
    return current is not None and current.cancelling() > 0


def _ends_process(error: BaseException) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return any(_ends_process(inner) for inner in error.exceptions)
    return isinstance(error, (SettingsError, Stopped))
