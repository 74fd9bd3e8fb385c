"""What a dispatcher says of itself meanwhile: what holds sending up, and which claims it gave back."""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import orjson

POLL_SECONDS = 0.2
FLOWING = "flowing"
_GIVEN_BACK = re.compile(r'^herald_claims_given_back_total\{reason="(\w+)"\} (\S+)$', re.MULTILINE)


@dataclass(slots=True)
class SendingReport:
    """The details of /readyz by how often they were seen, causes by their lines in the log, and claims by reason."""

    details: Counter[str] = field(default_factory=Counter)
    logged: Counter[str] = field(default_factory=Counter)
    given_back: dict[str, int] = field(default_factory=dict)

    @property
    def shares(self) -> str:
        """What held sending up, and for which share of the time: "database latency 40 %"."""
        seen, held_up = sum(self.details.values()), self.details - Counter({FLOWING: self.details[FLOWING]})
        return ", ".join(f"{cause.removeprefix('held up: ')} {count / seen:.0%}" for cause, count in held_up.items())


@asynccontextmanager
async def watch_sending(ops: str, log: Path) -> AsyncIterator[SendingReport]:
    """Watches the dispatcher with this ops port and this log while the block runs. Then the report is complete."""
    report, before = SendingReport(), _causes(log)
    async with aiohttp.ClientSession(f"http://{ops}") as session:
        polling = asyncio.create_task(_poll(session, report))
        try:
            yield report
            async with session.get("/metrics") as reply:
                report.given_back = parse_given_back(await reply.text())
        finally:
            polling.cancel()
            await asyncio.wait((polling,))
    report.logged = _causes(log) - before


async def _poll(session: aiohttp.ClientSession, report: SendingReport) -> None:
    while True:
        async with session.get("/readyz") as reply:
            body = await reply.json()
        report.details[body["details"]["sending"]] += 1
        await asyncio.sleep(POLL_SECONDS)


def parse_given_back(metrics: str) -> dict[str, int]:
    """Parses the claims given back, by reason, without those that are none."""
    found = {reason: int(float(value)) for reason, value in _GIVEN_BACK.findall(metrics)}
    return {reason: count for reason, count in found.items() if count}


def _causes(log: Path) -> Counter[str]:
    return count_causes(log.read_bytes().splitlines()) if log.exists() else Counter()


def count_causes(lines: Iterable[bytes]) -> Counter[str]:
    """Counts the lines of a log that name what holds sending up, by cause."""
    named = (orjson.loads(line) for line in lines if b"sending held up" in line)
    return Counter(line["cause"] for line in named if line["event"] == "sending held up")
