"""What the document says of each route, by its handler. A route that is not here gets a bare entry, and fails a test.

To document a new route: describe its models, put an example into examples.py, and add a row to a module of this folder.
"""

from collections.abc import Mapping

from services.api.access.api_docs import TOKEN
from services.api.clients.api_docs import CLIENTS
from services.api.dead_letters.api_docs import DEAD_LETTERS
from services.api.mailings.api_docs import MAILINGS
from services.api.messages.api_docs import MESSAGES
from services.api.openapi.operation import Operation, Reply
from services.api.statistics.api_docs import STATISTICS
from services.api.web.route import Handler

TAGS: Mapping[str, str] = {
    "clients": "The directory of people: one at a time, as a list, or in bulk.",
    "mailings": "What is to be sent, to whom and when. A mailing is scheduled, running, paused, finished or cancelled.",
    "messages": "One mailing to one client, read only: what became of it, attempt by attempt.",
    "statistics": "Counts that always equal what the messages say.",
    "token": "The token that a request comes with.",
    "dead-letters": "What no process could work on, and jobs of messages whose attempts are used up. For admins.",
    "about": "This API about itself. No token is needed.",
}

OPERATIONS: Mapping[Handler, Operation] = {**CLIENTS, **MAILINGS, **MESSAGES, **STATISTICS, **TOKEN, **DEAD_LETTERS}


def bare(handler: Handler, path: str, summary: str) -> Operation:
    """The entry of a route that nobody has documented yet."""
    name = f"{handler.__module__.rpartition('.')[2]}_{handler.__name__}"
    return Operation(name, path.split("/")[1], f"{summary}.", {200: Reply("Done.")})
