"""What goes wrong with RabbitMQ, and what to change then."""

from collections.abc import Mapping

import aiormq
from structlog.typing import FilteringBoundLogger

from shared.amqp import AccessRefused, AmqpError, ObjectDiffers, ObjectMissing
from shared.logs import RepeatedCauses
from shared.waiting import nameless

BROKER_OUTAGES = (AmqpError, aiormq.exceptions.AMQPError, OSError, TimeoutError, RuntimeError)
# What to do about a refusal of the broker, for the log and for the reasons in /readyz.
REFUSED_HINT = "check the user, the password and the virtual host of HERALD_RABBITMQ_URL"
CONFLICT_HINT = "give every process the same HERALD_RETRY_DELAYS, or delete the queue that differs"
RIGHTS_HINT = "give the user of HERALD_RABBITMQ_URL the rights that deploy/README.md lists"
MISSING_HINT = "run `herald topology`, or set HERALD_DECLARE=on"


class BrokerAway(ConnectionError):
    """No node answers. The text names each node and its error."""


class BrokerRefused(ConnectionError):
    """No node can be used, and at least one refuses the user, the password or the virtual host. The text names it."""


REMEDIES: Mapping[type[BaseException], str] = {
    BrokerRefused: REFUSED_HINT,
    ObjectDiffers: CONFLICT_HINT,
    AccessRefused: RIGHTS_HINT,
    ObjectMissing: MISSING_HINT,
}


def describe(error: BaseException) -> str:
    """Returns the text of a broker's error, in one line. Some have it in their arguments, and some have none."""
    if isinstance(error, aiormq.exceptions.ConnectionClosed):
        return " ".join(str(part) for part in error.args)
    return str(error).partition("\n")[0] or nameless(error)


def with_remedy(error: BaseException, remedy: str) -> str:
    """Returns the text of an error and what to change, for /readyz."""
    return f"{describe(error)}: {remedy}"


def log_failure(log: FilteringBoundLogger, error: BaseException, repeats: RepeatedCauses) -> str:
    """Logs why a connection cannot be used, once a minute, and returns it for /readyz, with what to change."""
    detail, variable = describe(error), "HERALD_RABBITMQ_URL"
    reason, remedy = _explain(error)
    times = repeats.count(detail)
    if not times:
        return reason
    match error:
        case BrokerRefused():
            log.error("broker refused the connection", detail=detail, variable=variable, remedy=remedy, times=times)
        case ObjectDiffers():
            log.error("topology conflict", detail=detail, variable="HERALD_RETRY_DELAYS", remedy=remedy, times=times)
        case AccessRefused():
            log.error("broker rights are missing", detail=detail, variable=variable, remedy=remedy, times=times)
        case ObjectMissing():
            log.error("topology is missing", detail=detail, variable="HERALD_DECLARE", remedy=remedy, times=times)
        case _:
            log.warning("waiting for the broker", detail=detail, times=times)
    return reason


def _explain(error: BaseException) -> tuple[str, str]:
    """Returns the reason for /readyz, and what to change; nothing for a broker that is away."""
    for kind, remedy in REMEDIES.items():
        if isinstance(error, kind):
            return with_remedy(error, remedy), remedy
    return describe(error), ""
