"""POST /mailings/{id}/resend: has the planner send unsent or undelivered messages of a mailing again."""

import time

from aiohttp import web

from services.api.audit.log import Origin, origin_of, record
from services.api.mailings import resend_store as store
from services.api.mailings.decisions import allowed, lock_mailing
from services.api.mailings.planner_hints import notify_planner
from services.api.mailings.resend_store import ResendChoice
from services.api.mailings.responses import Resent
from services.api.mailings.rules import LONGEST_EDIT_SECONDS, ResendAllowed, judge_resend
from services.api.mailings.schemas import Resend
from services.api.web.bodies import read_body
from services.api.web.context import id_in, pool_of
from services.api.web.problems import conflict, too_slow
from services.api.web.responses import reply
from services.api.web.versions import Precondition
from shared import logs
from shared.database import Connection, retry_on_deadlock


async def resend(request: web.Request) -> web.Response:
    pool, mailing_id = pool_of(request), id_in(request, "mailing")
    body = await read_body(request, Resend)
    statuses = sorted(set(body.statuses))

    async def work() -> int:
        async with pool.acquire() as connection, connection.transaction():
            locked = await lock_mailing(connection, mailing_id, Precondition(request))
            again, judged = allowed(judge_resend(locked, body.end_at)), time.monotonic()
            wanted = ResendChoice(statuses, include_unknown=body.include_unknown, delivery=body.delivery)
            messages = await _resend(connection, mailing_id, again, wanted, origin_of(request))
            if time.monotonic() - judged > LONGEST_EDIT_SECONDS:
                raise too_slow()
            return messages

    messages = await retry_on_deadlock(work)
    if messages:
        logs.get().info("resend requested", statuses=statuses, delivery=body.delivery, messages=messages)
        notify_planner(request, "mailing.updated", mailing_id)
    return reply(Resent(messages=messages), status=202)


async def _resend(
    connection: Connection, mailing_id: int, again: ResendAllowed, wanted: ResendChoice, origin: Origin
) -> int:
    if await store.is_open(connection, mailing_id):
        raise conflict("An earlier resend of this mailing is still running.", retry_after=1)
    messages = await store.count(connection, mailing_id, wanted)
    if messages:
        await store.add(connection, mailing_id, wanted, origin.request_id)
        await record(connection, mailing_id, "resent", origin, **_chosen(wanted), messages=messages)
        await store.run_until(connection, mailing_id, again.end_at, restarts=again.restarts)
    return messages


def _chosen(wanted: ResendChoice) -> dict[str, object]:
    return {"delivery": wanted.delivery} if wanted.delivery else {"statuses": wanted.statuses}
