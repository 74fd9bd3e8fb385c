"""Finds a node of RabbitMQ that can be used, among the URLs of a cluster."""

import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

import aiormq
from yarl import URL

from shared import amqp_urls, logs
from shared.amqp import LoginRefused, VirtualHostRefused
from shared.broker.errors import BROKER_OUTAGES, BrokerAway, BrokerRefused, describe

CONNECT_SECONDS = 5
HEARTBEAT_SECONDS = 10

_REFUSALS = (
    BrokerRefused,
    LoginRefused,
    VirtualHostRefused,
    aiormq.exceptions.AuthenticationError,
    aiormq.exceptions.ProbableAuthenticationError,
)
Opened = TypeVar("Opened")


async def open_any(urls: str, name: str, connect: Callable[[URL, str], Awaitable[Opened]]) -> Opened:
    """Connects to one of the comma-separated URLs, tried in random order, and returns what `connect` returns for it.

    Raises BrokerRefused or BrokerAway when none of them can be used, and ValueError for a malformed URL.
    """
    choices = list(amqp_urls.parse(urls))
    random.shuffle(choices)
    failures: list[tuple[str, BaseException]] = []
    for choice in choices:
        try:
            opened = await connect(choice, name)
        except BROKER_OUTAGES as error:
            failures.append((amqp_urls.host_and_port(choice), error))
        else:
            if failures:
                logs.get().warning("broker node passed over", connection=name, detail=_list_failures(failures))
            return opened
    refused = any(isinstance(error, _REFUSALS) for _, error in failures)
    raise (BrokerRefused if refused else BrokerAway)(_list_failures(failures)) from failures[-1][1]


def _list_failures(failures: list[tuple[str, BaseException]]) -> str:
    return "; ".join(f"{place}: {describe(error)}" for place, error in failures)
