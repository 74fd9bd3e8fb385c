"""Describes the operations on sessions for the API's document."""

from collections.abc import Mapping

from services.api.sign_in import sessions
from services.api.sign_in.responses import Sessions
from services.api.web.operation import MADE_AT, NO_CONTENT, SENT_AT, Json, Operation, success
from services.api.web.route import Handler

SESSIONS: Json = {
    "items": [
        {
            "id": 1,
            "name": "oidc:anna@example.org",
            "role": "operator",
            "created_at": MADE_AT,
            "seen_at": SENT_AT,
            "expires_at": SENT_AT,
        }
    ]
}

OPERATIONS: Mapping[Handler, Operation] = {
    sessions.listing: Operation(
        "listSessions",
        "token",
        "Lists the sessions of people who signed in by OpenID Connect, without those that are over.",
        {200: success("The sessions, the newest first.", Sessions, SESSIONS)},
    ),
    sessions.revoke: Operation(
        "revokeSession",
        "token",
        "Ends a session at once: its next request is answered with 401.",
        {204: NO_CONTENT},
    ),
}
