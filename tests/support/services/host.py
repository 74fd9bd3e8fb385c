"""Runs one service for a test run: starts it, publishes its URL, and cleans up when the run is over.

Usage: python -m tests.support.services.host database|broker FOLDER
"""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg

from cli.failure import Failure
from cli.native import postgres, rabbitmq
from shared.migrate import migrate
from tests.support.services import containers, vhosts
from tests.support.services.databases import drop_database, execute, with_database
from tests.support.services.run import is_alive, remove_if_over

# For several stacks at once, of which each may hold dozens.
MANY_CONNECTIONS = {"max_connections": "400"}


@contextlib.asynccontextmanager
async def database(folder: Path) -> AsyncIterator[dict[str, str]]:
    """Yields the state of a PostgreSQL that holds a template database with the current schema."""
    async with _server(folder) as (url, origin):
        template = f"{folder.name}_template"
        await _remove_databases(url, folder.name)
        await execute(url, f'CREATE DATABASE "{template}"')
        try:
            await _migrate(with_database(url, template))
            yield {"url": url, "template": template, "origin": origin}
        finally:
            await _remove_databases(url, folder.name)


@contextlib.asynccontextmanager
async def broker(folder: Path) -> AsyncIterator[dict[str, str]]:
    """Yields the state of a RabbitMQ on which virtual hosts can be created."""
    async with _node(folder) as (url, management_url, origin):
        admin = await asyncio.to_thread(vhosts.find_admin, url, management_url)
        if admin is None:
            raise Failure("the tests need the management API or rabbitmqctl of RabbitMQ, to create virtual hosts")
        await asyncio.to_thread(vhosts.remove_run, admin, folder.name)
        try:
            yield {"url": url, "management_url": management_url or "", "origin": origin}
        finally:
            await asyncio.to_thread(vhosts.remove_run, admin, folder.name)


@contextlib.asynccontextmanager
async def _server(folder: Path) -> AsyncIterator[tuple[str, str]]:
    """Yields the URL of a PostgreSQL server and a description of its origin."""
    given = os.environ.get("HERALD_TEST_DATABASE_URL")
    if given:
        yield given, "HERALD_TEST_DATABASE_URL"
    elif containers.available(containers.POSTGRES):
        with containers.postgres() as url:
            yield url, f"container of {containers.POSTGRES}"
    else:
        async with postgres.serve(folder / "postgres", {**postgres.WITHOUT_DURABILITY, **MANY_CONNECTIONS}) as cluster:
            yield cluster.url("postgres"), "started for the tests"


@contextlib.asynccontextmanager
async def _node(folder: Path) -> AsyncIterator[tuple[str, str | None, str]]:
    """Yields the URL of a RabbitMQ, the URL of its management API or None, and a description of its origin."""
    given = os.environ.get("HERALD_TEST_RABBITMQ_URL")
    script = rabbitmq.find_script()
    if given:
        yield given, None, "HERALD_TEST_RABBITMQ_URL"
    elif containers.available(containers.RABBITMQ):
        with containers.rabbitmq() as urls:
            yield *urls, f"container of {containers.RABBITMQ}"
    elif await rabbitmq.answers(rabbitmq.LOCAL_URL) and vhosts.find_admin(rabbitmq.LOCAL_URL, None):
        yield rabbitmq.LOCAL_URL, None, "running on this machine"
    elif script:
        async with rabbitmq.serve(folder / "rabbitmq", script) as node:
            yield node.url, node.management_url, "started for the tests"
    else:
        raise Failure("the tests need RabbitMQ: install rabbitmq-server, or set HERALD_TEST_RABBITMQ_URL")


async def _migrate(url: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await migrate(connection)
    finally:
        await connection.close()


async def _remove_databases(url: str, run: str) -> None:
    """Drops the databases of this run, and those of runs that were killed hours ago."""
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch(r"SELECT datname FROM pg_database WHERE datname LIKE 'herald\_test\_%'")
    finally:
        await connection.close()
    old = time.time() - 6 * 3600
    for name in (row["datname"] for row in rows):
        match = vhosts.NAME.fullmatch(name)
        if name.startswith(run) or (match and int(match[1]) < old):
            await drop_database(url, name)


async def host(kind: str, folder: Path) -> None:
    """Runs a service and publishes its state, until SIGTERM or the end of pytest."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with (database if kind == "database" else broker)(folder) as state:
        _publish(kind, folder, state)
        controller = int((folder / "controller").read_text())
        while not stop.is_set() and is_alive(controller):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await stop.wait()


def _publish(kind: str, folder: Path, state: dict[str, str]) -> None:
    draft = folder / f"{kind}.draft"
    draft.write_text(json.dumps(state))
    draft.rename(folder / f"{kind}.json")


def main(kind: str, folder: Path) -> None:
    try:
        asyncio.run(host(kind, folder))
        remove_if_over(folder)
    except (Failure, OSError, asyncpg.PostgresError, subprocess.SubprocessError) as error:
        if folder.exists():
            _publish(kind, folder, {"error": f"{type(error).__name__}: {error}"})
        raise


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
