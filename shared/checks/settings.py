"""Compares settings that must be equal in all processes, through the database.

Each process keeps a row with its values, and with its version and its limits, which the API shows. A row that was not
renewed for a minute belongs to a process that is gone.
"""

import asyncio
import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

import orjson
from prometheus_client import CollectorRegistry, Gauge

from shared import logs
from shared.database import DATABASE_OUTAGES, Pool
from shared.health import Health
from shared.metrics import installed_version

CHECK_SECONDS = 10.0
# A process that stops does not wait longer for a database that is away.
LEAVING_SECONDS = 1.0
DETAIL = "settings"

log = logs.get()


@dataclass(frozen=True, slots=True, order=True)
class Difference:
    """A variable that another process has with another value. `other` names the process and its host."""

    variable: str
    here: str
    there: str
    other: str


def compare(mine: Mapping[str, str], others: Mapping[str, Mapping[str, str]]) -> list[Difference]:
    """Lists where the values of others differ from mine. `others`: the values by the name of the process."""
    return sorted(
        Difference(variable, here, values[variable], other)
        for other, values in others.items()
        for variable, here in mine.items()
        if variable in values and values[variable] != here
    )


def show_delays(delays: tuple[timedelta, ...]) -> str:
    """Returns retry delays as the variable has them, in seconds: "5s,30s"."""
    return ",".join(f"{delay.total_seconds():g}s" for delay in delays)


def read_delays(shown: str) -> tuple[timedelta, ...]:
    """Returns the retry delays of what `show_delays` returned."""
    return tuple(timedelta(seconds=float(delay.removesuffix("s"))) for delay in shown.split(","))


class SettingsCheck:
    """The comparison of this process's settings with those of all others, every ten seconds.

    Logs one line for each new difference, which names the variable, both values and the other process. A difference
    also shows in the details of /readyz and in a gauge by variable. `limits` are settings that may differ; they are
    only told.
    """

    def __init__(
        self,
        pool: Pool,
        health: Health,
        registry: CollectorRegistry,
        process: str,
        values: Mapping[str, str],
        limits: Mapping[str, str] | None = None,
    ) -> None:
        self._pool = pool
        self._health = health
        self._instance = uuid4()
        self._name = f"{process} {os.getpid()} at {socket.gethostname()}"
        self._values = dict(values)
        self._limits = dict(limits or {})
        self._known: list[Difference] = []
        self._others: Mapping[str, Mapping[str, str]] = {}
        gauge = Gauge(
            "herald_settings_different",
            "Other processes that have this setting with another value.",
            ["variable"],
            registry=registry,
        )
        self._gauges = {variable: gauge.labels(variable) for variable in self._values}

    async def run(self) -> None:
        """Compares until cancelled."""
        while True:
            with suppress(*DATABASE_OUTAGES):
                await self.compare()
            await asyncio.sleep(CHECK_SECONDS)

    async def compare(self) -> None:
        """Compares once. Raises DATABASE_OUTAGES."""
        self._others = await self._exchange()
        self._report(compare(self._values, self._others))

    def elsewhere(self, variable: str) -> set[str]:
        """Returns the values that other processes had at the last comparison."""
        return {values[variable] for values in self._others.values() if variable in values}

    async def _exchange(self) -> dict[str, dict[str, str]]:
        """Renews the row of this process, and returns the values of all others, by name."""
        rows = await self._pool.fetch(
            """
            WITH gone AS (
                DELETE FROM process_settings WHERE seen_at < now() - interval '1 h'
            ), mine AS (
                INSERT INTO process_settings (instance, process, settings, limits, version) VALUES ($1, $2, $3, $4, $5)
                ON CONFLICT (instance) DO UPDATE SET seen_at = now()
            )
            SELECT process, settings FROM process_settings
            WHERE instance <> $1 AND seen_at > now() - interval '1 min'
            """,
            self._instance,
            self._name,
            orjson.dumps(self._values).decode(),
            orjson.dumps(self._limits).decode(),
            installed_version(),
        )
        return {row["process"]: orjson.loads(row["settings"]) for row in rows}

    def _report(self, differences: list[Difference]) -> None:
        for one in differences:
            if one not in self._known:
                log.error(
                    "setting differs between processes",
                    variable=one.variable,
                    here=one.here,
                    there=one.there,
                    other=one.other,
                )
        self._known = differences
        for variable, gauge in self._gauges.items():
            gauge.set(sum(one.variable == variable for one in differences))
        if differences:
            self._health.details[DETAIL] = "; ".join(
                f"{one.variable} is {one.here} here and {one.there} in {one.other}" for one in differences
            )
        else:
            self._health.details.pop(DETAIL, None)

    async def __aenter__(self) -> "SettingsCheck":
        return self

    async def __aexit__(self, *_: object) -> None:
        """Removes the row of this process, so that its successor is not compared with it."""
        with suppress(*DATABASE_OUTAGES):
            async with asyncio.timeout(LEAVING_SECONDS):
                await self._pool.execute("DELETE FROM process_settings WHERE instance = $1", self._instance)
