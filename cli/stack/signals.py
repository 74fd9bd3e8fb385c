"""Stops a stack on Ctrl-C, SIGTERM and SIGHUP: the first signal cancels its work, which then cleans up."""

import asyncio
import signal
from collections.abc import Callable, Coroutine
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


async def run_until_signal(work: Coroutine[Any, Any, int], on_signal: Callable[[], None]) -> int | None:
    """Runs `work` and returns its exit code, or None if a signal ended it. `on_signal` is called before the cancel."""
    task = asyncio.create_task(work)
    signalled = False

    def cancel_once() -> None:
        nonlocal signalled
        if not signalled:
            signalled = True
            on_signal()
            task.cancel()

    loop = asyncio.get_running_loop()
    for number in SIGNALS:
        loop.add_signal_handler(number, cancel_once)
    await asyncio.wait((task,))
    return None if task.cancelled() else task.result()
