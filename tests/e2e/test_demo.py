"""herald demo on a machine where nothing has been set up."""

import contextlib
from pathlib import Path

import aio_pika
import pytest

from shared.topology import DISPATCHER_DEAD, DISPATCHER_JOBS, PLANNER_MAILINGS, REPORTER_RESULTS
from tests.support.herald_command import herald

# The demo has retry delays of its own.
RETRIES = ("dispatcher.retry.1s", "dispatcher.retry.2s")


async def queues_of(broker_url: str) -> list[str]:
    """Returns those of Herald's queues that are there."""
    found: list[str] = []
    async with await aio_pika.connect(broker_url) as connection:
        for name in (PLANNER_MAILINGS, DISPATCHER_JOBS, REPORTER_RESULTS, DISPATCHER_DEAD, *RETRIES):
            with contextlib.suppress(aio_pika.exceptions.ChannelNotFoundEntity):
                async with connection.channel() as channel:
                    await channel.declare_queue(name, passive=True)
                    found.append(name)
    return found


@pytest.mark.timeout(300)
async def test_the_demo_ends_with_statistics_and_ledger_that_agree(broker_url: str, open_path: Path) -> None:
    # It starts a PostgreSQL of its own, and uses other ports if the usual ones are taken.
    for _ in range(2):
        done = await herald("demo", env={"HERALD_RABBITMQ_URL": broker_url}, folder=open_path)
        assert done.code == 0, f"{done.out}\n{done.err}"
        assert "mailing 1 goes to 800 of them" in done.out
        assert "NO" not in done.out
        assert await queues_of(broker_url) == [], "its dead letters refer to a database that is gone"


async def test_the_demo_sends_nothing_to_a_real_provider(open_path: Path) -> None:
    done = await herald("demo", env={"HERALD_PROVIDER_URL": "https://provider.invalid/v1"}, folder=open_path)
    assert (done.code, "HERALD_PROVIDER_URL" in done.err) == (2, True)
