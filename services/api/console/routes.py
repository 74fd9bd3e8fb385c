"""GET /: serves the console, a page on which operators work through the REST API. It needs no token; the API does.

Every file has a route of its own, so that no path can reach another file.
"""

from aiohttp import web

from services.api.console.files import FOLDER, MEDIA
from services.api.pages.serving import NOTHING_ELSE, file, redirect

# The style sheet's arrows are data: images. Trusted types make the browser refuse to parse any text as HTML.
POLICY = (
    f"{NOTHING_ELSE}; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
REDIRECTS = {"/console": "/", "/console/": "/"}


def add(app: web.Application) -> None:
    """Adds the routes of the console, for GET and HEAD."""
    app.router.add_get("/", file(FOLDER / "index.html", "text/html; charset=utf-8", POLICY))
    for name, media in MEDIA.items():
        app.router.add_get(f"/console/{name}", file(FOLDER / name, media, NOTHING_ELSE))
    for path, target in REDIRECTS.items():
        app.router.add_get(path, redirect(target))
