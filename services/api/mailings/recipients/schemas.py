"""What callers ask when they send a file of recipients, in its query."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from services.api.clients.import_.csv_files.targets import PREFIX, read_map
from services.api.clients.import_.phone_files import PhoneFileQuery


def _phone_and_values(text: str) -> str:
    if any(name not in {None, "phone"} and not name.startswith(PREFIX) for name in read_map(text)):
        raise ValueError("must name phone, attributes.NAME, or - for nothing")
    return text


class RecipientsQuery(PhoneFileQuery):
    on_error: Literal["refuse", "skip"] = Field(
        default="refuse",
        description="What one wrong line does: refuse the whole file, so that nothing is stored, or be left out.",
    )
    map: Annotated[str, Field(min_length=1, max_length=8000), AfterValidator(_phone_and_values)] | None = Field(
        default=None,
        description="What the columns of a CSV hold, in their order, separated by commas: phone, attributes.NAME for "
        "the value of {{NAME}}, or - for nothing. Left out, the header names phone and the values.",
    )
