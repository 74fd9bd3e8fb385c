"""Checks an audience before a mailing is stored or started."""

from aiohttp import web

from services.api.mailings.audience.missing_values import require_values
from services.api.mailings.audience.selection import read_audience
from services.api.mailings.decisions import require_unsent_of
from services.api.mailings.rules import MailingPlan
from services.api.segments.handlers import COUNTING
from shared.database import Connection


async def check_audience(request: web.Request, connection: Connection, plan: MailingPlan, *, draft: bool) -> None:
    """Raises a 422 problem for a filter that cannot be read, and a 409 problem if the audience lacks values.

    What the audience of a draft lacks is asked when it is started.
    """
    await require_unsent_of(connection, plan)
    audience = await read_audience(connection, plan)
    if plan.personal and plan.on_missing == "refuse" and not draft:
        async with request.app[COUNTING]:
            await require_values(connection, plan, audience)
