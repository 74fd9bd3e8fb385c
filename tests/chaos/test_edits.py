"""Rows in which operators change their minds at full rate: what they say acts within 100 ms of the answer."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from services.planner.closing import CLIENT_DELETED
from tests.chaos.arena import Arena
from tests.chaos.conftest import RunRow
from tests.chaos.ledger import Request, read_requests
from tests.chaos.row import Row
from tests.chaos.table import ROW_SECONDS, parameters
from tests.support.mailing_rows import add_clients

pytestmark = pytest.mark.timeout(ROW_SECONDS)

# I3: no request starts later than this after the answer.
ACTS_WITHIN = timedelta(milliseconds=100)
BETWEEN_SECONDS = 0.4
# By then whatever was on its way has arrived.
SETTLED_SECONDS = 1.0
VICTIM_CLIENTS = 400


# More than the other rows: at this rate something is on its way at every moment.
RATE = 400
ENV = {"HERALD_DISPATCHER_CONCURRENCY": "50"}

End = Callable[[int], Awaitable[object]]


def now() -> datetime:
    return datetime.now(UTC)


async def requests_of(arena: Arena, mailing_id: int) -> list[Request]:
    rows = await arena.pool.fetch("SELECT id FROM messages WHERE mailing_id = $1", mailing_id)
    ids = {row["id"] for row in rows}
    return [request for request in await read_requests(arena.stack.sandbox) if request.message_id in ids]


def tell(arena: Arena, lags: Sequence[timedelta]) -> None:
    """Puts the worst lag into the row, and break the promise if it is too long."""
    worst = max(lags, default=timedelta(0))
    arena.notes.append(f"worst lag {worst / timedelta(milliseconds=1):.0f} ms")
    late = sum(lag > ACTS_WITHIN for lag in lags)
    if late:
        arena.broken.append(f"I3 {late} requests too late, the worst by {worst}")


def lags_behind(requests: Sequence[Request], superseded_at: Mapping[str, datetime]) -> list[timedelta]:
    """Returns how long after its text was edited away each request arrived."""
    return [
        request.received_at - superseded_at[request.text]
        for request in requests
        if request.text in superseded_at and request.received_at > superseded_at[request.text]
    ]


async def edit(arena: Arena) -> None:
    """Edits the text again and again."""
    superseded_at: dict[str, datetime] = {}
    text = "Hello"
    for number in range(int(arena.seconds / BETWEEN_SECONDS)):
        before, text = text, f"Hello for the {number}th time"
        await arena.operator.patch(f"/mailings/{arena.main}", {"text": text})
        superseded_at[before] = now()
        await asyncio.sleep(BETWEEN_SECONDS)
    await asyncio.sleep(SETTLED_SECONDS)
    requests = await requests_of(arena, arena.main)
    tell(arena, lags_behind(requests, superseded_at))
    assert len({request.text for request in requests}) > len(superseded_at) / 2, "edits were not in mid-sending"


async def pause(arena: Arena) -> None:
    """Pauses and resume, again and again."""
    pauses: list[tuple[datetime, datetime]] = []
    for _ in range(int(arena.seconds / BETWEEN_SECONDS / 2)):
        await arena.operator.post(f"/mailings/{arena.main}/pause")
        paused_at = now()
        await asyncio.sleep(BETWEEN_SECONDS)
        pauses.append((paused_at, now()))
        await arena.operator.post(f"/mailings/{arena.main}/resume")
        await asyncio.sleep(BETWEEN_SECONDS)
    requests = await requests_of(arena, arena.main)
    tell(arena, [r.received_at - begun for begun, ended in pauses for r in requests if begun < r.received_at < ended])


async def victim(arena: Arena) -> int:
    """Creates a mailing, and waits until it is being sent."""
    mailing_id = await arena.operator.create_mailing(filter={"tags": ["victim"]}, lasts=3600)
    await arena.operator.until_counts_begin(mailing_id)
    return mailing_id


async def cancel(arena: Arena) -> None:
    await _end_victims(arena, lambda mailing_id: arena.operator.post(f"/mailings/{mailing_id}/cancel"))


async def delete(arena: Arena) -> None:
    await _end_victims(arena, lambda mailing_id: arena.operator.delete(f"/mailings/{mailing_id}"))


async def _end_victims(arena: Arena, end: End) -> None:
    await add_clients(arena.pool, VICTIM_CLIENTS, tag="victim", first=3_000_000)
    ended_at: dict[int, datetime] = {}
    for _ in range(int(arena.seconds / 2)):
        mailing_id = await victim(arena)
        await end(mailing_id)
        ended_at[mailing_id] = now()
    await asyncio.sleep(SETTLED_SECONDS)
    late = [
        request.received_at - moment
        for mailing_id, moment in ended_at.items()
        for request in await requests_of(arena, mailing_id)
        if request.received_at > moment
    ]
    tell(arena, late)


async def delete_clients(arena: Arena) -> None:
    """Deletes clients whose messages are on their way."""
    deleted_at: dict[int, datetime] = {}
    loop = asyncio.get_running_loop()
    end = loop.time() + arena.seconds
    while loop.time() < end:
        row = await arena.pool.fetchrow(
            """
            SELECT message_id, client_id FROM flights
            WHERE mailing_id = $1 AND claimed_number = 0 AND message_id <> ALL ($2::bigint[]) LIMIT 1
            """,
            arena.main,
            list(deleted_at),
        )
        if row is not None:
            await arena.operator.delete(f"/clients/{row['client_id']}")
            deleted_at[row["message_id"]] = now()
    await asyncio.sleep(SETTLED_SECONDS)
    requests = await requests_of(arena, arena.main)
    after = ((request.received_at, deleted_at.get(request.message_id)) for request in requests)
    tell(arena, [received - deleted for received, deleted in after if deleted is not None and received > deleted])
    arena.notes.append(f"{len(deleted_at)} clients deleted")


ROWS: Sequence[Row] = (
    Row("text edited at full rate", edit, env=ENV, rate=RATE),
    Row("mailing paused and resumed", pause, env=ENV, rate=RATE),
    Row("mailings cancelled", cancel, env=ENV, rate=RATE),
    Row("mailings deleted", delete, env=ENV, rate=RATE),
    Row("clients deleted", delete_clients, env=ENV, rate=RATE, excuse=CLIENT_DELETED),
)


@pytest.mark.parametrize("row", parameters(ROWS))
async def test_what_an_operator_says_acts_at_once(run_row: RunRow, row: Row) -> None:
    await run_row(row)
