"""Describes the operation on all events for the API's document."""

from collections.abc import Mapping

from services.api.audit import handlers as audit
from services.api.audit.responses import AllEvents
from services.api.web.operation import MADE_AT, Json, Operation, success
from services.api.web.route import Handler

EVENTS: Json = {
    "items": [
        {
            "id": 7,
            "at": MADE_AT,
            "kind": "cancelled",
            "by": "anna",
            "mailing_id": 12,
            "client_id": None,
            "request_id": "order-4711",
            "detail": {"by": "anna"},
        }
    ],
    "next": None,
}

OPERATIONS: Mapping[Handler, Operation] = {
    audit.listing: Operation(
        "listEvents",
        "events",
        "Lists what happened to mailings, clients, segments, the stop list, providers, tokens, sessions and dead "
        "letters, who signed in or failed to, and who exported what, the newest first. As CSV it is not paged.",
        {200: success("A page of events.", AllEvents, EVENTS)},
    ),
}
