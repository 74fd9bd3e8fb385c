"""What the API answers about the stop list."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from services.api.stop_list.schemas import Source
from services.api.web.responses import Count, Id, Next, ResponseModel


class Suppression(ResponseModel):
    """An entry of the stop list. It holds no phone: that is known only while a client has it."""

    id: Id
    client_id: Id | None = Field(description="The client who has the phone now, or null.")
    phone: Annotated[str, Field(json_schema_extra={"pattern": "^7[0-9]{10}$"})] | None = Field(
        description="The phone of that client, or null."
    )
    reason: str
    source: Source
    since: datetime
    added_by: str = Field(description="The name of the token with which it was added.")


class Suppressions(ResponseModel):
    """A page of the stop list."""

    items: list[Suppression]
    next: Next


class RefusedLine(ResponseModel):
    """A line that is no phone."""

    line: int = Field(description="The number of the line, from 1. The header counts as a line.")
    detail: str


class SuppressionImport(ResponseModel):
    """What an import into the stop list did."""

    added: Count = Field(description="New entries.")
    present: Count = Field(description="Phones of the file that were on the list before it.")
    repeated: Count = Field(description="Lines with a phone that came earlier in the file; the first line counts.")
    rejected: Count = Field(description="Lines that are no phones.")
    errors: list[RefusedLine] = Field(description="The first 100 rejected lines.")
