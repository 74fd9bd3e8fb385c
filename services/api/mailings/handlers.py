"""Mailings: creates, shows, lists, edits, pauses, resumes, cancels and deletes them. The planner does the rest."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web
from structlog.contextvars import bind_contextvars

from services.api.access.identity import IDENTITY
from services.api.audit import store as audit
from services.api.audit.log import MailingChange, origin_of, record
from services.api.audit.responses import Events
from services.api.edits.barrier import pass_barrier
from services.api.edits.scope import EditScope
from services.api.mailings import store
from services.api.mailings.audience.check import check_audience
from services.api.mailings.decisions import allowed, lock_mailing
from services.api.mailings.default_window import DEFAULT_WINDOW
from services.api.mailings.deletion import delete_mailing
from services.api.mailings.idempotency import keys as idempotency
from services.api.mailings.idempotency.keys import IdempotencyKey
from services.api.mailings.planner_hints import notify_planner
from services.api.mailings.responses import Mailing, Mailings
from services.api.mailings.rules import (
    EVENTS,
    LONGEST_EDIT_SECONDS,
    Action,
    changed,
    judge_action,
    judge_edit,
    judge_new,
)
from services.api.mailings.schemas import MailingNew, MailingPatch, MailingsQuery
from services.api.mailings.trace_store import keep_trace
from services.api.web import pages
from services.api.web.bodies import read_body
from services.api.web.context import id_in, pool_of, query_of
from services.api.web.problems import not_found, too_slow
from services.api.web.queries import PageQuery
from services.api.web.versions import Precondition, reply_version
from shared import logs
from shared.database import Connection, Pool, retry_on_deadlock

KIND, EVENTS_KIND = "mailings", "mailingevents"
log = logs.get()
DONE: Mapping[Action, MailingChange] = {
    "start": "scheduled",
    "pause": "paused",
    "resume": "resumed",
    "cancel": "cancelled",
}


@dataclass(frozen=True, slots=True)
class CreatedMailing:
    mailing_id: int
    answer: str
    fresh: bool


async def create(request: web.Request) -> web.Response:
    body = await read_body(request, MailingNew)
    key = idempotency.key_of(request.headers.get(idempotency.HEADER), request[IDENTITY].name, body)
    made = await retry_on_deadlock(lambda: _create(request, body, key))
    bind_contextvars(mailing_id=made.mailing_id)
    if made.fresh:
        log.info("mailing changed", change="created")
        notify_planner(request, "mailing.created", made.mailing_id)
    location = {"Location": f"{request.path}/{made.mailing_id}"}
    return web.Response(text=made.answer, status=201, headers=location, content_type="application/json")


async def _create(request: web.Request, body: MailingNew, key: IdempotencyKey | None) -> CreatedMailing:
    origin = origin_of(request)
    async with pool_of(request).acquire() as connection, connection.transaction():
        kept = None if key is None else await idempotency.earlier(connection, key)
        if kept is not None:
            return CreatedMailing(kept.mailing_id, kept.answer, fresh=False)
        plan = allowed(judge_new(body, await store.clock(connection), request.app[DEFAULT_WINDOW]))
        await check_audience(request, connection, plan, draft=body.draft)
        mailing_id = await store.insert(
            connection, plan, origin.request_id, status="draft" if body.draft else "scheduled"
        )
        await keep_trace(request, connection, mailing_id)
        await record(connection, mailing_id, "created", origin)
        answer = (await _read(connection, mailing_id)).model_dump_json(by_alias=True)
        if key is not None:
            await idempotency.keep(connection, key, mailing_id, answer)
        return CreatedMailing(mailing_id, answer, fresh=True)


async def show(request: web.Request) -> web.Response:
    return reply_version(await _read(pool_of(request), id_in(request, "mailing")))


async def listing(request: web.Request) -> web.Response:
    query = query_of(request, MailingsQuery)
    after = pages.position(query, KIND, start=0) or None
    found = await store.page(pool_of(request), query, after=after, limit=query.limit + 1)
    items, following = pages.cut(found, query.limit, KIND, lambda mailing: mailing.id)
    return pages.reply_page(request, Mailings(items=items, next=following), following)


async def patch(request: web.Request) -> web.Response:
    pool, mailing_id = pool_of(request), id_in(request, "mailing")
    body = await read_body(request, MailingPatch)

    async def work() -> tuple[Mailing, list[str] | None]:
        async with pool.acquire() as connection, connection.transaction():
            locked, fields = await lock_mailing(connection, mailing_id, Precondition(request)), None
            edit, judged = allowed(judge_edit(locked, body)), time.monotonic()
            if edit.plan is not None:
                if {"text", "filter", "on_missing"} & set(changed(locked.plan, edit.plan)):
                    await check_audience(request, connection, edit.plan, draft=locked.status == "draft")
                await store.edit(connection, mailing_id, edit.plan, edit.window_changed)
                fields = changed(locked.plan, edit.plan)
                await record(connection, mailing_id, "updated", origin_of(request), fields=fields)
            mailing = await _read(connection, mailing_id)
            if time.monotonic() - judged > LONGEST_EDIT_SECONDS:
                raise too_slow()
            return mailing, fields

    mailing, fields = await retry_on_deadlock(work)
    if fields is not None:
        log.info("mailing changed", change="updated", fields=fields)
        notify_planner(request, "mailing.updated", mailing_id)
    await pass_barrier(request, EditScope.of_mailing(mailing_id))
    return reply_version(mailing)


async def pause(request: web.Request) -> web.Response:
    return await _act(request, "pause")


async def resume(request: web.Request) -> web.Response:
    return await _act(request, "resume")


async def cancel(request: web.Request) -> web.Response:
    return await _act(request, "cancel")


async def _act(request: web.Request, action: Action) -> web.Response:
    pool, mailing_id = pool_of(request), id_in(request, "mailing")

    async def work() -> tuple[Mailing, bool]:
        async with pool.acquire() as connection, connection.transaction():
            locked = await lock_mailing(connection, mailing_id, Precondition(request))
            move = allowed(judge_action(action, locked))
            if move.status is not None:
                await store.set_status(connection, mailing_id, move.status)
                await record(connection, mailing_id, DONE[action], origin_of(request))
            return await _read(connection, mailing_id), move.status is not None

    mailing, written = await retry_on_deadlock(work)
    if written:
        log.info("mailing changed", change=DONE[action])
        notify_planner(request, EVENTS[action], mailing_id)
    await pass_barrier(request, EditScope.of_mailing(mailing_id))
    return reply_version(mailing)


async def delete(request: web.Request) -> web.Response:
    mailing_id = id_in(request, "mailing")
    deleted = await delete_mailing(pool_of(request), mailing_id, origin_of(request), Precondition(request))
    if deleted:
        log.info("mailing changed", change="deleted")
        notify_planner(request, "mailing.deleted", mailing_id)
    await pass_barrier(request, EditScope.of_mailing(mailing_id))
    if not deleted:
        raise not_found("mailing")
    return web.Response(status=204)


async def events(request: web.Request) -> web.Response:
    query, pool, mailing_id = query_of(request, PageQuery), pool_of(request), id_in(request, "mailing")
    after = pages.position(query, EVENTS_KIND, start=0)
    if not await store.exists(pool, mailing_id):
        raise not_found("mailing")
    found = await audit.of_mailing(pool, mailing_id, after=after, limit=query.limit + 1)
    rows, following = pages.cut(found, query.limit, EVENTS_KIND, lambda row: row[0])
    return pages.reply_page(request, Events(items=[event for _, event in rows], next=following), following)


async def _read(connection: Connection | Pool, mailing_id: int) -> Mailing:
    mailing = await store.get(connection, mailing_id)
    if mailing is None:
        raise not_found("mailing")
    return mailing
