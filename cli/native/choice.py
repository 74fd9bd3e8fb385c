"""Which PostgreSQL and which RabbitMQ `herald up` takes: one table, in order."""

from dataclasses import dataclass
from enum import Enum


class Database(Enum):
    GIVEN = "the one of HERALD_DATABASE_URL"
    EMBEDDED = "an embedded one"


class Broker(Enum):
    GIVEN = "the one of HERALD_RABBITMQ_URL"
    LOCAL = "the one on localhost:5672"
    PRIVATE = "a private node of the installed rabbitmq-server"
    INSTALL = "a private node, after installing rabbitmq-server"
    MISSING = "none"


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found on this machine."""

    url_given: bool
    local_answers: bool
    installed: bool
    can_install: bool


def choose_database(url: str | None) -> Database:
    return Database.GIVEN if url else Database.EMBEDDED


def choose_broker(found: Findings) -> Broker:
    """Takes the first that there is."""
    order = (
        (found.url_given, Broker.GIVEN),
        (found.local_answers, Broker.LOCAL),
        (found.installed, Broker.PRIVATE),
        (found.can_install, Broker.INSTALL),
    )
    return next((choice for there, choice in order if there), Broker.MISSING)
