"""The planner's endless tasks outlive outages of the database."""

import asyncio

import asyncpg
import pytest

from services.planner.task_loop import repeat
from shared.health import Pulse

OUTAGES = [
    ConnectionRefusedError(),
    TimeoutError(),
    asyncpg.CannotConnectNowError("the database system is starting up"),
    asyncpg.AdminShutdownError("terminating connection due to administrator command"),
    asyncpg.InterfaceError("connection is closed"),
    asyncpg.ReadOnlySQLTransactionError("cannot execute UPDATE in a read-only transaction"),
    asyncpg.DeadlockDetectedError("deadlock detected"),
    # Seen when a server was stopped between a statement's preparation and its execution.
    asyncpg.InternalClientError("cannot switch to state 12; another operation (2) is in progress"),
]


@pytest.mark.parametrize("error", OUTAGES, ids=lambda error: type(error).__name__)
async def test_work_that_meets_an_outage_is_done_again(error: Exception) -> None:
    errors, done = [error], asyncio.Event()

    async def work() -> float:
        if errors:
            raise errors.pop()
        done.set()
        return 60

    task = asyncio.create_task(repeat("work", work, asyncio.Event(), Pulse()))
    async with asyncio.timeout(5):
        await done.wait()
    task.cancel()


async def test_a_fault_of_the_work_itself_ends_the_task() -> None:
    async def work() -> float:
        raise asyncpg.UndefinedTableError('relation "nothing" does not exist')

    with pytest.raises(asyncpg.UndefinedTableError):
        await repeat("work", work, asyncio.Event(), Pulse())
