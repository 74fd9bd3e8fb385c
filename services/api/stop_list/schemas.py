"""What callers send about the stop list."""

from typing import Annotated, Literal

from pydantic import Field

from services.api.web.bodies import BodyModel
from services.api.web.field_types import PRINTABLE_PATTERN, Phone, label, left_out
from services.api.web.queries import PageQuery, QueryModel

# provider: a provider said that the recipient wants nothing.
Source = Literal["api", "file", "console", "command", "provider"]
Reason = Annotated[
    str,
    Field(
        max_length=200,
        description="Why, in your own words, without the phone.",
        examples=["asked by phone"],
        json_schema_extra={"pattern": PRINTABLE_PATTERN},
    ),
    label(200),
]


class SuppressionNew(BodyModel):
    """A phone to put on the stop list."""

    phone: Phone
    reason: Reason = left_out("")
    source: Literal["api", "console", "command"] = left_out("api", "Through what it came. Defaults to api.")


class SuppressionsQuery(PageQuery):
    phone: Phone | None = Field(default=None, description="Only the entry of this phone.")


class SuppressionExportQuery(QueryModel):
    spreadsheet: Literal["excel"] | None = Field(
        default=None,
        alias="for",
        description="excel writes semicolons, a byte order mark, and no cell that a spreadsheet would run.",
    )
