"""What the API answers about dead letters."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from services.api.web.responses import Count, Next, ResponseModel


class DeadLetter(ResponseModel):
    """What waits in a dead queue. The ids are null where it is not about one mailing or one message."""

    id: Annotated[
        str,
        Field(
            description="It stays the same for as long as the letter waits.",
            json_schema_extra={"pattern": "^[0-9a-f]{16}$"},
        ),
    ]
    queue: str
    reason: str = Field(description="Why it is dead.")
    mailing_id: int | None
    message_id: int | None
    at: datetime | None = Field(description="When it was buried, or null where nobody noted it.")


class DeadLetters(ResponseModel):
    """A page of dead letters."""

    items: list[DeadLetter]
    next: Next


class LetterError(ResponseModel):
    """A letter that was not replayed, and why."""

    id: str
    detail: str


class Replayed(ResponseModel):
    """Refused letters stay where they are."""

    replayed: Count
    refused: Count
    errors: list[LetterError] = Field(description="Why letters were refused, of the first 100.")


class Dropped(ResponseModel):
    """How many dead letters were dropped."""

    dropped: Count
