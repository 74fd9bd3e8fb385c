"""Reads from the tables how a mailing went: its expansion, and its rate at the beginning and at the end."""

from dataclasses import dataclass

import asyncpg

PART = 0.1


@dataclass(frozen=True, slots=True)
class Course:
    """How the messages of a run went.

    `expansion_seconds`: from the first mailing's creation until the last message was made. The rates are final messages
    a second, of the first and of the last tenth.
    """

    expansion_seconds: float
    first_rate: float
    last_rate: float


def rate(messages: int, seconds: float) -> float:
    """Returns the messages a second of a tenth of `messages`; 0 if they took no time that can be measured."""
    return round(messages * PART / seconds, 1) if seconds > 0 else 0.0


async def read_course(connection: asyncpg.Connection) -> Course:
    """Reads the course of all messages in a database that was made for the run."""
    row = await connection.fetchrow(
        """
        SELECT messages, extract(epoch FROM made_at - (SELECT min(created_at) FROM mailings))::float8 AS expansion,
            extract(epoch FROM places[1] - first_at)::float8 AS first,
            extract(epoch FROM last_at - places[2])::float8 AS last
        FROM (
            SELECT count(*) AS messages, max(created_at) AS made_at,
                min(final_at) AS first_at, max(final_at) AS last_at,
                percentile_disc(ARRAY[$1::float8, 1 - $1::float8]) WITHIN GROUP (ORDER BY final_at) AS places
            FROM messages
        ) AS course
        """,
        PART,
    )
    if row is None or not row["messages"]:
        raise LookupError("no message was made")
    messages = row["messages"]
    return Course(round(row["expansion"], 2), rate(messages, row["first"]), rate(messages, row["last"]))
