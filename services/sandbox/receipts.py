"""Sends receipts of what was accepted, in the dialect of each preset, with the faults that are set."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

import aiohttp

from services.sandbox.dialects.dialect import Dialect, DialectSend
from services.sandbox.faults import Faults
from shared import logs

# More than these are not kept: the sandbox forgets receipts rather than memory.
MOST_WAITING, MOST_AT_ONCE = 50_000, 50
TIMEOUT = aiohttp.ClientTimeout(total=5)
# As real providers do, one is sent again until it is taken.
TRIES, AGAIN_SECONDS = 5, 1.0
STRANGER = 2**62

log = logs.get()


class ReceiptSender:
    """The receipts that are on their way. `draw` returns random numbers from 0 to below 1."""

    def __init__(self, session: aiohttp.ClientSession, draw: Callable[[], float]) -> None:
        self._session = session
        self._draw = draw
        self._tasks: set[asyncio.Task[None]] = set()
        self._at_once = asyncio.Semaphore(MOST_AT_ONCE)

    def close(self) -> None:
        for task in self._tasks:
            task.cancel()

    async def report(self, name: str, dialect: Dialect, send: DialectSend, faults: Faults) -> None:
        """Sends the receipts of a message: at once if they are to overtake the reply, else later."""
        wanted = faults.receipts
        url = send.callback or wanted.urls.get(name)
        if url is None or dialect.receipt is None or self._draw() < wanted.lost or len(self._tasks) >= MOST_WAITING:
            return
        delivered = self._draw() >= wanted.undelivered
        if self._draw() < wanted.unknown:
            send = DialectSend(send.phone, send.text, STRANGER, send.callback)
        times = 2 if self._draw() < wanted.doubled else 1
        if self._draw() < wanted.early:
            await self._post(url, dialect, send, delivered=delivered)
            times -= 1
        for _ in range(times):
            task = asyncio.create_task(self._later(url, dialect, send, delivered=delivered, ms=wanted.delay_ms))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _later(self, url: str, dialect: Dialect, send: DialectSend, *, delivered: bool, ms: int) -> None:
        await asyncio.sleep(ms / 1000)
        for _ in range(TRIES):
            if await self._post(url, dialect, send, delivered=delivered):
                return
            await asyncio.sleep(AGAIN_SECONDS)
        log.warning("receipt not taken", message_id=send.message_id)

    async def _post(self, url: str, dialect: Dialect, send: DialectSend, *, delivered: bool) -> bool:
        if dialect.receipt is None:
            return True
        fields = dialect.receipt(send, delivered, datetime.now(UTC))
        try:
            async with self._at_once, self._session.post(url, data=fields, timeout=TIMEOUT) as response:
                return response.status < 300
        except (aiohttp.ClientError, TimeoutError):
            return False
