"""The rate of a dispatcher that is far from its database or its broker, or on a machine that has other work to do."""

import asyncio
import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass

from bench.steady.relay import Relay
from bench.steady.sending_watch import SendingReport, watch_sending
from bench.steady.stage import LOGS, FiguresTable, Stage
from cli.stack.output import announce

PROVIDER_MS = 20
BUSY, BUSY_PROCESSES = "while True: pass", 2
NAME = "dispatcher"
WARM, WARMING = "warm", 50
# A cause is named for two seconds after it was seen last: that of the beginning is over by then.
SETTLING_SECONDS = 3.0
COLUMNS = ("place", "messages/s", "of what latency explains", "of near", "given back", "/readyz", "log")


@dataclass(frozen=True, slots=True)
class FarPlace:
    """How far a dispatcher is from its services, in milliseconds there and back, and whether the cores are busy."""

    name: str
    database_ms: int = 0
    broker_ms: int = 0
    busy: bool = False

    def explained(self, concurrency: int) -> float:
        """Returns the messages a second that latency allows: slots over their time, results over theirs."""
        slots = concurrency / ((self.database_ms + PROVIDER_MS) / 1000)
        return min(slots, 2 * concurrency / (self.broker_ms / 1000)) if self.broker_ms else slots


PLACES = (
    FarPlace("near"),
    *(FarPlace(f"database {ms} ms", database_ms=ms) for ms in (30, 100, 300, 1000)),
    *(FarPlace(f"broker {ms} ms", broker_ms=ms) for ms in (100, 500)),
    FarPlace("cores busy", busy=True),
)


async def measure(stage: Stage, messages: int, concurrency: int) -> FiguresTable:
    """Sends a mailing from each place, after a small one, by which the dispatcher has its lease and its connections."""
    await stage.add_clients(messages)
    await stage.add_clients(WARMING, WARM, after=messages)
    await stage.set_faults(PROVIDER_MS)
    near, rows = 0.0, []
    for place in PLACES:
        announce(f"sending {messages} messages: {place.name}")
        rate, report = await _send_from(stage, place)
        near = near or rate
        rows.append(_row(place, rate, near, report, concurrency))
    return FiguresTable(f"{messages} messages, {concurrency} slots, a provider of {PROVIDER_MS} ms", COLUMNS, rows)


def _row(place: FarPlace, rate: float, near: float, report: SendingReport, concurrency: int) -> tuple[object, ...]:
    return (
        place.name,
        f"{rate:.0f}",
        "-" if place.busy else f"{rate / place.explained(concurrency):.2f}",
        f"{rate / near:.2f}",
        ", ".join(f"{count} {reason}" for reason, count in report.given_back.items()) or "0",
        report.shares or "-",
        ", ".join(f"{cause} x{count}" for cause, count in report.logged.items()) or "-",
    )


async def _send_from(stage: Stage, place: FarPlace) -> tuple[float, SendingReport]:
    async with AsyncExitStack() as opened:
        database = await opened.enter_async_context(Relay(stage.stack.database_url))
        broker = await opened.enter_async_context(Relay(stage.stack.broker_url))
        database.latency, broker.latency = place.database_ms / 2000, place.broker_ms / 2000
        own = {"HERALD_DATABASE_URL": database.url, "HERALD_RABBITMQ_URL": broker.url}
        ops = await opened.enter_async_context(stage.dispatcher(NAME, own))
        await stage.until_finished([await stage.create_mailing(WARM)])
        await asyncio.sleep(SETTLING_SECONDS)
        report = await opened.enter_async_context(watch_sending(ops, LOGS / f"{NAME}.log"))
        for _ in range(BUSY_PROCESSES if place.busy else 0):
            other = await asyncio.create_subprocess_exec(sys.executable, "-c", BUSY)
            opened.callback(other.kill)
        mailing_id = await stage.create_mailing()
        await stage.until_finished([mailing_id])
        rate = await stage.rate_of([mailing_id])
    return rate, report
