"""What the API answers about clients."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from services.api.web.responses import Count, Id, Next, ResponseModel

PhoneShown = Annotated[str, Field(json_schema_extra={"pattern": "^7[0-9]{10}$"})]
CodeShown = Annotated[str, Field(json_schema_extra={"pattern": "^[0-9]{3}$"})]


class Client(ResponseModel):
    """A person in the directory."""

    id: Id
    phone: PhoneShown
    operator_code: CodeShown
    tag: str
    timezone: str = Field(description="An IANA time zone.")
    created_at: datetime
    updated_at: datetime


class Clients(ResponseModel):
    """A page of clients."""

    items: list[Client]
    next: Next


class LineError(ResponseModel):
    """A rejected line of an import."""

    line: int = Field(description="The number of the line, from 1. The header counts as a line.")
    detail: str


class ImportReport(ResponseModel):
    """The number of clients that an import created, updated and skipped, and of lines that it rejected."""

    created: Count
    updated: Count
    skipped: Count
    rejected: Count
    errors: list[LineError] = Field(description="The first 100 rejected lines.")
