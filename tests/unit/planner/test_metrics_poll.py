"""The polled metrics of queues and tables, which are cleared when a poll fails."""

import math
from typing import Any, cast

import pytest

from services.planner.metrics import Metrics
from services.planner.metrics_poll import MetricsPoll
from shared.broker import Depth, Publisher, Unpublished
from shared.database import Pool
from shared.health import Health
from shared.metrics import new_registry

JOBS, DEAD = "dispatcher.jobs", "dispatcher.dead"


class FakePublisher:
    def __init__(self) -> None:
        self.depths: dict[str, Depth] | None = {}

    async def read_depths(self, queues: list[str]) -> dict[str, Depth]:
        assert queues == [JOBS, DEAD]
        if self.depths is None:
            raise Unpublished("not connected")
        return self.depths


class FakePool:
    """Answers the three statements in their order, or is away."""

    def __init__(self) -> None:
        self.results = 0
        self.fence_age = 1.5
        self.away = False
        self.unsent: list[dict[str, float]] = []
        self.paused: dict[str, float | None] = {"longest": None, "nearest_end": None}

    async def fetchrow(self, statement: str) -> dict[str, Any]:
        if self.away:
            raise ConnectionResetError("away")
        if "nearest_end" in statement:
            return self.paused
        return {"results": self.results, "fence_age": self.fence_age}

    async def fetchval(self, _: str) -> float:
        return 12.0

    async def fetch(self, statement: str) -> list[dict[str, Any]]:
        return [{"status": "running", "n": 2}] if "GROUP BY 1" in statement[:120] else self.unsent


class Scene:
    def __init__(self) -> None:
        self.publisher = FakePublisher()
        self.pool = FakePool()
        self.registry = new_registry()
        metrics = Metrics(self.registry)
        self.health = Health()
        pool, publisher = cast(Pool, self.pool), cast(Publisher, self.publisher)
        self.poll = MetricsPoll(pool, publisher, lambda: [JOBS, DEAD], metrics, self.health)

    def seen(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(name, labels)


async def test_queues_are_shown_while_they_can_be_seen_and_only_those_that_are_there() -> None:
    scene = Scene()
    scene.publisher.depths = {JOBS: Depth(ready=7, consumers=2)}
    await scene.poll.poll_queues()
    assert scene.seen("herald_queue_messages", queue=JOBS) == 7
    assert scene.seen("herald_queue_consumers", queue=JOBS) == 2
    assert scene.seen("herald_queue_messages", queue=DEAD) is None
    scene.publisher.depths = None
    await scene.poll.poll_queues()
    assert scene.seen("herald_queue_messages", queue=JOBS) is None


async def test_what_waits_by_design_is_not_at_risk() -> None:
    scene = Scene()
    scene.pool.unsent = [{"mailing_id": 4, "unsent": 100, "waiting": 30, "too_late": 0, "seconds_left": 60.0}]
    await scene.poll.poll_tables()
    assert scene.seen("herald_messages_unsent", state="ready") == 70
    assert scene.seen("herald_messages_unsent", state="waiting") == 30
    assert scene.seen("herald_messages_at_risk") == 70
    assert scene.seen("herald_mailings", status="running") == 2
    assert scene.seen("herald_mailings", status="paused") == 0
    assert scene.seen("herald_fence_age_seconds") == 1.5


async def test_what_waits_for_a_window_behind_the_end_is_at_risk_and_its_mailing_is_named() -> None:
    scene = Scene()
    scene.pool.unsent = [{"mailing_id": 4, "unsent": 100, "waiting": 100, "too_late": 90, "seconds_left": 60.0}]
    await scene.poll.poll_tables()
    assert scene.seen("herald_messages_at_risk") == 90
    assert scene.health.details["at risk"] == "mailing 4: 90 messages"
    scene.pool.unsent = []
    await scene.poll.poll_tables()
    assert "at risk" not in scene.health.details


async def test_a_pause_shows_with_its_length_and_the_nearest_end() -> None:
    scene = Scene()
    await scene.poll.poll_tables()
    assert scene.seen("herald_paused_longest_seconds") == 0
    assert math.isnan(scene.seen("herald_paused_nearest_end_seconds") or 0.0)
    scene.pool.paused = {"longest": 7200.0, "nearest_end": 600.0}
    await scene.poll.poll_tables()
    assert scene.seen("herald_paused_longest_seconds") == 7200
    assert scene.seen("herald_paused_nearest_end_seconds") == 600


async def test_nothing_is_at_risk_at_a_rate_that_will_do() -> None:
    scene = Scene()
    scene.pool.unsent = [{"mailing_id": 4, "unsent": 100, "waiting": 0, "too_late": 0, "seconds_left": 60.0}]
    await scene.poll.poll_tables()
    scene.pool.results = 500
    await scene.poll.poll_tables()
    assert scene.seen("herald_messages_at_risk") == 0


async def test_what_is_no_longer_known_is_no_longer_shown() -> None:
    scene = Scene()
    await scene.poll.poll_tables()
    scene.pool.away = True
    with pytest.raises(ConnectionResetError):
        await scene.poll.poll_tables()
    assert scene.seen("herald_messages_unsent", state="ready") is None
    assert math.isnan(scene.seen("herald_messages_at_risk") or 0.0)
