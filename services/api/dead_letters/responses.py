"""What the API answers about dead letters."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from services.api.web.responses import Count, Next, ResponseModel


class DeadLetter(ResponseModel):
    """A body in a dead queue. The ids are null where it does not concern exactly one mailing or one message."""

    id: Annotated[
        str,
        Field(
            description="The id of the letter. It stays the same for as long as the letter is in its queue.",
            json_schema_extra={"pattern": "^[0-9a-f]{16}$"},
        ),
    ]
    queue: str
    reason: str = Field(description="Why the letter is dead.")
    mailing_id: int | None
    message_id: int | None
    at: datetime | None = Field(description="When it was dead-lettered, or null if that is unknown.")


class DeadLetters(ResponseModel):
    """A page of dead letters."""

    items: list[DeadLetter]
    next: Next


class LetterError(ResponseModel):
    """A letter that was refused, with the reason."""

    id: str
    detail: str


class Replayed(ResponseModel):
    """The result of a replay. Refused letters stay in their queues."""

    replayed: Count
    refused: Count
    errors: list[LetterError] = Field(description="The first 100 refused letters, with their reasons.")


class Dropped(ResponseModel):
    """The number of dropped dead letters."""

    dropped: Count
