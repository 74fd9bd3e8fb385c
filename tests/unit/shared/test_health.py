"""The health that a process reports: its parts, its tasks and its event loop."""

import asyncio
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest

from shared.health import LONGEST_REASON, LOOP_SECONDS, STUCK_SECONDS, Health, Pulse
from shared.metrics import new_registry
from shared.ops import serve_ops
from tests.support.ports import take_ports


class Clock:
    def __init__(self) -> None:
        self.moment = 1000.0

    def __call__(self) -> float:
        return self.moment


def test_a_process_is_ready_without_what_it_can_do_without() -> None:
    health = Health()
    health.add_optional("broker")
    health.require("database", "broker")
    assert not health.ready
    health.set("database", True)
    assert health.ready
    shown = health.readiness()
    assert (shown["parts"], shown["optional"]) == ({"broker": False, "database": True}, ["broker"])


def test_a_part_that_went_shows_since_when_and_the_reason() -> None:
    health, began = Health(), datetime.now(UTC)
    health.set("database", True)
    up = health.readiness()
    assert up["reasons"] == {}
    health.set("database", False, "first")
    down = health.readiness()
    health.set("database", False, "then")
    health.set("database", False)
    later = health.readiness()
    assert (down["reasons"], later["reasons"]) == ({"database": "first"}, {"database": "then"})
    # Since it went, not since it was last looked at.
    assert later["since"] == down["since"]
    assert isinstance(later["since"], dict)
    assert abs(datetime.fromisoformat(later["since"]["database"]) - began) < timedelta(seconds=5)
    health.set("database", True)
    assert health.readiness()["reasons"] == {}


@pytest.mark.parametrize(
    ("reason", "shown"),
    [
        ("postgresql://herald:hush@db/ is away", "postgresql://herald:***@db/ is away"),
        ("Key (phone)=(79991234567)\n\x1b[2J", "Key (phone)=(7999***4567)\\n\\x1b[2J"),
        ("x" * 1000, "x" * LONGEST_REASON),
    ],
)
def test_a_reason_holds_no_secrets_and_stays_one_short_line(reason: str, shown: str) -> None:
    health = Health()
    health.set("database", False, reason)
    assert health.readiness()["reasons"] == {"database": shown}


def test_a_task_that_stays_at_one_turn_is_stuck_and_one_that_rests_is_not() -> None:
    clock = Clock()
    health, busy, idle = Health(clock), Pulse(clock), Pulse(clock)
    health.watch("busy", busy)
    health.watch("idle", idle)
    for pulse in (busy, idle):
        pulse.beat()
    idle.rest()
    clock.moment += STUCK_SECONDS
    assert health.liveness() == {"live": True, "stuck": {}}
    clock.moment += 1
    assert health.liveness() == {"live": False, "stuck": {"busy": STUCK_SECONDS + 1}}
    busy.beat()
    assert health.liveness()["live"]


async def test_an_event_loop_that_was_held_up_is_stuck() -> None:
    clock = Clock()
    health = Health(clock)
    beating = asyncio.create_task(health.run())
    await asyncio.sleep(0)
    assert health.liveness()["live"]
    clock.moment += LOOP_SECONDS + 1
    assert health.liveness() == {"live": False, "stuck": {"event loop": LOOP_SECONDS + 1}}
    beating.cancel()


async def test_livez_is_503_while_a_task_is_stuck_whatever_readyz_answers() -> None:
    clock, port = Clock(), take_ports()
    health, pulse = Health(), Pulse(clock)
    health.watch("fold", pulse)
    pulse.beat()
    async with (
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as http,
        serve_ops("127.0.0.1", port, health, new_registry()),
    ):
        async with http.get("/livez") as live:
            assert live.status == 200
        clock.moment += STUCK_SECONDS + 1
        async with http.get("/livez") as live, http.get("/readyz") as ready:
            assert (live.status, await live.json()) == (503, {"live": False, "stuck": {"fold": STUCK_SECONDS + 1}})
            assert ready.status == 200
