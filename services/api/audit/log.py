"""The audit log: which request changed what, and whose token it came with.

An event is added in the transaction of its change, and never changed afterwards.
"""

from dataclasses import dataclass
from typing import Literal

import orjson
from aiohttp import web

from services.api.access.identity import IDENTITY
from services.api.audit import store
from services.api.web.context import REQUEST_ID
from shared.database import Connection, Pool

MailingChange = Literal["created", "updated", "scheduled", "paused", "resumed", "cancelled", "resent", "deleted"]

OtherChange = Literal[
    "exported",
    "clients_imported",
    "segment_created",
    "segment_updated",
    "segment_deleted",
    "stop_list_added",
    "stop_list_removed",
    "provider_drained",
    "provider_resumed",
    "providers_reloaded",
    "dead_letters_replayed",
    "dead_letters_dropped",
    "token_created",
    "token_revoked",
]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a change came from: the id of the request, and the name of its token."""

    request_id: str
    by: str


def origin_of(request: web.Request) -> Origin:
    return Origin(request[REQUEST_ID], request[IDENTITY].name)


def detail_of(origin: Origin, **more: object) -> str:
    """Encodes the detail of an event as JSON, for statements that add an event along with their change."""
    return orjson.dumps({"by": origin.by, **more}).decode()


async def record(
    connection: Connection, mailing_id: int, change: MailingChange, origin: Origin, **detail: object
) -> None:
    """Adds an event of a mailing. `detail` names fields and states, never values."""
    await store.add_mailing_event(
        connection, mailing_id, change, request_id=origin.request_id, detail=detail_of(origin, **detail)
    )


async def record_other(pool: Connection | Pool, kind: OtherChange, origin: Origin, **detail: object) -> None:
    """Adds an event that concerns neither a mailing nor a client. `detail` names things and numbers, never phones."""
    await store.add_event(pool, kind, request_id=origin.request_id, detail=detail_of(origin, **detail))


async def record_export(request: web.Request, pool: Pool, what: str, **detail: object) -> None:
    """Adds the event of an export. HEAD gets no rows, and is none."""
    if request.method != "HEAD":
        await record_other(pool, "exported", origin_of(request), what=what, **detail)


async def record_client_update(connection: Connection, client_id: int, origin: Origin, fields: list[str]) -> None:
    """Adds the event of a client's update. `fields` are names, never values."""
    await store.add_client_update(
        connection, client_id, request_id=origin.request_id, detail=detail_of(origin, fields=fields)
    )
