"""The HTTP listener of the API."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from services.api.web.server import ProblemRunner
from shared import logs
from shared.settings import SettingsError

# Less than a process has to stop, since the pool and the queue of hints close afterwards.
DRAIN_SECONDS = 12


@asynccontextmanager
async def listen(app: web.Application, host: str, port: int, idle_seconds: float = 75) -> AsyncIterator[web.AppRunner]:
    """Serves while the block runs. `cleanup` of the yielded runner stops accepting, and finishes the running requests.

    A connection that sends no complete request head within `idle_seconds` is closed, however busily it sends. Raises
    SettingsError when the port is in use.
    """
    runner = ProblemRunner(app, access_log=None, shutdown_timeout=DRAIN_SECONDS, keepalive_timeout=idle_seconds)
    await runner.setup()
    try:
        await _start(runner, host, port)
        yield runner
    finally:
        await runner.cleanup()


async def _start(runner: web.AppRunner, host: str, port: int) -> None:
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        raise SettingsError(f"HERALD_API_PORT: {host}:{port} cannot be used: {error.strerror}") from error
    logs.get().info("api listening", host=host, port=runner.addresses[0][1])
