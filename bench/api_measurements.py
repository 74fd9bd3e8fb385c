"""Measures the API of a running stack: requests, imports and exports, with the memory and CPU time that they take."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import aiohttp
import asyncpg
import orjson

from bench import bulk_rows, load_generator, process_usage
from bench.pipeline import make_phones
from cli.connections.api import Json

LINES_PER_CHUNK = 5000
POLL_SECONDS = 0.2
Figures = dict[str, float | int]


@dataclass(frozen=True, slots=True)
class Phase:
    """The figures of requests at the usual rate: of all, and by kind of call."""

    figures: Figures
    by_call: dict[str, dict[str, float]]


@dataclass(frozen=True, slots=True)
class ApiMeasurer:
    """Measures an API; `api_pid` is its process, whose memory and CPU time are read."""

    session: aiohttp.ClientSession
    connection: asyncpg.Connection
    api_pid: int

    async def get(self, path: str) -> bytes:
        async with self.session.get(f"/api/v1{path}") as reply:
            reply.raise_for_status()
            return await reply.read()

    async def post(self, path: str, body: object) -> Json:
        async with self.session.post(f"/api/v1{path}", json=body) as reply:
            reply.raise_for_status()
            answer: Json = await reply.json()
            return answer

    async def import_clients(self, count: int) -> Figures:
        """Measures the import of new clients from a CSV file, which is made before the clock starts."""
        lines = [f"{phone},bench,Europe/Moscow\n" for phone in make_phones(count)]
        chunks = ["".join(lines[n : n + LINES_PER_CHUNK]).encode() for n in range(0, count, LINES_PER_CHUNK)]

        async def body() -> AsyncIterator[bytes]:
            yield b"phone,tag,timezone\n"
            for chunk in chunks:
                yield chunk

        began = time.perf_counter()
        async with (
            process_usage.MemoryGrowth(self.api_pid) as growth,
            self.session.post("/api/v1/clients/import", data=body(), headers={"Content-Type": "text/csv"}) as reply,
        ):
            created = (await reply.json())["created"]
        return {
            "created": created,
            "seconds": round(time.perf_counter() - began, 2),
            "growth_mb": growth.megabytes,
        }

    async def export_messages(self, count: int) -> Figures:
        """Measures the export of the messages of one mailing as CSV."""
        mailing_id = await bulk_rows.add_messages(self.connection, count)
        began, lines, octets = time.perf_counter(), 0, 0
        async with (
            process_usage.MemoryGrowth(self.api_pid) as growth,
            self.session.get(
                f"/api/v1/mailings/{mailing_id}/messages",
                headers={"Accept": "text/csv", "Accept-Encoding": "identity"},
                timeout=aiohttp.ClientTimeout(total=None),
            ) as reply,
        ):
            async for chunk in reply.content.iter_any():
                lines += chunk.count(b"\n")
                octets += len(chunk)
        return {
            "messages": lines - 1,
            "seconds": round(time.perf_counter() - began, 1),
            "megabytes": round(octets / 1024 / 1024, 1),
            "growth_mb": growth.megabytes,
        }

    async def target(self) -> load_generator.LoadTarget:
        """Creates draft mailings, and returns what the requests of a phase can read and change."""
        drafts = [(await self.post("/mailings", load_generator.draft()))["id"] for _ in range(20)]
        clients = await self.connection.fetch("SELECT id FROM clients ORDER BY id LIMIT 10000")
        return load_generator.LoadTarget([row["id"] for row in clients], drafts, drafts)

    async def ask(self, target: load_generator.LoadTarget, seconds: float) -> Phase:
        """Measures requests at the usual rate, with the CPU time of the API and the time that it waited for a CPU."""
        began = self._usage()
        times = await load_generator.run(self.session, target, seconds)
        spent, figures = [after - before for before, after in zip(began, self._usage(), strict=True)], times.figures()
        figures["api_cpu_ms_per_request"] = round(spent[0] / figures["requests"] * 1000, 2)
        figures["api_waited_for_cpu_ms_per_request"] = round(spent[1] / figures["requests"] * 1000, 2)
        return Phase(figures, times.by_call())

    def _usage(self) -> tuple[float, float]:
        return process_usage.cpu_seconds(self.api_pid), process_usage.waited_seconds(self.api_pid)

    async def counts(self, path: str) -> dict[str, int]:
        """Returns the counts by status of the mailing at `path`."""
        by_status: dict[str, int] = orjson.loads(await self.get(path))["by_status"]
        return by_status

    async def until(self, path: str, reached: Callable[[dict[str, int]], bool]) -> None:
        while not reached(await self.counts(path)):  # noqa: ASYNC110 - the state of another process can only be polled
            await asyncio.sleep(POLL_SECONDS)
