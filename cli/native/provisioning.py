"""Provides a PostgreSQL and a RabbitMQ: uses the given one, or starts one on this machine."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from cli.failure import Failure
from cli.native import install, postgres, rabbitmq
from cli.native.selection import Availability, BrokerSource, DatabaseSource, select_broker, select_database

# Shows one line of progress to the person who runs the command.
Notify = Callable[[str], None]


@contextlib.asynccontextmanager
async def provision_database(url: str | None, folder: Path, name: str, notify: Notify) -> AsyncIterator[str]:
    """Yields the URL of a database: `url`, or the database `name` of an embedded server.

    The embedded server keeps its data in `folder` and stops at the end of the block. Raises Failure when it cannot
    be started.
    """
    source = select_database(url)
    notify(f"PostgreSQL: {source.value}" + (f" in {folder}" if source is DatabaseSource.EMBEDDED else ""))
    if url:
        yield url
        return
    async with postgres.serve(folder) as cluster:
        yield await postgres.create_database(cluster, name)


@contextlib.asynccontextmanager
async def provision_broker(
    url: str | None, folder: Path, notify: Notify, *, private: bool = False
) -> AsyncIterator[str]:
    """Yields the URL of a broker: `url`, one that listens on this machine, or a private node.

    With `private` it is a private node in any case, on free ports, so that no other stack takes it for its own. A
    private node keeps its files in `folder` and stops at the end of the block. Raises Failure when there is no broker
    and none can be installed.
    """
    source = select_broker(await check_availability(url, private=private))
    if source is BrokerSource.MISSING:
        raise Failure(f"RabbitMQ is missing: run `{install.COMMAND}` as root, or set HERALD_RABBITMQ_URL")
    notify(f"RabbitMQ: {source.value}")
    if source is BrokerSource.GIVEN or source is BrokerSource.LOCAL:
        yield url or rabbitmq.LOCAL_URL
        return
    async with rabbitmq.serve(folder, await _script(), usual_ports=not private) as node:
        notify(f"RabbitMQ: listens on 127.0.0.1:{node.port}, management on {node.management_url or 'no port'}")
        yield node.url


async def check_availability(url: str | None, *, private: bool = False) -> Availability:
    """Returns which brokers can be used on this machine. With a given URL, or for a private node, none is asked."""
    return Availability(
        url_given=bool(url),
        local_answers=not url and not private and await rabbitmq.answers(rabbitmq.LOCAL_URL),
        installed=rabbitmq.find_script() is not None,
        can_install=install.can_install(),
    )


async def _script() -> Path:
    script = rabbitmq.find_script()
    return script if script is not None else await asyncio.to_thread(install.install_rabbitmq)
