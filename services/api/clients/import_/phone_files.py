"""How a CSV of phones is written, as a query says: what files of recipients and of the stop list have in common."""

from pydantic import Field

from services.api.clients.import_.csv_files.dialect import CsvForm, Delimiter, PhoneRule
from services.api.clients.import_.csv_files.encodings import Encoding
from services.api.clients.import_.csv_files.targets import read_map
from services.api.web.problems import InvalidValue, invalid
from services.api.web.queries import QueryBool, QueryModel


class PhoneFileQuery(QueryModel):
    encoding: Encoding = Field(default="utf-8", description="The encoding of a CSV, as for POST /clients/import.")
    delimiter: Delimiter | None = Field(
        default=None,
        description="What separates the values of a CSV. Left out: what a first line `sep=` says, or commas.",
    )
    header: QueryBool = Field(
        default=True, description="False for a CSV whose first line is a phone: `map` must name its columns."
    )
    phones: PhoneRule = Field(
        default="strict", description="How the phones of a CSV may be written, as for POST /clients/import."
    )


def form_of(query: PhoneFileQuery, columns: str | None, default_zone: str) -> CsvForm:
    """Returns the form of a CSV with a map of its columns. Raises a 422 problem if nothing names them."""
    if columns is None and not query.header:
        raise invalid(InvalidValue(("query", "map"), "is required with header=false"))
    return CsvForm(
        default_zone=default_zone,
        encoding=query.encoding,
        delimiter=query.delimiter,
        phones=query.phones,
        targets=None if columns is None else read_map(columns),
        header=query.header,
    )
