"""Selects the PostgreSQL and the RabbitMQ that `herald up` uses. Pure."""

from dataclasses import dataclass
from enum import Enum


class DatabaseSource(Enum):
    """Where the PostgreSQL comes from; the values are shown to the user."""

    GIVEN = "the one of HERALD_DATABASE_URL"
    EMBEDDED = "an embedded one"


class BrokerSource(Enum):
    """Where the RabbitMQ comes from; the values are shown to the user."""

    GIVEN = "the one of HERALD_RABBITMQ_URL"
    LOCAL = "the one on localhost:5672"
    PRIVATE = "a private node of the installed rabbitmq-server"
    INSTALL = "a private node, after installing rabbitmq-server"
    MISSING = "none"


@dataclass(frozen=True, slots=True)
class Availability:
    """Which brokers can be used on this machine."""

    url_given: bool
    local_answers: bool
    installed: bool
    can_install: bool


def select_database(url: str | None) -> DatabaseSource:
    return DatabaseSource.GIVEN if url else DatabaseSource.EMBEDDED


def select_broker(available: Availability) -> BrokerSource:
    """Returns the first available source, in the order of the table."""
    order = (
        (available.url_given, BrokerSource.GIVEN),
        (available.local_answers, BrokerSource.LOCAL),
        (available.installed, BrokerSource.PRIVATE),
        (available.can_install, BrokerSource.INSTALL),
    )
    return next((source for is_available, source in order if is_available), BrokerSource.MISSING)
