"""GET /health and GET /overview."""

from aiohttp import web

from services.api.health.reader import HEALTH_READER
from services.api.web.context import pool_of
from services.api.web.responses import reply


async def show(request: web.Request) -> web.Response:
    return reply(await request.app[HEALTH_READER].health(pool_of(request)))


async def overview(request: web.Request) -> web.Response:
    return reply(await request.app[HEALTH_READER].overview(pool_of(request)))
