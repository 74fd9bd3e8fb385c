"""The directory."""

from datetime import datetime

from pydantic import Field

from services.api.answers.parts import Answer, CodeShown, Count, Id, Next, PhoneShown


class Client(Answer):
    """A person in the directory."""

    id: Id
    phone: PhoneShown
    operator_code: CodeShown
    tag: str
    timezone: str = Field(description="An IANA time zone.")
    created_at: datetime
    updated_at: datetime


class Clients(Answer):
    """A page of clients."""

    items: list[Client]
    next: Next


class LineError(Answer):
    """A line of an import that was rejected."""

    line: int = Field(description="The number of the line, from 1; the header counts.")
    detail: str


class ImportReport(Answer):
    """What became of the lines of an import."""

    created: Count
    updated: Count
    skipped: Count
    rejected: Count
    errors: list[LineError] = Field(description="The first 100 rejected lines.")
