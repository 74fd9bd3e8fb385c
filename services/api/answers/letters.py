"""Dead letters, and what became of them."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from services.api.answers.parts import Answer, Count, Next


class DeadLetter(Answer):
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


class DeadLetters(Answer):
    """A page of dead letters."""

    items: list[DeadLetter]
    next: Next


class LetterError(Answer):
    """A letter that was not replayed, and why."""

    id: str
    detail: str


class Replayed(Answer):
    """Refused letters stay where they are."""

    replayed: Count
    refused: Count
    errors: list[LetterError] = Field(description="Why letters were refused, of the first 100.")


class Dropped(Answer):
    """How many dead letters were dropped."""

    dropped: Count
