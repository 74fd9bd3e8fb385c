"""POST /mailings/preview: who a mailing would go to, and in how many short messages. Nothing is stored."""

from aiohttp import web

from services.api.mailings import preview_store as store
from services.api.mailings import store as mailings
from services.api.mailings.decisions import allowed
from services.api.mailings.responses import Preview
from services.api.mailings.rules import judge_new
from services.api.mailings.schemas import MailingNew
from services.api.mailings.sms import count_segments
from services.api.web.bodies import read_body
from services.api.web.context import state_of
from services.api.web.responses import reply


async def preview(request: web.Request) -> web.Response:
    """Judges the body as POST /mailings does, and count. Only a few count at a time: each reads all clients."""
    state = state_of(request)
    body = await read_body(request, MailingNew)
    plan = allowed(judge_new(body, await mailings.clock(state.pool)))
    async with state.counting:
        found = await store.audience(state.pool, plan)
    return reply(
        Preview(
            recipients=found.recipients,
            reachable=found.reachable,
            unreachable=found.recipients - found.reachable,
            by_operator_code=found.by_operator_code,
            by_tag=found.by_tag,
            sample=found.sample,
            sms_segments=count_segments(body.text),
        )
    )
