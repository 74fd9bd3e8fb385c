"""What the API answers about a file that is to be imported."""

from pydantic import Field

from services.api.clients.import_.csv_files.dialect import Delimiter, PhoneRule
from services.api.clients.import_.csv_files.encodings import Encoding
from services.api.web.responses import Count, ResponseModel


class InspectedColumn(ResponseModel):
    """A column of a file, and what it seems to hold."""

    heading: str = Field(description="What stands above the column; empty without a header.")
    target: str | None = Field(description="The field or the attribute that it seems to hold; null for nothing.")
    filled: Count = Field(description="The number of rows with a value.")
    samples: list[str] = Field(description="Up to three of its values.")


class RefusedPhones(ResponseModel):
    """Phones that no repair makes right, for one reason."""

    detail: str
    count: Count


class InspectedPhones(ResponseModel):
    """What the phones of a file need."""

    as_is: Count = Field(description="Phones that are written as they must be.")
    repairable: Count = Field(description="Phones that phones=repair makes right.")
    empty: Count = Field(description="Rows without a phone.")
    repeated: Count = Field(description="Rows with a phone that came earlier in the file.")
    refused: list[RefusedPhones] = Field(description="Phones that are refused, by reason, the most frequent first.")


class ProposedImport(ResponseModel):
    """The parameters of POST /clients/import that fit a file."""

    encoding: Encoding
    delimiter: Delimiter
    header: bool
    map: str | None = Field(description="What each column holds. Null if no column holds phones: choose one.")
    phones: PhoneRule


class ImportInspection(ResponseModel):
    """How a file is written, what its columns seem to hold, and how to import it."""

    encoding: Encoding
    delimiter: Delimiter
    header: bool = Field(description="Whether the first line names the columns.")
    columns: list[InspectedColumn]
    rows: Count = Field(description="The rows that were looked at, without the header.")
    uneven: Count = Field(description="Rows with another number of values than there are columns.")
    unreadable: Count = Field(description="Lines that cannot be read at all.")
    complete: bool = Field(description="False if only the first 4 MiB of the file were looked at.")
    phones: InspectedPhones
    proposal: ProposedImport
