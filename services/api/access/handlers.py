"""GET /token: whose token a request comes with, so that a program can offer what its role allows."""

from aiohttp import web

from services.api import answers
from services.api.web import pages
from services.api.web.context import IDENTITY


async def show(request: web.Request) -> web.Response:
    identity = request[IDENTITY]
    return pages.reply(answers.Token(name=identity.name, role=identity.role))
