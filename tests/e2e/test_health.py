"""What processes say of themselves while their services come and go."""

import asyncio
import signal
from typing import Any

import aiohttp
import pytest

from tests.books import until
from tests.conftest import MakeStack
from tests.relay import Relay
from tests.stack import Stack

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

    async def until_ready(self, ready: set[str]) -> dict[str, Any]:
        """Wait until these are ready and no others, and return what each says."""
        said: dict[str, Any] = {}

        async def so() -> bool:
            statuses = {}
            for name in PROCESSES:
                statuses[name], said[name] = await self.ask(name, "/readyz")
            return {name for name, status in statuses.items() if status == 200} == ready

        await until(so, 40, f"{ready} ready, and no others")
        return said


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
        said = await ops.until_ready(set(PROCESSES))
        for name, (needed, optional) in PARTS.items():
            assert set(said[name]["parts"]) == needed | optional, name
            assert set(said[name]["optional"]) == optional, name
            assert set(said[name]["since"]) == needed | optional, name
            assert said[name]["why"] == {}, name
        assert said["dispatcher"]["details"] == {"breaker": "closed", "dispatcher.consume": "consuming"}

        await broker.cut()
        said = await ops.until_ready({"api"})
        for name, (needed, optional) in PARTS.items():
            gone = {part for part in needed | optional if part.endswith(("publish", "consume"))}
            assert {part for part, up in said[name]["parts"].items() if not up} == gone, name
            assert set(said[name]["why"]) == gone, name
            # It does not go on for lack of the broker, and that is no reason to start it anew.
            assert await ops.ask(name, "/livez") == (200, {"live": True, "stuck": {}}), name
        await broker.mend()
        await ops.until_ready(set(PROCESSES))

        await database.cut()
        said = await ops.until_ready(set())
        for name in PROCESSES:
            assert not said[name]["parts"]["database"], name
            assert said[name]["why"]["database"], name
        await database.mend()
        await ops.until_ready(set(PROCESSES))

        # One that hangs does not answer, which a probe takes for a failure.
        stack.process("reporter-2").kill(signal.SIGSTOP)
        with pytest.raises(asyncio.TimeoutError):
            await ops.ask("reporter-2", "/livez")
        stack.process("reporter-2").kill(signal.SIGCONT)
        assert await ops.ask("reporter-2", "/livez") == (200, {"live": True, "stuck": {}})
