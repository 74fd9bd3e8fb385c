"""What the API answers about the history of a mailing or a client."""

from datetime import datetime
from typing import Any

from pydantic import Field

from services.api.web.responses import Next, ResponseModel


class Event(ResponseModel):
    """An event in the history of a mailing or a client."""

    at: datetime
    kind: str = Field(description="The kind of event: created, updated, paused, finished and so on.")
    request_id: str | None = Field(description="The X-Request-ID of the request that caused it, or null.")
    detail: dict[str, Any] = Field(
        description="Details of the event: for updated, the names of the fields that changed. Never their values."
    )


class Events(ResponseModel):
    """A page of events, in time order."""

    items: list[Event]
    next: Next


class AnyEvent(ResponseModel):
    """An event of anything: a mailing, a client, the stop list, a token, a session, an export and so on."""

    id: int
    at: datetime
    kind: str
    by: str | None = Field(description="Who did it; null for what the planner did, and for what was not recorded.")
    mailing_id: int | None
    client_id: int | None
    request_id: str | None
    detail: dict[str, Any]


class AllEvents(ResponseModel):
    """A page of events, the newest first."""

    items: list[AnyEvent]
    next: Next
