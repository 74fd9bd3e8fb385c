"""POST /mailings/preview: counts the audience of a mailing and the short messages of its text. Stores nothing."""

from aiohttp import web

from services.api.mailings import preview_store as store
from services.api.mailings import store as mailings
from services.api.mailings.audience import Audience, read_audience
from services.api.mailings.decisions import allowed, require_unsent_of
from services.api.mailings.missing_values import count_missing, count_shapes
from services.api.mailings.personal_preview import preview_text
from services.api.mailings.preview_store import AudienceCounts
from services.api.mailings.responses import PersonalPreview, Preview
from services.api.mailings.rules import MailingPlan, judge_new
from services.api.mailings.schemas import MailingNew
from services.api.mailings.settings import DEFAULT_WINDOW
from services.api.mailings.sms import count_segments
from services.api.segments.handlers import COUNTING
from services.api.web.bodies import read_body
from services.api.web.context import pool_of
from services.api.web.responses import reply
from shared.database import Pool
from shared.personal_text import read_text


async def preview(request: web.Request) -> web.Response:
    """Validates the body as POST /mailings does, and counts the clients that it would be sent to."""
    body, pool = await read_body(request, MailingNew), pool_of(request)
    plan = allowed(judge_new(body, await mailings.clock(pool), request.app[DEFAULT_WINDOW]))
    await require_unsent_of(pool, plan)
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
