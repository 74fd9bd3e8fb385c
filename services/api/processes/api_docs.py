"""Describes the operation on processes for the API's document."""

from collections.abc import Mapping

from services.api.processes import handlers as processes
from services.api.processes.responses import ProcessesShown
from services.api.web.operation import MADE_AT, SENT_AT, Json, Operation, success
from services.api.web.route import Handler

DISPATCHER: Json = {
    "process": "dispatcher 12 at node-1",
    "version": "0.2.0",
    "started_at": MADE_AT,
    "seen_at": SENT_AT,
    "settings": {"HERALD_MAX_ATTEMPTS": "8"},
    "limits": {"HERALD_DISPATCHER_CONCURRENCY": "100"},
}

OPERATIONS: Mapping[Handler, Operation] = {
    processes.listing: Operation(
        "listProcesses",
        "health",
        "Lists the processes that run, with their versions, the settings that should be equal in all, and their "
        "limits. One that died is listed for up to a minute.",
        {200: success("The processes.", ProcessesShown, {"items": [DISPATCHER]})},
    ),
}
