"""The ops port of each process: /livez, /readyz and /metrics."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import orjson
from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from shared import logs
from shared.settings import SettingsError


@dataclass(slots=True)
class Health:
    """Which parts this process needs, and whether each is there. Ready when all are."""

    parts: dict[str, bool] = field(default_factory=dict)
    details: dict[str, str] = field(default_factory=dict)

    def expect(self, *parts: str) -> None:
        for part in parts:
            self.parts.setdefault(part, False)

    def set(self, part: str, up: bool) -> None:
        self.parts[part] = up

    @property
    def ready(self) -> bool:
        return self.ready_without(())

    def ready_without(self, excluded: Collection[str]) -> bool:
        return all(up for part, up in self.parts.items() if part not in excluded)


def new_registry() -> CollectorRegistry:
    """Make the registry of one process, with the process's own figures in it."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    return registry


def _json(body: object, status: int) -> web.Response:
    return web.Response(body=orjson.dumps(body), status=status, content_type="application/json")


def _app(health: Health, registry: CollectorRegistry) -> web.Application:
    async def livez(_: web.Request) -> web.Response:
        return _json({"live": True}, 200)

    async def readyz(request: web.Request) -> web.Response:
        """Judge without the parts named by `exclude`: the API does its work without the broker, too."""
        ready = health.ready_without(request.query.getall("exclude", []))
        body = {"ready": ready, "parts": health.parts, "details": health.details}
        return _json(body, 200 if ready else 503)

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.add_routes([web.get("/livez", livez), web.get("/readyz", readyz), web.get("/metrics", metrics)])
    return app


@asynccontextmanager
async def serve_ops(host: str, port: int, health: Health, registry: CollectorRegistry) -> AsyncIterator[None]:
    """Serve the ops port while the block runs; port 0 serves nothing.

    Raises SettingsError when the port is taken.
    """
    if port == 0:
        yield
        return
    runner = web.AppRunner(_app(health, registry), access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        await runner.cleanup()
        raise SettingsError(f"HERALD_OPS_PORT: {host}:{port} cannot be used: {error.strerror}") from error
    logs.get().info("ops port open", host=host, port=port)
    try:
        yield
    finally:
        await runner.cleanup()
