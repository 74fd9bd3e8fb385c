"""Rows in which the provider is in trouble."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from tests.chaos.arena import LATENCY_MS, Arena, Inflict, Needs
from tests.chaos.conftest import RunRow
from tests.chaos.row import Row
from tests.chaos.table import ROW_SECONDS, parameters

pytestmark = pytest.mark.timeout(ROW_SECONDS)

ON, OFF = {"ok": 1.0}, {"error500": 1.0}
FLAP_SECONDS = 2
SLOW_MS = 4000


def faults(modes: dict[str, float] | None = None, **more: Any) -> Inflict:
    """Have the sandbox misbehave for the time of the row."""

    async def inflict(arena: Arena) -> None:
        await arena.operator.set_faults(latency_ms=LATENCY_MS, modes=modes or ON, **more)
        await asyncio.sleep(arena.seconds)
        await heal(arena)

    return inflict


async def heal(arena: Arena) -> None:
    await arena.operator.set_faults(latency_ms=LATENCY_MS)


async def slow_down(arena: Arena) -> None:
    """Answers late, but within the timeout: requests are open when the end of a mailing comes."""
    await arena.operator.set_faults(latency_ms=SLOW_MS)
    await asyncio.sleep(arena.seconds)
    await heal(arena)


async def flap(arena: Arena) -> None:
    """Be well and ill in turns."""
    for _ in range(int(arena.seconds / FLAP_SECONDS / 2)):
        for modes in (OFF, ON):
            await arena.operator.set_faults(latency_ms=LATENCY_MS, modes=modes)
            await asyncio.sleep(FLAP_SECONDS)
    await heal(arena)


def too_many(*headers: int | str, plain: bool = False) -> Inflict:
    """Answers 429 with one Retry-After after the other; `plain` ones are no numbers of seconds and no dates."""

    async def inflict(arena: Arena) -> None:
        for header in headers:
            field = {"retry_after_text": header} if plain else {"retry_after": header}
            await arena.operator.set_faults(latency_ms=LATENCY_MS, modes={"too_many": 1.0}, **field)
            await asyncio.sleep(arena.seconds / len(headers))
        await heal(arena)

    return inflict


def http_date(ahead: timedelta) -> str:
    return format_datetime(datetime.now(UTC).replace(microsecond=0) + ahead, usegmt=True)


async def cut_off(arena: Arena) -> None:
    """Cuts every connection to the provider. The replies to what was in flight are lost with them."""
    await arena.remember_held()
    await arena.relay.cut()
    await arena.remember_held()


async def refuse(arena: Arena) -> None:
    """Refuses connections, as a provider does that is not running."""
    await cut_off(arena)
    await asyncio.sleep(arena.seconds)
    await arena.relay.mend()


async def bad_tls(arena: Arena) -> None:
    """Shows a certificate that nobody trusts, then one of another host, then the good one again."""
    certificates = arena.certificates
    await cut_off(arena)
    for wrong in (certificates.unknown, certificates.other_host):
        await arena.relay.cut()
        await arena.relay.mend(wrong)
        await asyncio.sleep(arena.seconds / 2)
    await arena.relay.cut()
    await arena.relay.mend(certificates.good)


# So many at once that some of them belong to the mailing whose end comes.
PATIENT = {"HERALD_PROVIDER_TIMEOUT": "10", "HERALD_DISPATCHER_CONCURRENCY": "100"}
JUNK = ("soon", "-1", "1e9", "Sun, 99 Nov 1994 08:49:37 GMT", "0x10")
LATER = "retry only after the deadline"

ROWS: Sequence[Row] = (
    Row("provider 500 for long", faults(OFF), seconds=30, stops=True),
    Row("provider hangs", faults({"hang": 1.0}), seconds=10),
    Row("provider is slow", slow_down, seconds=12, env=PATIENT),
    Row("provider drips slowly", faults({"slow_drip": 1.0}), seconds=8),
    Row("provider floods", faults({"huge": 1.0}), seconds=8),
    Row("provider talks garbage", faults({"garbage": 1.0}), seconds=6, quick=True),
    Row("provider breaks its chunks", faults({"bad_chunks": 1.0})),
    Row("provider flaps", flap, seconds=12),
    Row("provider fails every second time", faults(error_rate=0.5), seconds=12),
    Row("provider loses replies", faults({"ok": 0.7, "lost_reply": 0.3})),
    Row("provider loses every reply", faults({"lost_reply": 1.0})),
    Row("provider refuses connections", refuse, needs=frozenset({Needs.PROVIDER_RELAY})),
    Row("provider resets connections", faults({"reset": 1.0})),
    Row("provider 429, Retry-After 0", too_many(0)),
    Row("provider 429, Retry-After in the past", too_many(http_date(timedelta(days=-1)))),
    Row("provider 429, Retry-After junk", too_many(*JUNK, plain=True), seconds=12),
    # Taken at its word, the provider wants these few asked again only after the end.
    Row("provider 429, Retry-After huge", too_many(1_000_000), excuse=LATER),
    Row("provider 429, Retry-After without end", too_many("9" * 100, plain=True), excuse=LATER),
    Row("provider 429, Retry-After tomorrow", too_many(http_date(timedelta(days=1))), excuse=LATER),
    Row("provider 429, Retry-After in 5 s", too_many(5)),
    Row("provider has a bad certificate", bad_tls, needs=frozenset({Needs.PROVIDER_TLS})),
    Row("provider 401", faults({"unauthorized": 1.0})),
)


@pytest.mark.parametrize("row", parameters(ROWS))
async def test_messages_survive_a_provider_in_trouble(run_row: RunRow, row: Row) -> None:
    await run_row(row)
