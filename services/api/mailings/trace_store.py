"""Keeps the trace of the request that made a mailing, so that the traces of its messages can be linked with it."""

from aiohttp import web

from services.api.web.observing.spans import traceparent_of
from shared.database import Connection


async def keep_trace(request: web.Request, connection: Connection, mailing_id: int) -> None:
    """Writes down which trace a mailing comes from; nothing where the request is not traced."""
    traceparent = traceparent_of(request)
    if traceparent is not None:
        await connection.execute("UPDATE mailings SET traceparent = $2 WHERE id = $1", mailing_id, traceparent)
