"""What callers send about clients: bodies and query parameters."""

from typing import Literal

from pydantic import Field

from services.api.web.bodies import BodyModel
from services.api.web.field_types import OperatorCode, Phone, Tag, Zone, left_out
from services.api.web.queries import PageQuery, QueryBool, QueryModel


# with_defaults in handlers.py fills in what is left out.
class ClientNew(BodyModel):
    """A client to add, or to replace another with."""

    phone: Phone
    operator_code: OperatorCode = left_out(
        "", "The code of the client's mobile operator. Defaults to digits 2 to 4 of the phone."
    )
    tag: Tag = left_out("", "A label of your choice. Defaults to none.")
    timezone: Zone = left_out(
        "", "The client's IANA time zone. Defaults to HERALD_DEFAULT_TIMEZONE of the installation."
    )


class ClientPatch(BodyModel):
    """The fields of a client to change. Fields that are left out stay as they are."""

    phone: Phone = left_out("")
    operator_code: OperatorCode = left_out(
        "", "The code of the client's mobile operator. A new phone does not change it."
    )
    tag: Tag = left_out("")
    timezone: Zone = left_out("")


class ClientsFilter(QueryModel):
    operator_code: OperatorCode | None = Field(default=None, description="Only clients with this operator code.")
    tag: Tag | None = Field(
        default=None, description="Only clients with this tag. An empty value matches clients without a tag."
    )
    phone: Phone | None = Field(default=None, description="Only the client with this phone.")


class ClientsQuery(ClientsFilter, PageQuery):
    pass


class ExportQuery(ClientsFilter):
    with_id: QueryBool = Field(default=False, description="For CSV: true adds a column with the id of each client.")
    spreadsheet: Literal["excel"] | None = Field(
        default=None,
        alias="for",
        description="For CSV: excel writes semicolons, a byte order mark, the id, and no cell that a spreadsheet would "
        "run. The import does not read this form.",
    )


class ImportQuery(QueryModel):
    on_conflict: Literal["update", "skip"] = Field(
        default="update",
        description="What to do with a client whose phone is in the directory already: update it, or leave it as it "
        "is.",
    )
    on_empty: Literal["keep", "clear"] = Field(
        default="keep",
        description="What an empty value of a CSV does to a client who is in the directory: keep what is there, or "
        "clear it, which sets an empty tag, the operator code of the phone, and the default time zone.",
    )
