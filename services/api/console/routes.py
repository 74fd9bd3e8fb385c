"""Serves GET /: the console, a page with which an operator uses the REST API. The files are public; the data is not.

Every file has a route of its own, so that no path in a request can reach another file.
"""

from aiohttp import web

from services.api.console.files import FOLDER, served
from services.api.pages.serving import NOTHING_ELSE, file, redirect

# The arrows in pico.css are data: images. Trusted types make the browser refuse to parse any text as HTML.
POLICY = (
    f"{NOTHING_ELSE}; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
REDIRECTS = {"/console": "/", "/console/": "/"}


def add(app: web.Application) -> None:
    """Adds the console to the router, for GET and HEAD."""
    app.router.add_get("/", file(FOLDER / "index.html", "text/html; charset=utf-8", POLICY))
    for path, media in served().items():
        app.router.add_get(f"/console/{path}", file(FOLDER / path, media, NOTHING_ELSE))
    for path, target in REDIRECTS.items():
        app.router.add_get(path, redirect(target))
