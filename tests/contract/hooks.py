"""Hooks of schemathesis for what the OpenAPI document cannot express: formats, and rules between values.

A JSON schema cannot say that a window's hours differ, that an end is after its start, or which cursors a list made.
Valid requests are changed so that they keep these rules; invalid ones stay as they are.
"""

import os
from datetime import UTC, date, datetime, timedelta
from ipaddress import IPv4Address
from random import getrandbits
from typing import Any
from uuid import uuid4

import schemathesis
from hypothesis import strategies as st
from schemathesis.core import NotSet

from services.api.audit import handlers as audit
from services.api.clients import handlers as clients
from services.api.dead_letters import handlers as dead_letters
from services.api.mailings import handlers as mailings
from services.api.mailings.idempotency.keys import HEADER
from services.api.mailings.recipients import handlers as recipients
from services.api.messages import handlers as messages
from services.api.segments import handlers as segments
from services.api.statistics import handlers as statistics
from services.api.stop_list import handlers as stop_list
from services.api.tokens import handlers as tokens
from services.api.web import cursors
from shared.texts.moments import read_moment

ZONES = ("UTC", "Europe/Moscow", "Asia/Yekaterinburg", "America/Argentina/Buenos_Aires", "Etc/GMT+1")
# The variable with the id of an ended mailing, whose stream of statistics ends at once.
ENDED_MAILING = "HERALD_TEST_ENDED_MAILING"
Case = schemathesis.Case[Any]
LATEST = datetime(9998, 12, 31, 23, 59, 59, tzinfo=UTC)
AHEAD = timedelta(minutes=1)
LINES = ("text/csv", "application/x-ndjson")
TREES = ("all", "any", "not")
# The kind of cursor of each list.
CURSORS = {
    "/api/v1/clients": clients.KIND,
    "/api/v1/mailings": mailings.KIND,
    "/api/v1/mailings/{mailing_id}/messages": messages.KIND,
    "/api/v1/mailings/{mailing_id}/events": mailings.EVENTS_KIND,
    "/api/v1/clients/{client_id}/events": clients.EVENTS_KIND,
    "/api/v1/clients/{client_id}/messages": messages.KIND_OF_CLIENT,
    "/api/v1/dead-letters": dead_letters.KIND,
    "/api/v1/statistics/mailings": statistics.KIND,
    "/api/v1/events": audit.KIND,
    "/api/v1/segments": segments.KIND,
    "/api/v1/suppressions": stop_list.KIND,
    "/api/v1/tokens": tokens.KIND,
    "/api/v1/mailings/{mailing_id}/recipients": recipients.KIND,
}

schemathesis.openapi.format("iana-time-zone", st.sampled_from(ZONES))
schemathesis.openapi.format(
    "date-time-in-short",
    st.dates(date(1971, 1, 1), date(9998, 1, 1)).map(lambda day: f"{day}T09:00+03"),
)


