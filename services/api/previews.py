"""POST /mailings/preview: who a mailing would go to, and in how many short messages. Nothing is stored."""

from aiohttp import web

from services.api import answers, paging
from services.api.bodies import read_body
from services.api.decisions import allowed
from services.api.rules import judge_new
from services.api.schemas import MailingNew
from services.api.sms import count_segments
from services.api.state import state_of
from services.api.store import mailings
from services.api.store import previews as store


async def preview(request: web.Request) -> web.Response:
    """Judge the body as POST /mailings does, and count. Only a few count at a time: each reads all clients."""
    state = state_of(request)
    body = await read_body(request, MailingNew)
    plan = allowed(judge_new(body, await mailings.clock(state.pool)))
    async with state.counting:
        found = await store.audience(state.pool, plan)
    return paging.reply(
        answers.Preview(
            recipients=found.recipients,
            reachable=found.reachable,
            unreachable=found.recipients - found.reachable,
            by_operator_code=found.by_operator_code,
            by_tag=found.by_tag,
            sample=found.sample,
            sms_segments=count_segments(body.text),
        )
    )
