"""What callers send about clients: bodies and query parameters."""

from typing import Literal

from pydantic import Field

from services.api.web.bodies import BodyModel
from services.api.web.field_types import OperatorCode, Phone, Tag, Zone, left_out
from services.api.web.queries import PageQuery, QueryModel


# with_defaults in handlers.py fills in what is left out.
class ClientNew(BodyModel):
    """A client to add, or to put in another's place."""

    phone: Phone
    operator_code: OperatorCode = left_out(
        "", "The code of the client's mobile operator. Left out, it is digits 2 to 4 of the phone."
    )
    tag: Tag = ""
    timezone: Zone = left_out("", "The client's IANA time zone. Left out, it is the default of the installation.")


class ClientPatch(BodyModel):
    """What to change of a client: only the fields that are given."""

    phone: Phone = left_out("")
    operator_code: OperatorCode = left_out("", "The code of the client's mobile operator. A new phone leaves it.")
    tag: Tag = left_out("")
    timezone: Zone = left_out("")


class ClientsFilter(QueryModel):
    operator_code: OperatorCode | None = Field(default=None, description="Only clients with this operator code.")
    tag: Tag | None = Field(default=None, description="Only clients with this tag; empty for those without one.")
    phone: Phone | None = Field(default=None, description="Only the client with this phone.")


class ClientsQuery(ClientsFilter, PageQuery):
    pass


class ImportQuery(QueryModel):
    on_conflict: Literal["update", "skip"] = Field(
        default="update", description="What becomes of a client whose phone is there: updated, or left as it is."
    )
