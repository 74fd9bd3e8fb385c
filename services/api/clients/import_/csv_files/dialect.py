"""The form of a CSV: how its columns are separated, what they mean, and how strictly its values are read. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from services.api.clients.import_.csv_files.encodings import Encoding

Delimiter = Literal["comma", "semicolon", "tab"]
PhoneRule = Literal["strict", "repair"]
OnEmpty = Literal["keep", "clear"]

DELIMITERS: Mapping[Delimiter, str] = {"comma": ",", "semicolon": ";", "tab": "\t"}
SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}


@dataclass(frozen=True, slots=True)
class CsvForm:
    """How a CSV is read.

    `targets` names a field for each column, or None for one that is left out; without it the header does. `default_tag`
    and `default_zone` stand for values that the file leaves out. `delimiter` None: what a line sep= says, or commas.
    """

    default_zone: str
    default_tag: str = ""
    on_empty: OnEmpty = "keep"
    encoding: Encoding = "utf-8"
    delimiter: Delimiter | None = None
    phones: PhoneRule = "strict"
    targets: Sequence[str | None] | None = None
    header: bool = True


def separator_of_line(line: bytes) -> str | None:
    """Returns the separator that a first line such as `sep=;` names, as Excel reads it; None for any other line."""
    text = line.strip(b'"').lower()
    if len(text) == 5 and text.startswith(b"sep=") and chr(text[4]) in SEPARATORS:
        return chr(text[4])
    return None
