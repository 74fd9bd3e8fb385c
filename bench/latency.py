"""Measures the time of messages from their release to their final status, by sampling the messages in flight."""

import asyncio
from datetime import datetime

import asyncpg

from bench.percentiles import percentile

EVERY_SECONDS = 0.1
SAMPLE = 50


class Sampler:
    """Samples messages in flight and the moments of their release."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection
        self._released: dict[int, datetime] = {}

    async def run(self) -> None:
        """Samples ten times a second until it is cancelled."""
        while True:
            rows = await self._connection.fetch(
                "SELECT message_id, released_at FROM flights WHERE released_at IS NOT NULL LIMIT $1", SAMPLE
            )
            for row in rows:
                self._released.setdefault(row["message_id"], row["released_at"])
            await asyncio.sleep(EVERY_SECONDS)

    async def percentiles(self) -> dict[str, float | int]:
        """Returns the median and the 99th percentile in seconds, and the size of the sample."""
        rows = await self._connection.fetch(
            "SELECT id, final_at FROM messages WHERE id = ANY ($1::bigint[]) AND status = 'sent'", list(self._released)
        )
        seconds = sorted(max((row["final_at"] - self._released[row["id"]]).total_seconds(), 0.0) for row in rows)
        return {"p50": percentile(seconds, 0.5, 3), "p99": percentile(seconds, 0.99, 3), "sample": len(seconds)}
