"""Adds the paths of the sign-in, which belong to the console and not to the REST API."""

from aiohttp import web

from services.api.sign_in import handlers


def add(app: web.Application) -> None:
    """Adds them to the router. Without an issuer only /sign-in/options answers with anything but a 404."""
    app.router.add_get("/sign-in/options", handlers.options)
    app.router.add_get("/sign-in", handlers.begin)
    app.router.add_get(handlers.CALLBACK, handlers.finish)
    app.router.add_post("/sign-out", handlers.sign_out)
