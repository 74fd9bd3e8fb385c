"""What callers send about clients: bodies and query parameters."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError, ValidationInfo

from services.api.clients.attributes import AttributesChange, AttributesNew
from services.api.web.bodies import BodyModel
from services.api.web.field_types import ExternalId, OperatorCode, Phone, Tag, Tags, Zone, left_out
from services.api.web.problems import invalid
from services.api.web.queries import PageQuery, QueryBool, QueryModel
from services.api.web.reading.parsing import field_errors


def _begin_with_tag(tags: list[str], info: ValidationInfo) -> list[str]:
    """Refuses tags whose first is another than `tag`, if that is given, too."""
    if (tag := info.data.get("tag")) and tag != (tags[0] if tags else ""):
        raise ValueError("must begin with tag, or tag must be left out")
    return tags


# It stands after `tag`, whose value its validator reads.
TagList = Annotated[Tags, AfterValidator(_begin_with_tag)]


# with_defaults in values.py fills in what is left out.
class ClientNew(BodyModel):
    """A client to add, or to replace another with."""

    phone: Phone
    operator_code: OperatorCode = left_out(
        "", "The code of the client's mobile operator. Defaults to digits 2 to 4 of the phone."
    )
    tag: Tag = left_out("", "A label of your choice, the first of `tags`. Defaults to none.")
    tags: TagList = left_out([], "Labels of your choice, up to 32. Defaults to `tag`, if that is given.")
    timezone: Zone = left_out(
        "", "The client's IANA time zone. Defaults to HERALD_DEFAULT_TIMEZONE of the installation."
    )
    external_id: ExternalId | None = left_out(None, "The id of the client in another system, of which each is one's.")
    attributes: AttributesNew = left_out({})


class ClientPatch(BodyModel):
    """The fields of a client to change. Fields that are left out stay as they are."""

    phone: Phone = left_out("")
    operator_code: OperatorCode = left_out(
        "", "The code of the client's mobile operator. A new phone does not change it."
    )
    tag: Tag = left_out("", "The new first tag; the others stay. Empty removes all tags.")
    tags: TagList = left_out([], "The new tags, instead of all there are.")
    timezone: Zone = left_out("")
    external_id: ExternalId | None = left_out(None, "Null removes it.")
    attributes: AttributesChange = left_out({})


# So many digits at least: fewer match nearly everybody.
FEWEST_DIGITS = 3
PHONE_PART = r"^[ ]*[+]?([ ().\-]*[0-9]){3,15}[ ().\-]*$"
PhonePart = Annotated[
    str,
    Field(
        min_length=FEWEST_DIGITS,
        max_length=32,
        pattern=PHONE_PART,
        description="Only clients whose phone has these digits, at least three, as people write them: +7 is its "
        "beginning, 8 in front may stand for 7, and blanks, dots, dashes and brackets mean nothing.",
        examples=["8 (916) 123"],
    ),
]


class ClientsFilter(QueryModel):
    q: PhonePart | None = None
    operator_code: OperatorCode | None = Field(default=None, description="Only clients with this operator code.")
    tag: Tag | None = Field(
        default=None,
        description="Only clients with this tag, first or not. An empty value matches clients without a tag.",
    )
    phone: Phone | None = Field(default=None, description="Only the client with this phone.")
    external_id: ExternalId | None = Field(default=None, description="Only the client with this external id.")


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


_EXTERNAL_ID: TypeAdapter[str] = TypeAdapter(ExternalId)


def read_external_id(text: str) -> str:
    """Reads the external id of a path. Raises a 422 problem if no client can have it."""
    try:
        return _EXTERNAL_ID.validate_python(text)
    except ValidationError as error:
        raise invalid(*field_errors(error, "path", "external_id")) from None
