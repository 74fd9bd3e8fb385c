"""Reads the history of a mailing, a message or a client from the database, as entries of a timeline."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from cli.trace import store
from cli.trace.target import Kind, Target
from cli.trace.timeline import TimelineEntry
from shared.redaction import mask_phone
from shared.statuses import MESSAGE_STATUSES

TABLES = "tables"
_COUNTS = ("total", *MESSAGE_STATUSES)


@dataclass(frozen=True, slots=True)
class History:
    """The history of a target: its ids, a title, and its entries."""

    target: Target
    title: str
    entries: list[TimelineEntry]


async def read(connection: asyncpg.Connection, kind: Kind, number: int) -> History | None:
    """Reads a history in one snapshot. Returns None if there is no mailing, message or client with this id."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        now = await store.clock(connection)
        match kind:
            case "mailing":
                return await _mailing(connection, number, now)
            case "message":
                return await _message(connection, number, now)
            case "client":
                return await _client(connection, number, now)


async def _mailing(connection: asyncpg.Connection, number: int, now: datetime) -> History | None:
    row = await store.mailing(connection, number)
    if row is None:
        return None
    details: dict[str, Any] = {"status": row["status"]} | {name: row[name] for name in _COUNTS if row[name]}
    details["attempts"] = {one["outcome"]: one["count"] for one in await store.outcomes(connection, number)}
    entries = [*_events("mailing", await store.events_of_mailing(connection, number), {"mailing_id": number})]
    entries.append(TimelineEntry(now, TABLES, "mailing stands", details))
    entries += [
        TimelineEntry(now, TABLES, "messages ended", dict(one)) for one in await store.reasons(connection, number)
    ]
    target = Target("mailing", number, frozenset({number}), request_ids=_requests([row]))
    return History(target, f"mailing {number}: {row['start_at']:%F %T}Z to {row['end_at']:%F %T}Z", entries)


async def _message(connection: asyncpg.Connection, number: int, now: datetime) -> History | None:
    rows = await store.messages(connection, [number])
    if not rows:
        return None
    mailing_id, client_id = rows[0]["mailing_id"], rows[0]["client_id"]
    entries = [
        *_events("mailing", await store.events_of_mailing(connection, mailing_id), {"mailing_id": mailing_id}),
        *_events("client", await store.events_of_client(connection, client_id), {"client_id": client_id}),
        *await _messages(connection, rows, now),
    ]
    target = Target(
        "message", number, frozenset({mailing_id}), frozenset({number}), frozenset({client_id}), _requests(rows)
    )
    return History(target, f"message {number} of mailing {mailing_id} to client {client_id}", entries)


async def _client(connection: asyncpg.Connection, number: int, now: datetime) -> History | None:
    row = await store.client(connection, number)
    if row is None:
        return None
    ids = {"client_id": number}
    events = await store.events_of_client(connection, number)
    entries = [*_events("client", events, ids)]
    if not any(event["kind"] == "created" for event in events):
        # An import writes no events.
        entries.append(TimelineEntry(row["created_at"], TABLES, "client created", ids))
    rows = await store.messages(connection, await store.message_ids_of_client(connection, number))
    entries += await _messages(connection, rows, now)
    target = Target(
        "client",
        number,
        frozenset(one["mailing_id"] for one in rows),
        frozenset(one["id"] for one in rows),
        frozenset({number}),
        # No request ids: those of its mailings belong to all clients of these.
    )
    phone = "deleted" if row["phone"] is None else mask_phone(row["phone"])
    return History(target, f"client {number} ({phone}), {row['timezone']}", entries)


def _requests(rows: Iterable[asyncpg.Record]) -> frozenset[str]:
    return frozenset(row["request_id"] for row in rows if row["request_id"])


def _events(of: str, rows: Iterable[asyncpg.Record], ids: dict[str, int]) -> Iterable[TimelineEntry]:
    for row in rows:
        details = ids | json.loads(row["detail"]) | {"request_id": row["request_id"]}
        yield TimelineEntry(row["at"], TABLES, f"{of} {row['kind']}", _given(details))


async def _messages(
    connection: asyncpg.Connection, rows: Sequence[asyncpg.Record], now: datetime
) -> list[TimelineEntry]:
    by_message: dict[int, list[asyncpg.Record]] = {}
    for attempt in await store.attempts(connection, [row["id"] for row in rows]):
        by_message.setdefault(attempt["message_id"], []).append(attempt)
    return [entry for row in rows for entry in _of_message(row, by_message.get(row["id"], []), now)]


def _of_message(row: asyncpg.Record, attempts: Sequence[asyncpg.Record], now: datetime) -> Iterable[TimelineEntry]:
    ids = {"message_id": row["id"], "mailing_id": row["mailing_id"]}
    yield TimelineEntry(row["created_at"], TABLES, "message created", ids)
    for attempt, at in zip(attempts, _moments(attempts, row["final_at"] or now), strict=True):
        what = "attempt lost" if attempt["outcome"] == "lost" else "attempt"
        details = {name: attempt[name] for name in ("outcome", "http_status", "duration_ms", "detail")}
        yield TimelineEntry(at, TABLES, what, ids | {"attempt": attempt["number"]} | _given(details))
    if row["final_at"] is not None:
        ended = {"status": row["status"], "reason": row["reason"], "attempts": len(attempts)}
        yield TimelineEntry(row["final_at"], TABLES, "message ended", ids | _given(ended))
        if row["delivery"] is not None:
            said = {"reason": row["delivery_reason"], "provider": row["provider"]}
            yield TimelineEntry(row["delivery_at"], TABLES, f"message {row['delivery']}", ids | _given(said))
    else:
        yield TimelineEntry(now, TABLES, "message stands", ids | {"status": row["status"]} | _flight(row))


def _moments(attempts: Sequence[asyncpg.Record], ended_at: datetime) -> list[datetime]:
    """Returns the beginning of each attempt; that of a lost one is unknown, so that of the next one is used."""
    moments, following = [], ended_at
    for attempt in reversed(attempts):
        following = min(attempt["started_at"] or following, following)
        moments.append(attempt["started_at"] or following)
    return moments[::-1]


def _flight(row: asyncpg.Record) -> dict[str, Any]:
    """Returns where an unsent message is: not released, claimed, in the table or on the broker."""
    if row["due_at"] is None:
        return {"where": "not yet released"}
    if row["claimed_number"] > row["folded_number"]:
        return {"where": "claimed", "attempt": row["claimed_number"], "claimed_at": row["claimed_at"]}
    where = "in the table" if row["released_at"] is None else "on the broker"
    return {"where": where, "due_at": row["due_at"], "failures": row["failures"]}


def _given(details: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in details.items() if value is not None}
