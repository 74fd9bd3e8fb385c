"""Fences that cannot be published are logged once and then summed."""

from datetime import UTC, datetime
from typing import Any, cast

from structlog.testing import capture_logs

from services.planner.fence import publish_fence
from shared.database import Pool
from shared.logs import RepeatedCauses
from tests.support.fakes import RecordingPublisher


class Clock:
    """A pool that answers the one statement of a fence."""

    async def fetchval(self, statement: str) -> Any:
        return datetime.now(UTC)


async def test_fences_that_cannot_be_published_are_summed_until_one_is() -> None:
    pool, publisher, repeats = cast(Pool, Clock()), RecordingPublisher(refusals=5), RepeatedCauses()
    with capture_logs() as lines:
        for _ in range(6):
            await publish_fence(pool, publisher, repeats)
        assert len(publisher.published) == 1
        publisher.refusals = 6
        await publish_fence(pool, publisher, repeats)
    assert [(line["event"], line["times"]) for line in lines] == [("fence not published", 1)] * 2
