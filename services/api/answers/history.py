"""What happened, and who is asking."""

from datetime import datetime
from typing import Any

from pydantic import Field

from services.api.answers.parts import Answer, Next
from shared.statuses import Role


class Event(Answer):
    """Something that happened."""

    at: datetime
    kind: str = Field(description="What happened, in a word: created, updated, paused, finished and so on.")
    request_id: str | None = Field(description="The X-Request-ID of the request that did it, or null.")
    detail: dict[str, Any] = Field(description="More of it: for updated, the names of the fields. Never values.")


class Events(Answer):
    """A page of what happened, in time order."""

    items: list[Event]
    next: Next


class Token(Answer):
    """Whose token it is, and what it may do."""

    name: str = Field(
        description="The name it was created under. Those with a colon are no tokens of the table: env:admin is "
        "HERALD_ADMIN_TOKEN, env:anybody is everybody where authentication is off."
    )
    role: Role = Field(description="Each role may do what the roles before it may: viewer, operator, admin.")
