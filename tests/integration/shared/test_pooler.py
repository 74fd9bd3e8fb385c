"""Behind pgbouncer: a process says what stands in its way, in place of failing at some statement later."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit, urlunsplit

import asyncpg
import pytest

from cli.connections.database import apply_migrations
from cli.failure import Failure
from cli.native import child
from shared import database
from shared.health import Health
from shared.waiting import Stopped
from tests.support.polling import until

# Told to ignore what it would refuse.
IGNORING = "ignore_startup_parameters = statement_timeout, idle_in_transaction_session_timeout, jit, enable_seqscan"
# So that ignoring is no difference: what the session would be asked for, the role has already.
OF_THE_ROLE = {"statement_timeout": "15000", "idle_in_transaction_session_timeout": "15000", "jit": "off"}

Pgbouncer = Callable[..., Awaitable[str]]


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


@pytest.fixture
async def pgbouncer(tmp_path: Path, database_url: str, free_port: int) -> AsyncIterator[Pgbouncer]:
    async with AsyncExitStack() as stack:

        async def start(mode: str, *settings: str) -> str:
            return await stack.enter_async_context(run_pgbouncer(tmp_path, database_url, free_port, mode, *settings))

        yield start


async def refusal(url: str) -> str:
    """Returns why a process does not become ready."""
    health, stop = Health(), asyncio.Event()

    async def work() -> None:
        async with database.connect(url, health, stop):
            stop.set()

    task = asyncio.create_task(work())

    async def refused() -> bool:
        return "database" in health.reasons or task.done()

    await until(refused, 20, "the process says what is wrong")
    reason = health.reasons.get("database", "it connected")
    stop.set()
    with pytest.raises(Stopped):
        await task
    return reason


async def give_role_parameters(url: str, **parameters: str) -> None:
    connection = await asyncpg.connect(url)
    name = urlsplit(url).path[1:]
    for parameter, value in parameters.items():
        await connection.execute(f'ALTER DATABASE "{name}" SET {parameter} TO {value!r}')
    await connection.close()


async def test_a_pooler_that_refuses_parameters_of_a_session_is_named(pgbouncer: Pgbouncer) -> None:
    url = await pgbouncer("transaction")
    said = await refusal(url)
    assert "unsupported startup parameter" in said
    assert "docs/scaling.md" in said


async def test_a_pooler_that_ignores_parameters_of_a_session_is_named(pgbouncer: Pgbouncer) -> None:
    url = await pgbouncer("session", IGNORING)
    assert "the session does not take idle_in_transaction_session_timeout, jit" in await refusal(url)


async def test_a_pooler_in_transaction_mode_is_named_by_processes_and_by_migrate(
    pgbouncer: Pgbouncer, database_url: str
) -> None:
    await give_role_parameters(database_url, **OF_THE_ROLE)
    url = await pgbouncer("transaction", IGNORING)
    assert "two connections share a session" in await refusal(url)
    with pytest.raises(Failure, match="two connections share a session"):
        await apply_migrations(url)


async def test_a_pooler_in_session_mode_is_like_the_server_itself(pgbouncer: Pgbouncer, database_url: str) -> None:
    await give_role_parameters(database_url, **OF_THE_ROLE)
    url = await pgbouncer("session", IGNORING)
    async with database.connect(url, Health(), asyncio.Event()) as pool:
        assert await pool.fetchval("SELECT count(*) FROM mailings") == 0
    assert await apply_migrations(url) == []
