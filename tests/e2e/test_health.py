"""What processes say of themselves while their services come and go."""

import asyncio
import signal
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest

from tests.conftest import MakeStack
from tests.support.polling import until
from tests.support.relay import Relay
from tests.support.stack import Stack

PROCESSES = ("api", "planner", "dispatcher", "reporter", "reporter-2")
# What each needs, and what it can do without for a while.
PARTS: dict[str, tuple[set[str], set[str]]] = {
    "api": ({"database", "time zones"}, {"api.publish"}),
    "planner": ({"database", "planner.publish", "planner.consume"}, set()),
    "dispatcher": ({"database", "dispatcher.publish", "dispatcher.consume"}, set()),
    "reporter": ({"database", "reporter.consume"}, set()),
    "reporter-2": ({"database", "reporter.consume"}, set()),
}

pytestmark = pytest.mark.timeout(150)


class Ops:
    """Asks all processes of a stack."""

    def __init__(self, stack: Stack, http: aiohttp.ClientSession) -> None:
        self._stack, self._http = stack, http

    async def ask(self, name: str, path: str) -> tuple[int, Any]:
        url = self._stack.process(name).probe.replace("/readyz", path)
        async with self._http.get(url) as reply:
            return reply.status, await reply.json()

    async def until_away(self, away: Callable[[str], bool]) -> dict[str, tuple[int, Any]]:
        """Waits until just those parts are away for which `away` holds. Returns status and body of each process."""
        said: dict[str, tuple[int, Any]] = {}

        async def so() -> bool:
            for name in PROCESSES:
                said[name] = await self.ask(name, "/readyz")
            return all(up is not away(part) for _, body in said.values() for part, up in body["parts"].items())

        await until(so, 40, "the parts come and go")
        return said


def of_broker(part: str) -> bool:
    return part.endswith(("publish", "consume"))


def of_database(part: str) -> bool:
    return part == "database"


def nothing(_: str) -> bool:
    return False


async def test_each_process_says_which_part_is_away_since_when_and_why(
    make_stack: MakeStack, database_url: str, broker_url: str
) -> None:
    async with (
        Relay(database_url) as database,
        Relay(broker_url) as broker,
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=3)) as http,
    ):
        env = {"HERALD_DATABASE_URL": database.url, "HERALD_RABBITMQ_URL": broker.url}
        # Reporters that stand by are as ready as the one that folds.
        stack = await make_stack("sandbox", *PROCESSES, env=env)
        ops = Ops(stack, http)
        said = await ops.until_away(nothing)
        for name, (needed, optional) in PARTS.items():
            status, body = said[name]
            assert (status, set(body["parts"]), set(body["optional"])) == (200, needed | optional, optional), name
            assert (set(body["since"]), body["why"]) == (needed | optional, {}), name
        assert said["dispatcher"][1]["details"] == {"breaker": "closed", "dispatcher.consume": "consuming"}

        await broker.cut()
        said = await ops.until_away(of_broker)
        for name, (status, body) in said.items():
            # Only the API can do without.
            assert status == (200 if name == "api" else 503), name
            assert set(body["why"]) == {part for part in body["parts"] if of_broker(part)}, name
            # It does not go on for lack of the broker, and that is no reason to start it anew.
            assert await ops.ask(name, "/livez") == (200, {"live": True, "stuck": {}}), name
        await broker.mend()
        await ops.until_away(nothing)

        await database.cut()
        said = await ops.until_away(of_database)
        for name, (status, body) in said.items():
            assert (status, bool(body["why"]["database"])) == (503, True), name
        await database.mend()
        await ops.until_away(nothing)

        # One that hangs does not answer, which a probe takes for a failure.
        stack.process("reporter-2").kill(signal.SIGSTOP)
        with pytest.raises(asyncio.TimeoutError):
            await ops.ask("reporter-2", "/livez")
        stack.process("reporter-2").kill(signal.SIGCONT)
        assert await ops.ask("reporter-2", "/livez") == (200, {"live": True, "stuck": {}})
