"""GET /token: whose token a request comes with, so that a program can offer what its role allows."""

from aiohttp import web

from services.api import answers, paging
from services.api.state import IDENTITY


async def show(request: web.Request) -> web.Response:
    identity = request[IDENTITY]
    return paging.reply(answers.Token(name=identity.name, role=identity.role))
