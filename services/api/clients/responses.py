"""What the API answers about clients."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from services.api.clients.attributes import AttributesShown
from services.api.web.responses import Count, Id, Next, ResponseModel
from services.api.web.versions import VersionedModel

PhoneShown = Annotated[str, Field(json_schema_extra={"pattern": "^7[0-9]{10}$"})]
CodeShown = Annotated[str, Field(json_schema_extra={"pattern": "^[0-9]{3}$"})]


class Client(VersionedModel):
    """A person in the directory."""

    id: Id
    phone: PhoneShown
    operator_code: CodeShown
    tag: str = Field(description="The first of the tags, or empty.")
    tags: list[str]
    timezone: str = Field(description="An IANA time zone.")
    external_id: str | None = Field(description="The id of the client in another system, or null.")
    attributes: AttributesShown
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
    """What an import did: each line of the file is counted once."""

    created: Count = Field(description="New clients.")
    updated: Count = Field(description="Clients of whom a field changed.")
    unchanged: Count = Field(description="Clients who had all these values already.")
    skipped: Count = Field(description="Clients left as they are, as on_conflict=skip asks.")
    repeated: Count = Field(
        description="Lines with a phone that came earlier in the file. The last of them counts; with on_conflict=skip "
        "the first."
    )
    rejected: Count = Field(description="Lines that are no clients.")
    errors: list[LineError] = Field(description="The first 100 rejected lines.")
    refused_csv: str | None = Field(
        description="With refused=true, the rejected lines of a CSV with their numbers and reasons, as a CSV that can "
        "be mended and sent again; else null."
    )
    refused_left_out: Count = Field(description="The number of rejected lines that refused_csv has no room for.")
