"""Sends one mailing, or many at once, and waits for the last message."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import asyncpg
from rich.console import Console

from cli.connections.api import ApiClient, Json
from cli.terminal.progress import mailing_bar, watch_mailing

POLL_SECONDS = 0.5
# Mailings that are created at once.
CREATORS = 20


@dataclass(frozen=True, slots=True)
class SentMailings:
    """How many messages were sent, and the seconds from the first mailing's creation to the last final status."""

    messages: int
    seconds: float


async def send_mailing(api: ApiClient, tag: str, text: str) -> Json:
    """Sends a mailing to a tag, waits until it has ended, and returns its last statistics."""
    mailing = await api.post("/mailings", _body(tag, text))
    return await watch_mailing(api, mailing["id"], Console())


def seconds_of(mailing: Json, statistics: Json) -> float:
    """Returns the time from the creation of the mailing to the last final status."""
    begun, ended = mailing["created_at"], statistics["finished_at"]
    return (datetime.fromisoformat(ended) - datetime.fromisoformat(begun)).total_seconds()


async def send_all(api: ApiClient, connection: asyncpg.Connection, tag: str, text: str, count: int) -> SentMailings:
    """Sends `count` mailings, one to the clients of each of the tags that `import_clients` has made."""
    if count == 1:
        statistics = await send_mailing(api, tag, text)
        mailing = await api.get(f"/mailings/{statistics['mailing_id']}")
        return SentMailings(statistics["by_status"]["sent"], seconds_of(mailing, statistics))
    ids: list[int] = []
    numbers = iter(range(count))

    async def create() -> None:
        for number in numbers:
            mailing = await api.post("/mailings", _body(f"{tag}-{number}", text))
            ids.append(mailing["id"])

    async with asyncio.TaskGroup() as group:
        for _ in range(CREATORS):
            group.create_task(create())
    return await _until_ended(connection, ids)


def _body(tag: str, text: str) -> Json:
    end_at = datetime.now(UTC) + timedelta(hours=1)
    return {"text": text, "end_at": end_at.isoformat(), "filter": {"tags": [tag]}}


async def _until_ended(connection: asyncpg.Connection, ids: list[int]) -> SentMailings:
    with mailing_bar(Console()) as progress:
        task = progress.add_task("mailings finished", total=len(ids), rate="")
        while True:
            [row] = await connection.fetch(
                """
                SELECT count(*) FILTER (WHERE m.status IN ('finished', 'cancelled')) AS ended, sum(c.sent) AS sent,
                       extract(epoch FROM max(m.finished_at) - min(m.created_at))::float8 AS seconds
                FROM mailings m LEFT JOIN mailing_counts c ON c.mailing_id = m.id
                WHERE m.id = ANY ($1::bigint[])
                """,
                ids,
            )
            progress.update(task, completed=row["ended"])
            if row["ended"] == len(ids):
                return SentMailings(int(row["sent"] or 0), row["seconds"])
            await asyncio.sleep(POLL_SECONDS)
