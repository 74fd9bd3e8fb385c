"""Describes the operations on the health of the whole for the API's document."""

from collections.abc import Mapping

from services.api.health import handlers as health
from services.api.health.responses import HealthShown, Overview
from services.api.mailings.api_docs import SENDING
from services.api.providers.api_docs import PROVIDER
from services.api.web.operation import MADE_AT, Json, Operation, success
from services.api.web.route import Handler

HEALTH: Json = {
    "at": MADE_AT,
    "activity": SENDING,
    "dispatchers": 1,
    "providers": [PROVIDER],
    "broker": "up",
    "running": 1,
    "backlog": 1200,
    "rate": 48.5,
    "oldest_job_seconds": 0.4,
    "dead_letters": 0,
}
OVERVIEW: Json = {
    "at": MADE_AT,
    "last_day": [{"at": "2035-01-30T09:00:00Z", "sent": 900, "failed": 60}],
    "attention": [
        {"code": "failing", "mailing_id": 1, "title": "Orders", "count": 60, "share": 0.063, "at": MADE_AT},
    ],
    "upcoming": [{"mailing_id": 2, "title": "Orders of January", "what": "starts", "at": "2035-01-30T12:00:00Z"}],
}

OPERATIONS: Mapping[Handler, Operation] = {
    health.show: Operation(
        "showHealth",
        "health",
        "Shows whether the whole works: the dispatchers and the providers, RabbitMQ, the backlog, the rate, the oldest "
        "job that waits, and the dead letters. It is read once a second at most, however many ask.",
        {200: success("The health.", HealthShown, HEALTH)},
    ),
    health.overview: Operation(
        "showOverview",
        "health",
        "Shows what became final in the last 24 hours, what needs attention, and which mailings start or end next. It "
        "is read every five seconds at most, however many ask.",
        {200: success("The overview.", Overview, OVERVIEW)},
    ),
}
