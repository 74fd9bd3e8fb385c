"""Ctrl-C and SIGTERM for a stack: both cancel its work, once, and leave it the time to clean up."""

import asyncio
import signal
from collections.abc import Callable, Coroutine
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


async def run_until_signal(work: Coroutine[Any, Any, int], on_signal: Callable[[], None]) -> int | None:
    """Does the work and returns its exit code, or None when a signal ended it."""
    task = asyncio.create_task(work)
    asked = False

    def ask() -> None:
        nonlocal asked
        if not asked:
            asked = True
            on_signal()
            task.cancel()

    loop = asyncio.get_running_loop()
    for number in SIGNALS:
        loop.add_signal_handler(number, ask)
    await asyncio.wait((task,))
    return None if task.cancelled() else task.result()
