"""Connecting to a service that may be starting at this moment."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import typer

from cli.failure import Failure
from shared.waiting import patiently

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Service:
    """What people call it, the variable that says where it is, what its absence raises, and how to say that."""

    name: str
    variable: str
    outages: tuple[type[BaseException], ...]
    describe: Callable[[BaseException], str]


async def connect(service: Service, attempt: Callable[[], Awaitable[T]], patience: float) -> T:
    """Calls `attempt`, again and again for `patience` seconds while the service is away.

    Raises Failure when it is away even then, and what `attempt` raises otherwise.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + patience

    def wait(error: BaseException) -> None:
        if loop.time() >= deadline:
            said = service.describe(error)
            raise Failure(f"no {service.name} answers at {service.variable}: {said}") from error
        typer.echo(f"waiting for {service.name}: {service.describe(error)}", err=True)

    # Ctrl-C ends a command by itself.
    return await patiently(attempt, service.outages, wait, asyncio.Event())
