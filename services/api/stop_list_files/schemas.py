"""What callers ask when they send a file of phones for the stop list, in its query."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, Field

from services.api.clients.import_.csv_files.targets import NOTHING, read_map
from services.api.clients.import_.phone_files import PhoneFileQuery
from services.api.stop_list.schemas import Reason
from services.api.web.field_types import PRINTABLE_PATTERN

# The columns of a file, and what they are to the reader of clients' files.
COLUMNS: Mapping[str, str] = {"phone": "phone", "reason": "attributes.reason"}


def map_of(text: str) -> str:
    """Returns a map of phones and reasons as the reader of clients' files takes it. Raises ValueError."""
    names = [name.strip() for name in text.split(",")]
    if not set(names) <= {*COLUMNS, NOTHING}:
        raise ValueError("must name phone, reason, or - for nothing")
    written = ",".join(COLUMNS.get(name, name) for name in names)
    read_map(written)
    return written


class SuppressionImportQuery(PhoneFileQuery):
    map: Annotated[str, Field(min_length=1, max_length=8000), AfterValidator(map_of)] | None = Field(
        default=None,
        description="What the columns of a CSV hold, in their order, separated by commas: phone, reason, or - for "
        "nothing. Left out, the header names phone and, if wanted, reason.",
    )
    reason: Reason = Field(
        default="",
        description="The reason of lines that give none.",
        json_schema_extra={"pattern": PRINTABLE_PATTERN},
    )
