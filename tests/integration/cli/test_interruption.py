"""Ctrl-C in the middle of an import says how far it came, and leaves no traceback."""

import asyncio
import signal
from pathlib import Path

from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.support.herald_command import running

LINES = 200_000


async def test_an_interrupted_import_says_how_far_it_came(tmp_path: Path) -> None:
    file = tmp_path / "clients.csv"
    file.write_text("phone\n" + "".join(f"7916{number:07}\n" for number in range(LINES)))
    begun, over = asyncio.Event(), asyncio.Event()

    async def token(_: web.Request) -> web.Response:
        return web.json_response({"name": "test", "role": "admin"})

    async def take_some(request: web.Request) -> web.Response:
        await request.content.readany()
        begun.set()
        await over.wait()
        return web.Response()

    app = web.Application()
    app.router.add_get("/api/v1/token", token)
    app.router.add_post("/api/v1/clients/import", take_some)
    async with TestServer(app) as server:
        env = {"HERALD_API_URL": str(server.make_url("")), "HERALD_TOKEN": "a-token"}
        try:
            async with running("clients", "import", str(file), env=env, folder=tmp_path) as command:
                await asyncio.wait_for(begun.wait(), 60)
                code = await command.end(signal.SIGINT)
        finally:
            over.set()
    assert code == 130
    assert "interrupted after" in command.text
    assert f"of {file.stat().st_size:,} bytes: full batches of 1,000 lines are stored" in command.text
    assert "Traceback" not in command.text
