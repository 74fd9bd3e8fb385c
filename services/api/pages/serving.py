"""How files and made pages are served: with a policy of their own, and asked for again each time."""

import hashlib
from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import web

NOTHING_ELSE = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
# Kept by browsers, but asked for again each time: a new version shows at once, an old one costs a 304.
CACHED = {"Cache-Control": "no-cache"}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def file(path: Path, media: str, policy: str) -> Handler:
    """Serves this one file, whatever the request says of paths."""

    async def handle(_: web.Request) -> web.StreamResponse:
        headers = {**CACHED, "Content-Type": media, "Content-Security-Policy": policy}
        return web.FileResponse(path, headers=headers)

    return handle


def made(request: web.Request, body: bytes, media: str, policy: str) -> web.Response:
    """Serves what was made in memory, with the hash of it as its ETag."""
    tag = hashlib.sha256(body).hexdigest()[:32]
    known = any(found.value == tag for found in request.if_none_match or ())
    response = web.Response(status=304) if known else web.Response(body=body, content_type=media)
    if media.startswith("text/") and not known:
        response.charset = "utf-8"
    response.etag = tag
    response.headers.update({**CACHED, "Content-Security-Policy": policy})
    return response


def redirect(target: str) -> Handler:
    async def handle(_: web.Request) -> web.StreamResponse:
        return web.Response(status=302, headers={"Location": target})

    return handle
