"""What callers ask of an import, in its query."""

from typing import Annotated

from pydantic import AfterValidator, Field

from services.api.clients.import_.batch import OnConflict
from services.api.clients.import_.csv_files.dialect import CsvForm, Delimiter, OnEmpty, PhoneRule
from services.api.clients.import_.csv_files.encodings import Encoding
from services.api.clients.import_.csv_files.targets import read_map
from services.api.clients.import_.csv_files.zone_names import ZoneNames
from services.api.web.field_types import Tag
from services.api.web.problems import InvalidValue, invalid
from services.api.web.queries import QueryBool, QueryModel
from services.api.web.reading.parsing import Zones


def _checked_map(text: str) -> str:
    read_map(text)
    return text


class ImportQuery(QueryModel):
    on_conflict: OnConflict = Field(
        default="update",
        description="What to do with a client whose phone is in the directory already: update it, or leave it as it "
        "is. Of lines with the same phone the last one counts, or with skip the first.",
    )
    on_empty: OnEmpty = Field(
        default="keep",
        description="What an empty value of a CSV does to a client who is in the directory: keep what is there, or "
        "clear it, which removes tags, the external id and the attribute of a column, and sets the operator code of "
        "the phone and the default time zone.",
    )
    encoding: Encoding = Field(
        default="utf-8",
        description="The encoding of a CSV. A byte order mark of UTF-8 or UTF-16 is heeded without it.",
    )
    delimiter: Delimiter | None = Field(
        default=None,
        description="What separates the values of a CSV. Left out: what a first line `sep=` says, or commas.",
    )
    header: QueryBool = Field(
        default=True, description="False for a CSV whose first line is a client: `map` must name its columns."
    )
    map: Annotated[str, Field(min_length=1, max_length=8000), AfterValidator(_checked_map)] | None = Field(
        default=None,
        description="What the columns of a CSV hold, in their order, separated by commas: a field of a client, "
        "attributes.NAME (a text, or with :number behind it a number), or - for nothing. Left out, the header names "
        "the fields. POST /clients/import/inspect proposes a map.",
    )
    phones: PhoneRule = Field(
        default="strict",
        description="How the phones of a CSV may be written: strict takes 7 and ten digits. Repair also takes +7, 8 or "
        "7 with ten digits, or ten digits that begin with 9, with blanks, dots, dashes and brackets between them and "
        "an apostrophe in front.",
    )
    default_tag: Tag = Field(default="", description="The tag of new clients whose line of a CSV has none.")
    default_timezone: Annotated[str, Field(min_length=1, max_length=64)] | None = Field(
        default=None,
        description="The time zone of new clients whose line of a CSV has none.",
        json_schema_extra={"format": "iana-time-zone"},
    )
    refused: QueryBool = Field(
        default=False,
        description="True returns the refused lines of a CSV as a CSV with reasons, to be mended and sent again.",
    )


def form_of(query: ImportQuery, zones: Zones, default_zone: str) -> CsvForm:
    """Returns the form of a CSV. Raises a 422 problem for a zone that nobody knows, and for no names at all."""
    zone = default_zone if query.default_timezone is None else ZoneNames(zones).read(query.default_timezone)
    if zone is None:
        raise invalid(InvalidValue(("query", "default_timezone"), "must be an IANA time zone, such as Europe/Moscow"))
    if query.map is None and not query.header:
        raise invalid(InvalidValue(("query", "map"), "is required with header=false"))
    return CsvForm(
        default_zone=zone,
        default_tag=query.default_tag,
        on_empty=query.on_empty,
        encoding=query.encoding,
        delimiter=query.delimiter,
        phones=query.phones,
        targets=None if query.map is None else read_map(query.map),
        header=query.header,
    )
