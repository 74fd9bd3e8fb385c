"""Previews of mailings, written or stored: who is in the audience, and which texts they would get. Stores nothing."""

from dataclasses import replace

from aiohttp import web

from services.api.mailings import store as mailings
from services.api.mailings.audience import preview_store as store
from services.api.mailings.audience.missing_values import count_missing, count_shapes
from services.api.mailings.audience.personal_preview import preview_text
from services.api.mailings.audience.preview_store import AudienceCounts
from services.api.mailings.audience.selection import Audience, read_audience
from services.api.mailings.decisions import allowed, require_unsent_of
from services.api.mailings.default_window import DEFAULT_WINDOW
from services.api.mailings.responses import PersonalPreview, Preview, Window
from services.api.mailings.rules import MailingPlan, judge_new
from services.api.mailings.schemas import MailingNew
from services.api.segments.handlers import COUNTING
from services.api.web.bodies import read_body
from services.api.web.context import id_in, pool_of
from services.api.web.problems import not_found
from services.api.web.responses import reply
from shared.audience.personal_text import read_text
from shared.database import Pool
from shared.texts.sms import count_segments


async def preview_new(request: web.Request) -> web.Response:
    """Validates the body as POST /mailings does, and counts the clients that it would be sent to."""
    body, pool = await read_body(request, MailingNew), pool_of(request)
    plan = allowed(judge_new(body, await mailings.clock(pool), request.app[DEFAULT_WINDOW]))
    await require_unsent_of(pool, plan)
    return await _preview(request, plan)


async def preview_stored(request: web.Request) -> web.Response:
    """Counts those whom a mailing would be sent to if it started now: the recipients of its file, if it has one."""
    pool, mailing_id = pool_of(request), id_in(request, "mailing")
    if not await mailings.exists(pool, mailing_id):
        raise not_found("mailing")
    stored = await mailings.read_locked(pool, mailing_id)
    return await _preview(request, replace(stored.plan, start_at=max(stored.plan.start_at, stored.now)))


async def _preview(request: web.Request, plan: MailingPlan) -> web.Response:
    pool = pool_of(request)
    audience = await read_audience(pool, plan)
    async with request.app[COUNTING]:
        found = await store.count_audience(pool, plan, audience)
        personal = await _personal(pool, plan, audience, found)
    return reply(
        Preview(
            recipients=found.recipients,
            opted_out=found.opted_out,
            reachable=found.reachable,
            unreachable=found.recipients - found.reachable,
            by_operator_code=found.by_operator_code,
            by_tag=found.by_tag,
            window=Window.between(plan.window_from, plan.window_to, plan.window_days),
            never_reachable=found.never_reachable,
            sample=found.sample,
            sms_segments=count_segments(plan.text) if personal is None else max(personal.segments.most, 1),
            personal=personal,
        )
    )


async def _personal(pool: Pool, plan: MailingPlan, audience: Audience, found: AudienceCounts) -> PersonalPreview | None:
    if not plan.personal:
        return None
    text = read_text(plan.text)
    shapes = await count_shapes(pool, audience, text)
    return preview_text(text, shapes, await count_missing(pool, audience, text, shapes), found.sample)
