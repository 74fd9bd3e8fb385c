"""Sends the API what an attacker would, from a process of its own, which takes no time of those who measure beside it.

    HERALD_TOKEN=... python -m bench.hostile_requests http://127.0.0.1:8080

Every kind is repeated until standard input ends. Then the counts of the answers go to standard output, as JSON.
"""

import asyncio
import contextlib
import io
import itertools
import os
import string
import sys
import zlib
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import aiohttp
import orjson

PAUSE_SECONDS = 0.05
# An attacker has machines of his own: here he gets only the processor time that those leave who are measured.
NICENESS = 19
# Between the requests of a flood.
FLOOD_SECONDS = 0.005
SLOW_READERS, SLOW_SECONDS = 20, 2.0
ANSWER_SECONDS = 60
MALFORMED = (
    b"GET / HTTP/9.9\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    b"GET /api/v1/clients HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    b"GET /%zz HTTP/1.1\r\nHost: " + b"a" * 20_000 + b"\r\n\r\n",
    b"POST /api/v1/clients HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
)
# Short enough that 111,000 of them are less than the 1 MiB that a body may have.
KEY_LENGTH = 4

Counts = dict[str, Counter[str]]
Attack = Callable[[], Awaitable[str]]


def pack_line_ends(count: int) -> bytes:
    """Returns `count` line ends with gzip: a thousandth of their size."""
    packer, chunk = zlib.compressobj(9, wbits=31), b"\n" * 1_000_000
    return b"".join([*(packer.compress(chunk) for _ in range(count // len(chunk))), packer.flush()])


class Attacker:
    """The hostile requests, each a method that returns a word for the answer, mostly its status."""

    def __init__(self, session: aiohttp.ClientSession, url: str, token: str) -> None:
        parts = urlsplit(url)
        self._session = session
        self._host = parts.hostname or ""
        self._port = parts.port or 80
        self._headers = f"Host: {parts.netloc}\r\nAuthorization: Bearer {token}\r\n"
        self._bombs = [pack_line_ends(10_000_000), pack_line_ends(300_000_000)]
        self._lines = b"phone,tag\n" + b"nobody,x\n" * 200_000
        self._malformed = itertools.cycle(MALFORMED)
        keys = itertools.product(string.ascii_lowercase, repeat=KEY_LENGTH)
        self._keys = orjson.dumps({"".join(key): 0 for key in itertools.islice(keys, 111_000)})

    @property
    def attacks(self) -> dict[str, tuple[Attack, float]]:
        """What is done, by name, and the pause in seconds before it is done again."""
        return {
            "gzip bomb of 10 million line ends": (lambda: self._import(self._bombs[0], packed=True), PAUSE_SECONDS),
            "gzip bomb of 300 million line ends": (lambda: self._import(self._bombs[1], packed=True), PAUSE_SECONDS),
            "import of 200,000 bad lines": (lambda: self._import(self._lines), PAUSE_SECONDS),
            "111,000 unknown keys": (self._send_keys, PAUSE_SECONDS),
            "slow readers of an export": (self._read_slowly, 0),
            "HEAD with gzip": (self._head, FLOOD_SECONDS),
            "malformed HTTP": (self._send_malformed, FLOOD_SECONDS),
            "wrong tokens": (self._guess, FLOOD_SECONDS),
        }

    async def _import(self, body: bytes, *, packed: bool = False) -> str:
        headers = {"Content-Type": "text/csv"} | ({"Content-Encoding": "gzip"} if packed else {})
        return await self._status("POST", "/clients/import", data=io.BytesIO(body), headers=headers)

    async def _send_keys(self) -> str:
        return await self._status(
            "POST", "/clients", data=io.BytesIO(self._keys), headers={"Content-Type": "application/json"}
        )

    async def _guess(self) -> str:
        return await self._status("GET", "/clients", headers={"Authorization": f"Bearer {os.urandom(8).hex()}"})

    async def _status(self, method: str, path: str, **request: object) -> str:
        async with self._session.request(method, f"/api/v1{path}", **request) as reply:  # type: ignore[arg-type]
            await reply.read()
            return str(reply.status)

    async def _read_slowly(self) -> str:
        """Asks for exports and reads none of them for a while."""
        async with contextlib.AsyncExitStack() as stack:
            for _ in range(SLOW_READERS):
                _, writer = await stack.enter_async_context(self._connect())
                writer.write(f"GET /api/v1/clients/export HTTP/1.1\r\n{self._headers}\r\n".encode())
            await asyncio.sleep(SLOW_SECONDS)
        return "abandoned"

    async def _head(self) -> str:
        """Asks for the head of an export, and for an answer behind it on the same connection."""
        async with self._connect() as (reader, writer):
            for path, method in (("/api/v1/clients/export", "HEAD"), ("/api/v1/token", "GET")):
                writer.write(f"{method} {path} HTTP/1.1\r\n{self._headers}Accept-Encoding: gzip\r\n\r\n".encode())
                head = await reader.readuntil(b"\r\n\r\n")
            return head.split(b" ", 2)[1].decode()

    async def _send_malformed(self) -> str:
        async with self._connect() as (reader, writer):
            writer.write(next(self._malformed))
            return (await reader.readline()).decode("latin-1")[9:12] or "closed"

    @asynccontextmanager
    async def _connect(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        reader, writer = await asyncio.open_connection(self._host, self._port, limit=4096)
        try:
            yield reader, writer
        finally:
            writer.transport.abort()


async def repeat(name: str, attack: Attack, pause: float, counts: Counts) -> None:
    """Does the same again and again, and counts the answers. Runs until cancelled."""
    while True:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                answer = await attack()
        except (aiohttp.ClientError, OSError, EOFError, asyncio.LimitOverrunError) as error:
            answer = type(error).__name__
        counts[name][answer] += 1
        await asyncio.sleep(pause)


async def main(url: str, token: str) -> Counts:
    """Attacks until standard input ends, and returns how often each answer came, by attack."""
    counts: Counts = defaultdict(Counter)
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession(url, headers=headers, connector=aiohttp.TCPConnector(limit=0)) as session:
        attacker = Attacker(session, url, token)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        tasks = [
            asyncio.create_task(repeat(name, attack, pause, counts))
            for name, (attack, pause) in attacker.attacks.items()
        ]
        await asyncio.to_thread(sys.stdin.read)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    return counts


if __name__ == "__main__":
    os.nice(NICENESS)
    sys.stdout.write(orjson.dumps(asyncio.run(main(sys.argv[1], os.environ["HERALD_TOKEN"]))).decode() + "\n")
