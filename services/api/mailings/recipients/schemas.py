"""What callers ask when they send a file of recipients, in its query."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from services.api.clients.import_.csv_files.dialect import CsvForm, Delimiter, PhoneRule
from services.api.clients.import_.csv_files.encodings import Encoding
from services.api.clients.import_.csv_files.targets import PREFIX, read_map
from services.api.web.problems import InvalidValue, invalid
from services.api.web.queries import QueryBool, QueryModel


def _phone_and_values(text: str) -> str:
    if any(name not in {None, "phone"} and not name.startswith(PREFIX) for name in read_map(text)):
        raise ValueError("must name phone, attributes.NAME, or - for nothing")
    return text


class RecipientsQuery(QueryModel):
    on_error: Literal["refuse", "skip"] = Field(
        default="refuse",
        description="What one wrong line does: refuse the whole file, so that nothing is stored, or be left out.",
    )
    encoding: Encoding = Field(default="utf-8", description="The encoding of a CSV, as for POST /clients/import.")
    delimiter: Delimiter | None = Field(
        default=None,
        description="What separates the values of a CSV. Left out: what a first line `sep=` says, or commas.",
    )
    header: QueryBool = Field(
        default=True, description="False for a CSV whose first line is a recipient: `map` must name its columns."
    )
    map: Annotated[str, Field(min_length=1, max_length=8000), AfterValidator(_phone_and_values)] | None = Field(
        default=None,
        description="What the columns of a CSV hold, in their order, separated by commas: phone, attributes.NAME for "
        "the value of {{NAME}}, or - for nothing. Left out, the header names phone and the values.",
    )
    phones: PhoneRule = Field(
        default="strict", description="How the phones of a CSV may be written, as for POST /clients/import."
    )


def form_of(query: RecipientsQuery, default_zone: str) -> CsvForm:
    """Returns the form of a CSV. Raises a 422 problem if nothing names its columns."""
    if query.map is None and not query.header:
        raise invalid(InvalidValue(("query", "map"), "is required with header=false"))
    return CsvForm(
        default_zone=default_zone,
        encoding=query.encoding,
        delimiter=query.delimiter,
        phones=query.phones,
        targets=None if query.map is None else read_map(query.map),
        header=query.header,
    )
