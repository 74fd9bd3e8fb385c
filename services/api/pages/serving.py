"""Serves files and generated pages, each with its own policy, revalidated at every request."""

import hashlib
from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import web

NOTHING_ELSE = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
# Browsers keep the files, but revalidate them each time: a new version shows at once, an old one costs a 304.
CACHED = {"Cache-Control": "no-cache"}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def file(path: Path, media: str, policy: str) -> Handler:
    """Returns a handler that serves this one file, regardless of the path of the request."""

    async def handle(_: web.Request) -> web.StreamResponse:
        headers = {**CACHED, "Content-Type": media, "Content-Security-Policy": policy}
        return web.FileResponse(path, headers=headers)

    return handle


def generated(request: web.Request, body: bytes, media: str, policy: str) -> web.Response:
    """Serves a generated body, with its hash as the ETag."""
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
