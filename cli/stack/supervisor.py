"""Starts, supervises and stops all processes of a stack."""

import asyncio
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar

import aiohttp

from cli.failure import Failure
from cli.stack.output import LineSink
from cli.stack.plan import StackPlan
from cli.stack.supervised_process import SupervisedProcess

READY_SECONDS = 60
# The sandbox stands in for the provider: it answers until the dispatchers have ended.
LAST = "sandbox"

T = TypeVar("T")


class Supervisor:
    """Runs the processes of a plan while the block runs, and stops them together at its end."""

    def __init__(self, plan: StackPlan, sink: LineSink) -> None:
        self._processes = [SupervisedProcess(spec, sink) for spec in plan.processes]
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.create_task(process.supervise()) for process in self._processes]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # What one of them has not handed on to the next is on the broker or in the database for the next start.
        await asyncio.gather(*(process.stop() for process in self._processes if process.spec.command != LAST))
        await asyncio.gather(*(process.stop() for process in self._processes if process.spec.command == LAST))
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def pids(self) -> dict[str, int]:
        """The process id of each started process, by name."""
        return {process.spec.name: process.pid for process in self._processes if process.pid is not None}

    async def until_ready(self) -> None:
        """Waits until every process is ready. Raises Failure when one cannot run, or is not ready in a minute."""
        await self.during(self._poll_readiness())

    async def during(self, work: Coroutine[Any, Any, T]) -> T:
        """Runs `work` beside the processes, and returns its result. Raises Failure when a process cannot run."""
        task = asyncio.create_task(work)
        try:
            await asyncio.wait((task, *self._tasks), return_when=asyncio.FIRST_COMPLETED)
            for ended in self._tasks:
                if ended.done():
                    ended.result()
            return await task
        finally:
            task.cancel()
            await asyncio.wait((task,))

    async def _poll_readiness(self) -> None:
        deadline = asyncio.get_running_loop().time() + READY_SECONDS
        async with aiohttp.ClientSession() as session:
            waiting = self._processes
            while waiting := [process for process in waiting if not await process.is_ready(session)]:
                if asyncio.get_running_loop().time() > deadline:
                    names = ", ".join(process.spec.name for process in waiting)
                    raise Failure(f"not ready after {READY_SECONDS} s: {names}; the reasons are in their logs")
                await asyncio.sleep(0.1)
