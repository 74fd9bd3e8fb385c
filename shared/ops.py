"""The ops port of each process: /livez, /readyz and /metrics."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import orjson
from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from shared import logs
from shared.health import Health
from shared.settings import SettingsError


class _Readiness(Collector):
    """The readiness of the process, as metrics."""

    def __init__(self, health: Health) -> None:
        self._health = health

    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield GaugeMetricFamily("herald_ready", "1 if every required part is up.", value=float(self._health.ready))
        parts = GaugeMetricFamily("herald_part_up", "1 if the part is up.", labels=["part", "required"])
        for part, up in self._health.parts.items():
            parts.add_metric([part, "no" if part in self._health.optional else "yes"], float(up))
        yield parts


def _json(body: object, status: int) -> web.Response:
    return web.Response(body=orjson.dumps(body), status=status, content_type="application/json")


def _app(health: Health, registry: CollectorRegistry) -> web.Application:
    async def livez(_: web.Request) -> web.Response:
        # A blocked event loop does not answer at all, which a probe takes for a failure, too.
        body = health.liveness()
        return _json(body, 200 if body["live"] else 503)

    async def readyz(_: web.Request) -> web.Response:
        return _json(health.readiness(), 200 if health.ready else 503)

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.add_routes([web.get("/livez", livez), web.get("/readyz", readyz), web.get("/metrics", metrics)])
    return app


@asynccontextmanager
async def serve_ops(host: str, port: int, health: Health, registry: CollectorRegistry) -> AsyncIterator[None]:
    """Serves the ops port while the block runs; port 0 serves nothing.

    Raises SettingsError when the port is taken.
    """
    if port == 0:
        yield
        return
    registry.register(_Readiness(health))
    runner = web.AppRunner(_app(health, registry), access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        await runner.cleanup()
        # The text of asyncio would repeat the address.
        detail = os.strerror(error.errno) if error.errno else str(error)
        raise SettingsError(f"HERALD_OPS_PORT: {host}:{port} cannot be used: {detail}") from error
    logs.get().info("ops port open", host=host, port=port)
    beating = asyncio.create_task(health.run(), name="health")
    try:
        yield
    finally:
        beating.cancel()
        await runner.cleanup()
