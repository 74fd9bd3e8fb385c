"""Drafts: starts them, and makes one from another mailing."""

from aiohttp import web
from structlog.contextvars import bind_contextvars

from services.api.audit.log import origin_of, record
from services.api.mailings import store
from services.api.mailings.audience.check import check_audience
from services.api.mailings.decisions import allowed, lock_mailing
from services.api.mailings.planner_hints import notify_planner
from services.api.mailings.responses import Mailing
from services.api.mailings.rules import EVENTS, judge_start
from services.api.mailings.trace_store import keep_trace
from services.api.web.context import id_in, pool_of
from services.api.web.problems import not_found
from services.api.web.route import PREFIX
from services.api.web.versions import Precondition, reply_version
from shared import logs
from shared.database import Connection, retry_on_deadlock

log = logs.get()


async def start(request: web.Request) -> web.Response:
    """Schedules a draft: it starts at its start_at, or at once if that is past. What was started stays as it is."""
    pool, mailing_id = pool_of(request), id_in(request, "mailing")

    async def work() -> tuple[Mailing, bool]:
        async with pool.acquire() as connection, connection.transaction():
            locked = await lock_mailing(connection, mailing_id, Precondition(request))
            move, plan = allowed(judge_start(locked))
            if move.status is not None:
                await check_audience(request, connection, plan, draft=False)
                await store.edit(connection, mailing_id, plan, window_changed=False)
                await store.set_status(connection, mailing_id, move.status)
                await keep_trace(request, connection, mailing_id)
                await record(connection, mailing_id, "scheduled", origin_of(request))
            return await _read(connection, mailing_id), move.status is not None

    mailing, started = await retry_on_deadlock(work)
    if started:
        log.info("mailing changed", change="scheduled")
        notify_planner(request, EVENTS["start"], mailing_id)
    return reply_version(mailing)


async def duplicate(request: web.Request) -> web.Response:
    """Makes a draft with all that was specified for a mailing in any state, its recipients too."""
    copied, origin = id_in(request, "mailing"), origin_of(request)
    async with pool_of(request).acquire() as connection, connection.transaction():
        # Under lock: nobody edits it, or deletes it with its file, while it is copied.
        if not await store.lock(connection, copied):
            raise not_found("mailing")
        plan = (await store.read_locked(connection, copied)).plan
        mailing_id = await store.insert(connection, plan, origin.request_id, status="draft")
        await record(connection, mailing_id, "created", origin, duplicate_of=copied)
        mailing = await _read(connection, mailing_id)
    bind_contextvars(mailing_id=mailing_id)
    log.info("mailing changed", change="created")
    return reply_version(mailing, status=201, headers={"Location": f"{PREFIX}/mailings/{mailing_id}"})


async def _read(connection: Connection, mailing_id: int) -> Mailing:
    mailing = await store.get(connection, mailing_id)
    if mailing is None:
        raise not_found("mailing")
    return mailing
