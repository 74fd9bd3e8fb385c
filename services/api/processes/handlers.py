"""GET /processes: which processes run, for admins."""

from aiohttp import web

from services.api.processes import store
from services.api.processes.responses import ProcessesShown
from services.api.web.context import pool_of
from services.api.web.responses import reply


async def listing(request: web.Request) -> web.Response:
    return reply(ProcessesShown(items=await store.list_running(pool_of(request))))
