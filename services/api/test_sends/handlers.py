"""Test-sends: a text goes to a few phones by the way of every message, and counts nowhere.

A test-send is a mailing that lists and statistics leave out. Planner, dispatcher and reporter treat it as any other.
"""

from collections.abc import Sequence
from datetime import timedelta

from aiohttp import web
from structlog.contextvars import bind_contextvars

from services.api.audit.log import Origin, origin_of, record
from services.api.clients.handlers import DEFAULT_ZONE
from services.api.mailings import store as mailings
from services.api.mailings.planner_hints import notify_planner
from services.api.mailings.recipients import store as recipients
from services.api.mailings.recipients.reader import encode_values
from services.api.mailings.recipients.store import RecipientColumns
from services.api.mailings.rules import MailingPlan
from services.api.stop_list.guard import KEY, share_stop_list
from services.api.test_sends import store
from services.api.test_sends.responses import TestSend
from services.api.test_sends.schemas import TestSendNew
from services.api.web.bodies import read_body
from services.api.web.context import id_in, pool_of
from services.api.web.problems import not_found
from services.api.web.responses import reply
from shared import logs
from shared.database import Connection

# Time enough for every attempt of the default retries; whoever waits for a test does not wait longer.
TIME_LIMIT = timedelta(minutes=5)


async def create(request: web.Request) -> web.Response:
    """Sends a text to up to five phones, at any hour, clients or not."""
    body = await read_body(request, TestSendNew)
    async with pool_of(request).acquire() as connection, connection.transaction():
        hashes = await share_stop_list(connection, request.app[KEY], body.phones)
        made = await _create(connection, body, request.app[DEFAULT_ZONE], origin_of(request), hashes)
    bind_contextvars(mailing_id=made.id)
    logs.get().info("test-send created", phones=len(body.phones))
    notify_planner(request, "mailing.created", made.id)
    return reply(made, status=201, headers={"Location": f"{request.path}/{made.id}"})


async def show(request: web.Request) -> web.Response:
    """Shows what became of a test-send."""
    found = await store.get(pool_of(request), id_in(request, "test_send"))
    if found is None:
        raise not_found("test-send")
    return reply(found)


async def _create(
    connection: Connection, body: TestSendNew, default_zone: str, origin: Origin, hashes: Sequence[bytes] | None
) -> TestSend:
    now = await mailings.clock(connection)
    file_id = await recipients.open_file(connection)
    lines = list(range(1, len(body.phones) + 1))
    columns = RecipientColumns(lines, body.phones, [encode_values(body.values)] * len(lines))
    await recipients.add(connection, file_id, columns, default_zone, hashes)
    plan = MailingPlan(
        text=body.text,
        operator_codes=[],
        tags=[],
        start_at=now,
        end_at=now + TIME_LIMIT,
        window_from=None,
        window_to=None,
        file_id=file_id,
        recipients=len(lines),
        # Who lacks a value is told so in his message.
        on_missing="skip",
    )
    mailing_id = await mailings.insert(connection, plan, origin.request_id, test=True)
    await record(connection, mailing_id, "created", origin)
    made = await store.get(connection, mailing_id)
    if made is None:
        raise LookupError("the test-send was just inserted")
    return made
