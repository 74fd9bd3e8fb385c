"""Which PostgreSQL and which RabbitMQ `herald up` takes: one table, in order."""

from dataclasses import dataclass
from enum import Enum


class DatabaseSource(Enum):
    GIVEN = "the one of HERALD_DATABASE_URL"
    EMBEDDED = "an embedded one"


class BrokerSource(Enum):
    GIVEN = "the one of HERALD_RABBITMQ_URL"
    LOCAL = "the one on localhost:5672"
    PRIVATE = "a private node of the installed rabbitmq-server"
    INSTALL = "a private node, after installing rabbitmq-server"
    MISSING = "none"


@dataclass(frozen=True, slots=True)
class Availability:
    """What was found on this machine."""

    url_given: bool
    local_answers: bool
    installed: bool
    can_install: bool


def select_database(url: str | None) -> DatabaseSource:
    return DatabaseSource.GIVEN if url else DatabaseSource.EMBEDDED


def select_broker(found: Availability) -> BrokerSource:
    """Takes the first that there is."""
    order = (
        (found.url_given, BrokerSource.GIVEN),
        (found.local_answers, BrokerSource.LOCAL),
        (found.installed, BrokerSource.PRIVATE),
        (found.can_install, BrokerSource.INSTALL),
    )
    return next((choice for there, choice in order if there), BrokerSource.MISSING)
