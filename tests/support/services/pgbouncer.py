"""Runs a pgbouncer before PostgreSQL. Tests are skipped if it is not installed."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit, urlunsplit

import asyncpg
import pytest

from cli.native import child
from tests.support.polling import until


@asynccontextmanager
async def run_pgbouncer(folder: Path, url: str, port: int, mode: str, *settings: str) -> AsyncIterator[str]:
    """Runs a pgbouncer before the server of `url` while the block runs, and yields the URL through it."""
    program, parts = shutil.which("pgbouncer"), urlsplit(url)
    if program is None:
        pytest.skip("pgbouncer is not installed: apt-get install pgbouncer")
    # A server that listens on a socket has its folder in the query, and lets nobody but its own user into it.
    host = parts.hostname or parse_qs(parts.query)["host"][0]
    user = Path(host).owner() if host.startswith("/") else "nobody"
    server = f"host={host} port={parts.port or 5432} user={unquote(parts.username or 'postgres')}"
    if parts.password:
        server += f" password={unquote(parts.password)}"
    lines = [
        "[databases]",
        f"* = {server}",
        "[pgbouncer]",
        "listen_addr = 127.0.0.1",
        f"listen_port = {port}",
        "unix_socket_dir =",
        "auth_type = any",
        f"user = {user}",
        f"pool_mode = {mode}",
        *settings,
    ]
    config = folder / "pgbouncer.ini"
    await asyncio.to_thread(config.write_text, "\n".join(lines))
    with (folder / "pgbouncer.log").open("ab") as output:
        process = await child.start([program, str(config)], output=output, env={})
    through = urlunsplit(parts._replace(netloc=f"postgres@127.0.0.1:{port}", query=""))
    try:

        async def answers() -> bool:
            try:
                await (await asyncpg.connect(through)).close()
            except (OSError, asyncpg.PostgresError):
                return False
            return True

        await until(answers, 20, "pgbouncer answers")
        yield through
    finally:
        await child.stop(process)
