"""/readyz and /livez of every process while the database and the broker go away and come back."""

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
# The parts that each process needs, and the parts that it can do without for a while.
PARTS: dict[str, tuple[set[str], set[str]]] = {
    "api": ({"database", "time zones"}, {"api.publish"}),
    "planner": ({"database", "planner.publish", "planner.consume"}, set()),
    "dispatcher": ({"database", "dispatcher.publish", "dispatcher.consume"}, set()),
    "reporter": ({"database", "reporter.publish", "reporter.consume", "reporter.receipts"}, set()),
    "reporter-2": ({"database", "reporter.publish", "reporter.consume", "reporter.receipts"}, set()),
}

pytestmark = pytest.mark.timeout(150)


class Ops:
    """Asks the ops ports of all processes of a stack."""

    def __init__(self, stack: Stack, http: aiohttp.ClientSession) -> None:
        self._stack = stack
        self._http = http

    async def ask(self, name: str, path: str) -> tuple[int, Any]:
        url = self._stack.process(name).probe.replace("/readyz", path)
        async with self._http.get(url) as reply:
            return reply.status, await reply.json()

    async def until_away(self, away: Callable[[str], bool]) -> dict[str, tuple[int, Any]]:
        """Waits until exactly the parts that `away` selects are away. Returns status and body by process."""
        answers: dict[str, tuple[int, Any]] = {}

        async def as_expected() -> bool:
            for name in PROCESSES:
                answers[name] = await self.ask(name, "/readyz")
            return all(up is not away(part) for _, body in answers.values() for part, up in body["parts"].items())

        await until(as_expected, 40, "the expected parts are away")
        return answers


def is_of_broker(part: str) -> bool:
    return part.endswith(("publish", "consume", "receipts"))


def is_database(part: str) -> bool:
    return part == "database"


def no_part(_: str) -> bool:
    return False


async def test_each_process_names_the_part_that_is_away_since_when_and_why(
    make_stack: MakeStack, database_url: str, broker_url: str
) -> None:
    async with (
        Relay(database_url) as database,
        Relay(broker_url) as broker,
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=3)) as http,
    ):
        env = {"HERALD_DATABASE_URL": database.url, "HERALD_RABBITMQ_URL": broker.url}
        # A reporter that stands by is ready, too.
        stack = await make_stack("sandbox", *PROCESSES, env=env)
        ops = Ops(stack, http)
        answers = await ops.until_away(no_part)
        for name, (needed, optional) in PARTS.items():
            status, body = answers[name]
            assert (status, set(body["parts"]), set(body["optional"])) == (200, needed | optional, optional), name
            assert (set(body["since"]), body["reasons"]) == (needed | optional, {}), name
        details = {"breaker": "closed", "dispatcher.consume": "consuming", "sending": "flowing"}
        assert answers["dispatcher"][1]["details"] == details

        await broker.cut()
        answers = await ops.until_away(is_of_broker)
        for name, (status, body) in answers.items():
            # Only the API is ready without a broker.
            assert status == (200 if name == "api" else 503), name
            assert set(body["reasons"]) == {part for part in body["parts"] if is_of_broker(part)}, name
            # Waiting for the broker does not make a process stuck, since a restart would not help.
            assert await ops.ask(name, "/livez") == (200, {"live": True, "stuck": {}}), name
        await broker.mend()
        await ops.until_away(no_part)

        await database.cut()
        answers = await ops.until_away(is_database)
        for name, (status, body) in answers.items():
            assert (status, bool(body["reasons"]["database"])) == (503, True), name
        await database.mend()
        await ops.until_away(no_part)

        # A frozen process does not answer, which counts as a failed probe.
        stack.process("reporter-2").kill(signal.SIGSTOP)
        with pytest.raises(asyncio.TimeoutError):
            await ops.ask("reporter-2", "/livez")
        stack.process("reporter-2").kill(signal.SIGCONT)
        assert await ops.ask("reporter-2", "/livez") == (200, {"live": True, "stuck": {}})
