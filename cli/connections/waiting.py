"""Connects to a service that may just be starting."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import typer

from cli.failure import Failure
from shared.waiting import retry_through_outages

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Service:
    """A service that a command connects to.

    `remedy` says what to do when it does not answer, `outages` are the errors that mean that it does not, and
    `describe` formats such an error.
    """

    name: str
    remedy: str
    outages: tuple[type[BaseException], ...]
    describe: Callable[[BaseException], str]


async def connect(service: Service, attempt: Callable[[], Awaitable[T]], wait_seconds: float) -> T:
    """Calls `attempt` until it succeeds, for `wait_seconds` at the most, and returns its result.

    Raises Failure when the service still does not answer, and any other error of `attempt` at once.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + wait_seconds

    def wait(error: BaseException) -> None:
        if loop.time() >= deadline:
            detail = service.describe(error)
            raise Failure(f"{service.name} does not answer ({detail}): {service.remedy}") from error
        typer.echo(f"waiting for {service.name}: {service.describe(error)}", err=True)

    # The event is never set: Ctrl-C ends a command anyway.
    return await retry_through_outages(attempt, service.outages, wait, asyncio.Event())
