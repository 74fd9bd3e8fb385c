"""The pages outside of /api/v1: the document, its index, and Swagger UI. All of them are for everybody.

Every file has a route of its own, so that no path can reach another.
"""

import hashlib
from collections.abc import Awaitable, Callable
from functools import cached_property

import orjson
from aiohttp import web

from services.api.openapi import document
from services.api.pages.files import FOLDER, MEDIA
from services.api.pages.index import render

_NOTHING_ELSE = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
INDEX_POLICY = f"{_NOTHING_ELSE}; style-src 'self'; img-src 'self'"
DOCS_POLICY = f"{_NOTHING_ELSE}; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'"
# Kept by browsers, but asked for again each time: a new version shows at once, an old one costs a 304.
CACHED = {"Cache-Control": "no-cache"}
REDIRECTS = {"/": "/docs/", "/docs": "/docs/", "/api": "/api/"}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def add(app: web.Application) -> None:
    """Add the pages to the router, for GET and HEAD."""
    pages = Pages()
    app.router.add_get("/openapi.json", pages.document)
    app.router.add_get("/api/", pages.index)
    app.router.add_get("/docs/", _file("docs.html", "text/html; charset=utf-8", DOCS_POLICY))
    for name, media in MEDIA.items():
        app.router.add_get(f"/docs/{name}", _file(name, media, _NOTHING_ELSE))
    for path, target in REDIRECTS.items():
        app.router.add_get(path, _redirect(target))


class Pages:
    """What is made from the document, once, when somebody first asks."""

    async def document(self, request: web.Request) -> web.Response:
        return _made(request, self._document, "application/json", _NOTHING_ELSE)

    async def index(self, request: web.Request) -> web.Response:
        return _made(request, self._index, "text/html", INDEX_POLICY)

    @cached_property
    def _document(self) -> bytes:
        return orjson.dumps(document.build())

    @cached_property
    def _index(self) -> bytes:
        return render(document.build()).encode()


def _made(request: web.Request, body: bytes, media: str, policy: str) -> web.Response:
    tag = hashlib.sha256(body).hexdigest()[:32]
    known = any(found.value == tag for found in request.if_none_match or ())
    response = web.Response(status=304) if known else web.Response(body=body, content_type=media)
    if media.startswith("text/") and not known:
        response.charset = "utf-8"
    response.etag = tag
    response.headers.update({**CACHED, "Content-Security-Policy": policy})
    return response


def _file(name: str, media: str, policy: str) -> Handler:
    async def handle(_: web.Request) -> web.StreamResponse:
        headers = {**CACHED, "Content-Type": media, "Content-Security-Policy": policy}
        return web.FileResponse(FOLDER / name, headers=headers)

    return handle


def _redirect(target: str) -> Handler:
    async def handle(_: web.Request) -> web.StreamResponse:
        return web.Response(status=302, headers={"Location": target})

    return handle
