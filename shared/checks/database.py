"""Checks that the database answers, takes writes, leaves its rights to this process, and has the same time."""

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from prometheus_client import CollectorRegistry, Gauge

from shared import logs
from shared.database import DATABASE_OUTAGES, Pool, describe
from shared.health import Health

CHECK_SECONDS = 2.0
ANSWER_SECONDS = 3.0
# Every deadline is judged by the database's clock, so a difference spoils logs and traces, not deliveries.
GREATEST_SKEW_SECONDS = 1.0
READ_ONLY = "the database takes no writes: it is a standby, or was made read-only"
MOST_NAMED = 3

log = logs.get()


@dataclass(frozen=True, slots=True)
class Answer:
    """What the database said: whether it takes no writes, by how many seconds this clock is ahead, what it forbids.

    The skew is exact to half of the time that the answer took; less than that counts as none. `forbidden` are the
    tables that this user may not read, or not change.
    """

    read_only: bool
    skew: float
    forbidden: frozenset[str]


def describe_lost_rights(tables: Iterable[str]) -> str:
    """Returns which tables' rights are to be given back, of many only the first ones."""
    names = sorted(tables)
    more = f" and {len(names) - MOST_NAMED} more tables" if len(names) > MOST_NAMED else ""
    named = ", ".join(names[:MOST_NAMED])
    return f"rights were taken from its user: GRANT SELECT, INSERT, UPDATE, DELETE on {named}{more}"


def measure_skew(asked_at: float, answered_at: float, database_now: datetime) -> float:
    """Returns by how many seconds this clock is ahead of the database's. `asked_at`, `answered_at`: Unix time."""
    ahead = (asked_at + answered_at) / 2 - database_now.timestamp()
    uncertain = (answered_at - asked_at) / 2
    return 0.0 if abs(ahead) <= uncertain else ahead


class DatabaseCheck:
    """The check of the database, every two seconds. Sets `database` in `health`, and two gauges.

    Connections to a server that takes no writes are renewed: after a failover the same URL leads to another server.
    """

    def __init__(self, pool: Pool, health: Health, registry: CollectorRegistry) -> None:
        self._pool = pool
        self._health = health
        self._skewed = False
        self._question: asyncio.Task[Answer] | None = None
        # What was forbidden from the start on was found to be dispensable: the process began to work.
        self._always_forbidden: frozenset[str] | None = None
        self._read_only = Gauge(
            "herald_database_read_only", "1 while the database answers and takes no writes.", registry=registry
        )
        self._skew = Gauge(
            "herald_clock_skew_seconds", "Seconds this clock is ahead of the database's.", registry=registry
        )

    async def run(self) -> None:
        """Checks until cancelled."""
        try:
            while True:
                await self.check()
                await asyncio.sleep(CHECK_SECONDS)
        finally:
            if self._question is not None:
                self._question.cancel()

    async def check(self) -> None:
        """Checks once."""
        try:
            answer = await self._wait_for_answer()
        except DATABASE_OUTAGES as error:
            self._set_down(describe(error))
            return
        self._read_only.set(answer.read_only)
        self._report_skew(answer.skew)
        if answer.read_only:
            self._set_down(READ_ONLY, lasting=True)
            await self._pool.expire_connections()
        elif lost := self._find_lost_rights(answer.forbidden):
            self._set_down(describe_lost_rights(lost), lasting=True)
        else:
            self._health.set("database", True)

    def _find_lost_rights(self, forbidden: frozenset[str]) -> frozenset[str]:
        if self._always_forbidden is None:
            self._always_forbidden = forbidden
        return forbidden - self._always_forbidden

    async def _wait_for_answer(self) -> Answer:
        """Waits for ANSWER_SECONDS and no longer. Raises TimeoutError then.

        A connection to a server that has fallen silent may take as long as its timeout to be given up, so the question
        is left behind, and the next check looks whether it is over.
        """
        if self._question is None:
            self._question = asyncio.create_task(self._ask())
        question = self._question
        await asyncio.wait({question}, timeout=ANSWER_SECONDS)
        if not question.done():
            question.cancel()
            raise TimeoutError
        self._question = None
        if question.cancelled():
            raise TimeoutError
        return question.result()

    async def _ask(self) -> Answer:
        asked_at = time.time()
        row = await self._pool.fetchrow(
            """
            SELECT clock_timestamp() AS now,
                pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean AS read_only,
                ARRAY(
                    SELECT relname::text FROM pg_class
                    WHERE relkind IN ('r', 'p')
                        AND relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = to_regclass('migrations'))
                        AND NOT (has_table_privilege(oid, 'SELECT') AND has_table_privilege(oid, 'INSERT')
                            AND has_table_privilege(oid, 'UPDATE') AND has_table_privilege(oid, 'DELETE'))
                ) AS forbidden
            """
        )
        assert row is not None  # noqa: S101 - a SELECT without FROM has one row
        skew = measure_skew(asked_at, time.time(), row["now"])
        return Answer(read_only=row["read_only"], skew=skew, forbidden=frozenset(row["forbidden"]))

    def _set_down(self, reason: str, *, lasting: bool = False) -> None:
        if self._health.parts.get("database"):
            # A restart of the server is over in seconds; what lasts waits for somebody.
            write_line = log.error if lasting else log.warning
            write_line("database lost", detail=reason)
        self._health.set("database", False, reason)

    def _report_skew(self, seconds: float) -> None:
        self._skew.set(seconds)
        skewed = abs(seconds) > GREATEST_SKEW_SECONDS
        if skewed and not self._skewed:
            log.warning("clock differs from the database's", ahead_seconds=round(seconds, 3))
        self._skewed = skewed
        if skewed:
            self._health.details["clock"] = f"{seconds:+.1f} s beside the database's"
        else:
            self._health.details.pop("clock", None)
