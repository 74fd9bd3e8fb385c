"""Which requests under old terms arrived at the provider after the answer to an edit, and which of them began then."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import aiohttp
import asyncpg

PAGE = 10_000


@dataclass(frozen=True, slots=True)
class LateRequest:
    """A request with a superseded text that arrived after the answer to the edit of that text."""

    message_id: int
    answered_at: datetime
    received_at: datetime


async def find_late(sandbox_url: str, superseded_at: Mapping[str, datetime]) -> list[LateRequest]:
    """Finds them in the sandbox's ledger; `superseded_at` has the moment of the answer by the text of before.

    At full rate hundreds of requests are on their way at any moment, and wait for a sandbox that is busy.
    """
    late: list[LateRequest] = []
    after: int | None = 0
    async with aiohttp.ClientSession(sandbox_url) as session:
        while after is not None:
            async with session.get(f"/ledger/requests?limit={PAGE}&after={after}") as reply:
                page = await reply.json()
            for item in page["items"]:
                answered, received = superseded_at.get(item["text"]), datetime.fromisoformat(item["received_at"])
                if answered is not None and received > answered:
                    late.append(LateRequest(item["id"], answered, received))
            after = page["next"]
    return late


async def begun_late(connection: asyncpg.Connection, late: Sequence[LateRequest]) -> list[timedelta]:
    """Returns by how much those of them that began after the answer did so, by the tables.

    The tables have the moment of a claim by the database, and what passed since it was asked for: so a beginning there
    is later than the truth, by as much as the statement took.
    """
    rows = await connection.fetch(
        """
        SELECT message_id AS id, started_at FROM attempts WHERE message_id = ANY ($1::bigint[])
        UNION ALL SELECT id, started_at FROM messages WHERE id = ANY ($1::bigint[])
        """,
        [request.message_id for request in late],
    )
    began: dict[int, list[datetime]] = {}
    for row in rows:
        if row["started_at"] is not None:
            began.setdefault(row["id"], []).append(row["started_at"])
    return [
        moment - request.answered_at
        for request in late
        for moment in began.get(request.message_id, ())
        if request.answered_at < moment <= request.received_at
    ]
