"""The query parameters of the list of all events."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from services.api.web.field_types import PRINTABLE_PATTERN, Moment, printable
from services.api.web.queries import PageQuery

_SHOWN = {"pattern": PRINTABLE_PATTERN}


class EventsQuery(PageQuery):
    by: (
        Annotated[str, Field(min_length=1, max_length=300, json_schema_extra=_SHOWN), AfterValidator(printable)] | None
    ) = Field(
        default=None,
        description="Only events of this actor: the name of a token, oidc: and a person, command: and a user of the "
        "command line, provider: and a name, or nobody.",
    )
    kind: (
        Annotated[str, Field(min_length=1, max_length=40, json_schema_extra=_SHOWN), AfterValidator(printable)] | None
    ) = Field(default=None, description="Only events of this kind, such as cancelled or signed_in.")
    since: Moment | None = Field(default=None, description="Only events at this moment or later.")
    until: Moment | None = Field(default=None, description="Only events before this moment.")
    spreadsheet: Literal["excel"] | None = Field(
        default=None,
        alias="for",
        description="For CSV: excel writes semicolons, a byte order mark, and no cell that a spreadsheet would run.",
    )
