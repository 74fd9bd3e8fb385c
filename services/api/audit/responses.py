"""What the API answers about the history of a mailing or a client."""

from datetime import datetime
from typing import Any

from pydantic import Field

from services.api.web.responses import Next, ResponseModel


class Event(ResponseModel):
    """Something that happened."""

    at: datetime
    kind: str = Field(description="What happened, in a word: created, updated, paused, finished and so on.")
    request_id: str | None = Field(description="The X-Request-ID of the request that did it, or null.")
    detail: dict[str, Any] = Field(description="More of it: for updated, the names of the fields. Never values.")


class Events(ResponseModel):
    """A page of what happened, in time order."""

    items: list[Event]
    next: Next
