"""Serves files and rendered pages, with a policy of their own, and so that browsers ask again each time."""

import hashlib
from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import web

NOTHING_ELSE = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
# Browsers keep the files but ask again each time: a new version shows at once, an old one costs a 304.
CACHED = {"Cache-Control": "no-cache"}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def file(path: Path, media: str, policy: str) -> Handler:
    """Returns a handler that serves this one file, whatever the path of the request."""

    async def handle(_: web.Request) -> web.StreamResponse:
        headers = {**CACHED, "Content-Type": media, "Content-Security-Policy": policy}
        return web.FileResponse(path, headers=headers)

    return handle


def rendered(request: web.Request, body: bytes, media: str, policy: str) -> web.Response:
    """Returns a body that was rendered in memory, with its hash as its ETag; 304 where the browser has it."""
    tag = hashlib.sha256(body).hexdigest()[:32]
    known = any(found.value == tag for found in request.if_none_match or ())
    response = web.Response(status=304) if known else web.Response(body=body, content_type=media)
    if media.startswith("text/") and not known:
        response.charset = "utf-8"
    response.etag = tag
    response.headers.update({**CACHED, "Content-Security-Policy": policy})
    return response


def redirect(target: str) -> Handler:
    """Returns a handler that sends the browser to another path."""

    async def handle(_: web.Request) -> web.StreamResponse:
        return web.Response(status=302, headers={"Location": target})

    return handle
