"""Finds a RabbitMQ for this machine, or starts one."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from cli.failure import Failure
from cli.native import install, rabbitmq
from cli.native.choice import Broker, Findings, choose_broker

Say = Callable[[str], None]


@contextlib.asynccontextmanager
async def obtain(url: str | None, folder: Path, say: Say) -> AsyncIterator[str]:
    """Yields the URL of a broker that answers. A private node keeps its files in `folder` and ends with the block.

    Raises Failure when there is none and none can be had.
    """
    choice = choose_broker(await find(url))
    if choice is Broker.MISSING:
        raise Failure(f"RabbitMQ is missing: run `{install.COMMAND}` as root, or set HERALD_RABBITMQ_URL")
    say(f"RabbitMQ: {choice.value}")
    if choice is Broker.GIVEN or choice is Broker.LOCAL:
        yield url or rabbitmq.LOCAL_URL
        return
    async with rabbitmq.serve(folder, await _script()) as node:
        say(f"RabbitMQ: listens on 127.0.0.1:{node.port}, management on {node.management_url or 'no port'}")
        yield node.url


async def find(url: str | None) -> Findings:
    """Looks at this machine. Nothing is asked of it when a URL is given."""
    return Findings(
        url_given=bool(url),
        local_answers=not url and await rabbitmq.answers(rabbitmq.LOCAL_URL),
        installed=rabbitmq.find_script() is not None,
        can_install=install.can_install(),
    )


async def _script() -> Path:
    script = rabbitmq.find_script()
    return script if script is not None else await asyncio.to_thread(install.install_rabbitmq)