@schemathesis.serializer(*LINES)
def lines(_: schemathesis.SerializationContext, value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode(errors="surrogatepass")


@schemathesis.hook
def filter_case(_: schemathesis.HookContext, case: Case) -> bool:
    """Drops cases whose line-based body has a wrong type, which cannot be sent: on the wire it is always text."""
    return case.media_type not in LINES or isinstance(case.body, str | bytes | NotSet)


@schemathesis.hook
def before_call(_: schemathesis.HookContext, case: Case, kwargs: dict[str, Any]) -> None:
    # Wrong tokens are limited by address, and the check for ignored authentication sends many of them.
    case.headers["X-Forwarded-For"] = str(IPv4Address(getrandbits(32)))
    operation_id = case.operation.definition.raw["operationId"]
    if operation_id == "streamStatistics" and str(case.path_parameters["mailing_id"]).isdecimal():
        # The stream of any other mailing would last until the mailing ends.
        case.path_parameters["mailing_id"] = int(os.environ[ENDED_MAILING])
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    if case.media_type == "application/octet-stream":
        # Bytes are generated without regard to the pattern, and any other header is refused.
        case.body = b"phone\n79161234567\n"
    if "cursor" in case.query:
        # A search has cursors of its own.
        kind = clients.KIND_OF_SEARCH if operation_id == "listClients" and "q" in case.query else None
        case.query["cursor"] = a_cursor(kind or CURSORS[case.operation.path])
    if HEADER in case.headers:
        # An idempotency key must not be reused with another body.
        case.headers[HEADER] = case.headers[HEADER][:200] + uuid4().hex
    if "If-Match" in case.headers:
        # Any other value names a version that is not the present one.
        case.headers["If-Match"] = "*"
    correct = CORRECTIONS.get(operation_id)
    if correct is not None:
        correct(case.body if isinstance(case.body, dict) else case.query)


def a_cursor(kind: str) -> str:
    return cursors.encode(kind, *((1, 1, 7) if kind == clients.EVENTS_KIND else (7,)))


def correct_mailing(body: dict[str, Any]) -> None:
    """Makes the hours of the window differ, and puts the end into the future and after the start."""
    window = body.get("window")
    if window is not None and window["from"] == window["to"]:
        window["to"] = "12:00" if window["from"] != "12:00" else "13:00"
    if body.get("filter"):
        # No mailing or segment has the id that was generated, and a filter has one tree at most.
        for name in ("unsent_of", "segment", *TREES):
            body["filter"].pop(name, None)
    if "start_at" in body and read_moment(body["start_at"]) >= LATEST:
        del body["start_at"]
    if "end_at" in body and read_moment(body["end_at"]) <= max(start_of(body), datetime.now(UTC)) + AHEAD:
        body["end_at"] = LATEST.isoformat()


def correct_change(body: dict[str, Any]) -> None:
    """Puts the end as late as possible, since the start of the existing mailing is unknown."""
    correct_mailing(body)
    if {"start_at", "end_at"} & set(body):
        body["end_at"] = LATEST.isoformat()


def correct_resend(body: dict[str, Any]) -> None:
    """Puts the new end into the future."""
    if "end_at" in body:
        body["end_at"] = LATEST.isoformat()


def correct_client(body: dict[str, Any]) -> None:
    """Gives the tag or the tags: `tag` is the first of the tags, so both together must agree."""
    if "tag" in body:
        body.pop("tags", None)


def correct_client_by_external_id(body: dict[str, Any]) -> None:
    """Leaves the id to the path."""
    correct_client(body)
    body.pop("external_id", None)


def correct_segment(body: dict[str, Any]) -> None:
    """Gives exactly one tree, whose mailings exist."""
    if "filter" in body:
        body["filter"] = {"all": [{"field": "tag", "op": "eq", "value": "vip"}]}


def correct_import(query: dict[str, Any]) -> None:
    """Leaves the form of a file to what is generated: UTF-8, commas, and columns as the header has them."""
    for name in ("map", "encoding", "delimiter", "header"):
        query.pop(name, None)


def correct_choice(given: dict[str, Any]) -> None:
    """Selects dead letters either by ids or all of them."""
    given["all"] = not given.get("ids")


def start_of(body: dict[str, Any]) -> datetime:
    return read_moment(body["start_at"]) if "start_at" in body else datetime.now(UTC)


# The corrections of valid requests by operation, for rules that no schema can express.
CORRECTIONS = {
    "createClient": correct_client,
    "importClients": correct_import,
    "importSuppressions": correct_import,
    "changeClient": correct_client,
    "replaceClient": correct_client,
    "replaceClientByExternalId": correct_client_by_external_id,
    "createSegment": correct_segment,
    "changeSegment": correct_segment,
    "createMailing": correct_mailing,
    "changeMailing": correct_change,
    "previewMailing": correct_mailing,
    "resendMessages": correct_resend,
    "dropDeadLetters": correct_choice,
    "replayDeadLetters": correct_choice,
}
