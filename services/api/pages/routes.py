"""Serves the pages outside of /api/v1: the document, its index, and Swagger UI. All of them are public.

Every file has a route of its own, so that no path in a request can reach another file.
"""

from collections.abc import Iterable
from functools import cached_property
from typing import Any

import orjson
from aiohttp import web

from services.api.openapi import document
from services.api.pages import problems
from services.api.pages.files import FOLDER, MEDIA
from services.api.pages.index import render
from services.api.pages.serving import NOTHING_ELSE, file, redirect, rendered
from services.api.web.problem_kinds import PAGE
from services.api.web.route import Route

INDEX_POLICY = f"{NOTHING_ELSE}; style-src 'self'; img-src 'self'"
DOCS_POLICY = f"{NOTHING_ELSE}; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'"
REDIRECTS = {"/docs": "/docs/", "/api": "/api/"}


def add(app: web.Application, routes: Iterable[Route]) -> None:
    """Adds the pages to the router, for GET and HEAD."""
    pages = Pages(routes)
    app.router.add_get("/openapi.json", pages.document)
    app.router.add_get("/api/", pages.index)
    app.router.add_get(PAGE, pages.problems)
    app.router.add_get("/docs/", file(FOLDER / "docs.html", "text/html; charset=utf-8", DOCS_POLICY))
    for name, media in MEDIA.items():
        app.router.add_get(f"/docs/{name}", file(FOLDER / name, media, NOTHING_ELSE))
    for path, target in REDIRECTS.items():
        app.router.add_get(path, redirect(target))


class Pages:
    """The document, its index and the page of problems, each rendered once, at the first request."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._routes = routes

    async def document(self, request: web.Request) -> web.Response:
        return rendered(request, self._document, "application/json", NOTHING_ELSE)

    async def index(self, request: web.Request) -> web.Response:
        return rendered(request, self._index, "text/html", INDEX_POLICY)

    async def problems(self, request: web.Request) -> web.Response:
        return rendered(request, self._problems, "text/html", INDEX_POLICY)

    @cached_property
    def _problems(self) -> bytes:
        return problems.render().encode()

    @cached_property
    def _built(self) -> dict[str, Any]:
        return document.build(self._routes)

    @cached_property
    def _document(self) -> bytes:
        return orjson.dumps(self._built)

    @cached_property
    def _index(self) -> bytes:
        return render(self._built).encode()
