"""The descriptions of all operations, by handler. A route without one gets a bare entry, and fails a test.

To document a new route: describe its models, and add a row with an example to the api_docs of its feature.
"""

from collections.abc import Mapping

from services.api.access import api_docs as access
from services.api.audit import api_docs as audit
from services.api.clients import api_docs as clients
from services.api.dead_letters import api_docs as dead_letters
from services.api.health import api_docs as health
from services.api.mailings import api_docs as mailings
from services.api.messages import api_docs as messages
from services.api.processes import api_docs as processes
from services.api.providers import api_docs as providers
from services.api.segments import api_docs as segments
from services.api.sign_in import api_docs as sign_in
from services.api.statistics import api_docs as statistics
from services.api.stop_list import api_docs as stop_list
from services.api.stop_list_files import api_docs as stop_list_files
from services.api.test_sends import api_docs as test_sends
from services.api.tokens import api_docs as tokens
from services.api.web.operation import Operation, Success
from services.api.web.route import Handler

TAGS: Mapping[str, str] = {
    "clients": "The directory of clients: one at a time, as a list, or in bulk.",
    "segments": "Filters that are saved under a name: trees of conditions on clients.",
    "suppressions": "The stop list: phones that get nothing, whatever file they come back in.",
    "mailings": "A mailing sends one text to every client that matches its filter, between its start and its end. It "
    "is a draft, scheduled, running, paused, finished or cancelled.",
    "test-sends": "A text goes to a few phones by the way of every message, and counts nowhere.",
    "messages": "A message is one mailing to one client. Read only: its status, and every attempt to send it.",
    "statistics": "Counts of mailings and messages. They always equal the counts of the messages themselves.",
    "health": "Whether the whole works, what needs attention and what comes next, and which processes run.",
    "providers": "The services that send the messages: their state, and which of them are drained.",
    "token": "The request's own token, the tokens of all, and the sessions of people.",
    "events": "What happened to everything, and by whom. For admins.",
    "dead-letters": "Queue bodies that no process could handle, and jobs of messages whose attempts are used up. For "
    "admins.",
    "about": "The API itself. No token is needed.",
}

OPERATIONS: Mapping[Handler, Operation] = {
    **clients.OPERATIONS,
    **segments.OPERATIONS,
    **stop_list.OPERATIONS,
    **stop_list_files.OPERATIONS,
    **mailings.OPERATIONS,
    **messages.OPERATIONS,
    **statistics.OPERATIONS,
    **health.OPERATIONS,
    **providers.OPERATIONS,
    **test_sends.OPERATIONS,
    **processes.OPERATIONS,
    **access.OPERATIONS,
    **tokens.OPERATIONS,
    **sign_in.OPERATIONS,
    **audit.OPERATIONS,
    **dead_letters.OPERATIONS,
}


def bare(handler: Handler, path: str, summary: str) -> Operation:
    """Returns the entry of a route that is not documented yet."""
    name = f"{handler.__module__.rpartition('.')[2]}_{handler.__name__}"
    return Operation(name, path.split("/")[1], f"{summary}.", {200: Success("Done.")})
