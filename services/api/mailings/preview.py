"""POST /mailings/preview: counts the audience of a mailing and the short messages of its text. Stores nothing."""

import asyncio

from aiohttp import web

from services.api.mailings import preview_store as store
from services.api.mailings import store as mailings
from services.api.mailings.decisions import allowed, require_unsent_of
from services.api.mailings.responses import Preview
from services.api.mailings.rules import judge_new
from services.api.mailings.schemas import MailingNew
from services.api.web.bodies import read_body
from services.api.web.context import pool_of
from services.api.web.responses import reply
from shared.texts.sms import count_segments

# Each preview reads all clients. Only a few run at a time, so that most of the pool stays free for other requests.
MOST_AT_A_TIME = 2
COUNTING = web.AppKey("counting", asyncio.Semaphore)


async def preview(request: web.Request) -> web.Response:
    """Validates the body as POST /mailings does, and counts the clients that it would be sent to."""
    body, pool = await read_body(request, MailingNew), pool_of(request)
    plan = allowed(judge_new(body, await mailings.clock(pool)))
    await require_unsent_of(pool, plan)
    async with request.app[COUNTING]:
        found = await store.count_audience(pool, plan)
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
