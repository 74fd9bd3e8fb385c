"""The baseline: a bare aiohttp client that posts the same bodies to the same server."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass

import aiohttp
import orjson

CONCURRENCY = 100
# Above all ids of Herald, so that the sandbox takes none of these for a duplicate.
FIRST_ID = 10**15


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchResult:
    """The figures of a mailing and of the bare client. Rates are in messages a second."""

    messages: int
    rate: float
    bare_rate: float
    ratio: float
    sent: int
    duplicates: int | None


@dataclass(frozen=True, slots=True)
class BareRun:
    """What the bare client did: requests, seconds, and seconds of processor time of this process."""

    requests: int
    seconds: float
    cpu_seconds: float

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds

    @property
    def cpu_us(self) -> float:
        """µs of processor time a request."""
        return self.cpu_seconds / self.requests * 1_000_000

    def __add__(self, other: "BareRun") -> "BareRun":
        return BareRun(
            self.requests + other.requests, self.seconds + other.seconds, self.cpu_seconds + other.cpu_seconds
        )


async def measure(
    url: str, token: str, phones: list[str], text: str, *, first_id: int = FIRST_ID, concurrency: int = CONCURRENCY
) -> BareRun:
    """Posts one message to each phone, with `concurrency` open requests.

    Raises RuntimeError when the provider refuses one.
    """
    numbers = iter(range(len(phones)))
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), headers=headers) as session:
        began, cpu_began = time.perf_counter(), time.process_time()
        await asyncio.gather(*(_post_all(session, url, numbers, phones, text, first_id) for _ in range(concurrency)))
        return BareRun(len(phones), time.perf_counter() - began, time.process_time() - cpu_began)


async def _post_all(
    session: aiohttp.ClientSession, url: str, numbers: Iterator[int], phones: list[str], text: str, first_id: int
) -> None:
    for number in numbers:
        # The id is derived from the phone, so that measurements with different phones share no ids.
        message_id = first_id + int(phones[number])
        body = orjson.dumps({"id": message_id, "phone": int(phones[number]), "text": text})
        async with session.post(f"{url.rstrip('/')}/send/{message_id}", data=body) as reply:
            answer = orjson.loads(await reply.read())
            if reply.status != 200 or answer.get("code") != 0:
                raise RuntimeError(f"the provider answered {reply.status}: {answer}")
