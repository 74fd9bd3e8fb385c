"""Reads all figures of a day's report in one snapshot."""

from collections.abc import Awaitable, Callable
from datetime import datetime

from services.planner.report import store
from services.planner.report.figures import Day, Report
from shared.database import Connection

NEXT_MAILINGS = 10
WEEK = 7

CountDeadLetters = Callable[[], Awaitable[int | None]]


async def read_report(
    connection: Connection, day: Day, made_at: datetime, count_dead_letters: CountDeadLetters
) -> Report:
    """Reads the report of a day. Takes seconds where millions of messages became final on it."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        await connection.execute(f"SET LOCAL statement_timeout = '{store.STATEMENT_TIMEOUT}'")
        await connection.execute("SET LOCAL idle_in_transaction_session_timeout = '30s'")
        return Report(
            day=day,
            made_at=made_at,
            counts=await store.count_final(connection, day),
            day_before=await store.count_final(connection, day.days_before(1)),
            week_before=await store.count_final(connection, day.days_before(WEEK)),
            mailings=await store.list_mailings(connection, day),
            reasons=await store.list_reasons(connection, day),
            trouble_minutes=await store.count_trouble_minutes(connection, day),
            dead_letters=await count_dead_letters(),
            ending=await store.list_ending(connection, day.days_before(-1).ends_at),
            next_ones=await store.list_scheduled(connection, NEXT_MAILINGS),
        )
