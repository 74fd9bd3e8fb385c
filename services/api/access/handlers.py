"""GET /token: shows the name and the role of a token, so that a program can offer what the role allows."""

from aiohttp import web

from services.api.access.identity import IDENTITY
from services.api.access.responses import Token
from services.api.web.responses import reply


async def show(request: web.Request) -> web.Response:
    identity = request[IDENTITY]
    return reply(Token(name=identity.name, role=identity.role))
