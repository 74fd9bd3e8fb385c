"""Rows as the planner, the reporter and the command line write them."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg

from shared.statuses import MESSAGE_STATUSES, MessageStatus

STATUSES = MESSAGE_STATUSES


def from_now(**delta: float) -> str:
    """A moment from now, as bodies write it."""
    return (datetime.now(UTC) + timedelta(**delta)).isoformat()


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


@dataclass
class Rows:
    pool: asyncpg.Pool

    async def client(self, phone: str, **values: str) -> int:
        row = {"operator_code": phone[1:4], "tag": "", "timezone": "UTC", **values}
        made: int = await self.pool.fetchval(
            "INSERT INTO clients (phone, operator_code, tag, timezone) VALUES ($1, $2, $3, $4) RETURNING id",
            phone,
            row["operator_code"],
            row["tag"],
            row["timezone"],
        )
        return made

    async def mailing(self, status: str = "scheduled", **counts: int) -> int:
        """A mailing in any state, with counters. One that is not scheduled has been running for 30 seconds."""
        made: int = await self.pool.fetchval(
            """
            INSERT INTO mailings (text, start_at, end_at, status, started_at, finished_at)
            VALUES ('Hello',
                now() + CASE WHEN $1 IN ('draft', 'scheduled') THEN interval '1 h' ELSE interval '-30 s' END,
                now() + interval '2 h', $1, CASE WHEN $1 NOT IN ('draft', 'scheduled') THEN now() - interval '30 s' END,
                CASE WHEN $1 = 'finished' THEN now() END)
            RETURNING id
            """,
            status,
        )
        await self.pool.execute("INSERT INTO mailing_work (mailing_id) VALUES ($1)", made)
        numbers = [counts.get(name, 0) for name in STATUSES]
        await self.pool.execute(
            """
            INSERT INTO mailing_counts
                (mailing_id, total, pending, retrying, sent, rejected, exhausted, expired, cancelled)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
            """,
            made,
            sum(numbers),
            *numbers,
        )
        return made

    async def test_send(self, phone: str) -> int:
        """A test-send to a guest, finished a moment ago, with its message sent."""
        made = await self.mailing("finished", sent=1)
        file_id: int = await self.pool.fetchval("INSERT INTO recipient_files DEFAULT VALUES RETURNING id")
        guest: int = await self.pool.fetchval(
            """
            INSERT INTO clients (phone, operator_code, timezone, guest_of, deleted_at, settled_at)
            VALUES ($1, substr($1, 2, 3), 'UTC', $2, now(), now()) RETURNING id
            """,
            phone,
            file_id,
        )
        await self.pool.execute("INSERT INTO recipients (file_id, client_id, line) VALUES ($1, $2, 1)", file_id, guest)
        await self.pool.execute(
            "UPDATE mailings SET test = true, file_id = $2, recipients = 1 WHERE id = $1", made, file_id
        )
        await self.message(made, guest, "sent", attempts=1)
        return made

    async def start_closing(self, mailing_id: int) -> None:
        await self.pool.execute("UPDATE mailing_work SET closing_at = now() WHERE mailing_id = $1", mailing_id)

    async def message(self, mailing_id: int, client_id: int, status: MessageStatus = "pending", **values: Any) -> int:
        final = status not in ("pending", "retrying")
        made: int = await self.pool.fetchval(
            """
            INSERT INTO messages
                (mailing_id, client_id, status, final_at, reason, attempts, started_at, duration_ms, http_status)
            VALUES ($1, $2, $3::text::message_status, CASE WHEN $4 THEN now() END, $5, $6, $7, $8, $9)
            RETURNING id
            """,
            mailing_id,
            client_id,
            status,
            final,
            values.get("reason"),
            values.get("attempts", 0),
            values.get("started_at"),
            values.get("duration_ms"),
            values.get("http_status"),
        )
        if not final:
            await self.flight(made, folded_number=int(status == "retrying"))
        await self.pool.execute(
            "UPDATE mailing_work SET release_cursor = greatest(release_cursor, $2) WHERE mailing_id = $1",
            mailing_id,
            made,
        )
        return made

    async def flight(self, message_id: int, **values: Any) -> None:
        await self.pool.execute(
            """
            INSERT INTO flights (message_id, mailing_id, client_id, due_at, claimed_number, folded_number, released_at)
            SELECT id, mailing_id, client_id, $2, $3, $3, $4 FROM messages WHERE id = $1
            ON CONFLICT (message_id) DO UPDATE SET due_at = EXCLUDED.due_at, released_at = EXCLUDED.released_at,
                claimed_number = EXCLUDED.claimed_number, folded_number = EXCLUDED.folded_number
            """,
            message_id,
            values.get("due_at", datetime.now(UTC)),
            values.get("folded_number", 0),
            values.get("released_at"),
        )

    async def attempt(self, message_id: int, number: int, outcome: str, **values: Any) -> None:
        await self.pool.execute(
            """
            INSERT INTO attempts (message_id, number, mailing_id, started_at, duration_ms, http_status, outcome, detail)
            SELECT id, $2, mailing_id, CASE WHEN $3 <> 'lost' THEN now() END, CASE WHEN $3 <> 'lost' THEN 12 END,
                $4, $3, $5 FROM messages WHERE id = $1
            """,
            message_id,
            number,
            outcome,
            values.get("http_status"),
            values.get("detail"),
        )

    async def token(self, name: str, role: str, **values: Any) -> None:
        """A token that is its own name, unless `plain` says otherwise."""
        await self.pool.execute(
            "INSERT INTO tokens (name, role, hash, expires_at, revoked_at) VALUES ($1, $2, $3, $4, $5)",
            name,
            role,
            hashlib.sha256(values.get("plain", name).encode()).digest(),
            values.get("expires_at"),
            values.get("revoked_at"),
        )
