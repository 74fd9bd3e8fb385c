"""Records sign-ins, sign-outs and failures as events, which concern neither a mailing nor a client."""

import orjson
from aiohttp import web

from services.api.access.identity import NOBODY
from services.api.access.rate_limit import address_of, may_record_refusal
from services.api.web.context import REQUEST_ID
from shared.database import Pool


async def record(pool: Pool, request: web.Request, kind: str, by: str, **detail: object) -> None:
    """Adds an event of a person's session."""
    await pool.execute(
        "INSERT INTO events (kind, request_id, detail) VALUES ($1, $2, $3::text::jsonb)",
        kind,
        request[REQUEST_ID],
        orjson.dumps({"by": by, "address": address_of(request), **detail}).decode(),
    )


async def record_failure(pool: Pool, request: web.Request, reason: str) -> None:
    """Adds the event of a sign-in that failed: nobody knows whose it was. Beyond a rate only the log has it."""
    if may_record_refusal(request):
        await record(pool, request, "sign_in_failed", NOBODY, reason=reason)
