"""What callers send: bodies, strict in every type, and query parameters, which are always text."""

from datetime import time
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.api.web.field_types import ClockTime, Moment, OperatorCode, OptionalMoment, Phone, Tag, Text, Zone
from shared.statuses import MailingStatus, MessageStatus, UnsentStatus

MAX_FILTER_ENTRIES = 1000

DeadQueue = Literal["planner.dead", "dispatcher.dead", "reporter.dead"]
LetterId = Annotated[
    str,
    Field(pattern=r"^[0-9a-f]{16}$", description="The id of a dead letter.", examples=["0f1e2d3c4b5a6978"]),
]

ModelT = TypeVar("ModelT")

# Marks a field for the API's document, which then names no default; see openapi/schemas.py.
LEFT_OUT = "x-left-out"


def left_out(stand_in: Any, description: str | None = None) -> Any:
    """A field that may be left out. `stand_in` only keeps its type: it is no default that a caller could rely on."""
    return Field(default=stand_in, description=description, json_schema_extra={LEFT_OUT: True})


def _one_choice(model: ModelT, ids: bool, all_: bool) -> ModelT:
    if ids == all_:
        raise ValueError("give either ids, or all as true")
    return model


class Sent(BaseModel):
    """A body. Fields with a default may be left out; what was given is in model_fields_set."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


# What is left out takes its default in with_defaults of clients.py.
class ClientNew(Sent):
    """A client to add, or to put in another's place."""

    phone: Phone
    operator_code: OperatorCode = left_out(
        "", "The code of the client's mobile operator. Left out, it is digits 2 to 4 of the phone."
    )
    tag: Tag = ""
    timezone: Zone = left_out("", "The client's IANA time zone. Left out, it is the default of the installation.")


class ClientPatch(Sent):
    """What to change of a client: only the fields that are given."""

    phone: Phone = left_out("")
    operator_code: OperatorCode = left_out("", "The code of the client's mobile operator. A new phone leaves it.")
    tag: Tag = left_out("")
    timezone: Zone = left_out("")


class FilterNew(Sent):
    """Which clients a mailing is for. Values in one list are alternatives, and the two lists must both hold.

    An empty list is no condition, so that an empty filter means every client.
    """

    operator_codes: Annotated[list[OperatorCode], Field(max_length=MAX_FILTER_ENTRIES)] = []
    tags: Annotated[list[Tag], Field(max_length=MAX_FILTER_ENTRIES)] = []


class WindowNew(Sent):
    """The hours of a client's local day in which sending is allowed. `from` and `to` must differ.

    `from` after `to` means over midnight.
    """

    opens: ClockTime = Field(alias="from")
    closes: ClockTime = Field(alias="to")

    @model_validator(mode="after")
    def _differ(self) -> Self:
        if self.opens == self.closes:
            raise ValueError("from and to must differ")
        return self

    def times(self) -> tuple[time, time]:
        return time.fromisoformat(self.opens), time.fromisoformat(self.closes)


class MailingNew(Sent):
    """A mailing to create."""

    text: Text
    start_at: OptionalMoment = left_out(
        None, "When sending starts. Left out, or in the past, it is the moment of the request."
    )
    end_at: Annotated[
        Moment, Field(description="When sending ends, whatever is left then. It must be ahead, and after start_at.")
    ]
    filter: FilterNew
    window: WindowNew | None = Field(default=None, description="Left out or null, sending is allowed around the clock.")


class MailingPatch(Sent):
    """A merge patch: what is given is replaced, a filter as a whole; only the window can be cleared, by null."""

    text: Text = left_out("")
    start_at: OptionalMoment = left_out(None, "When sending starts. In the past, it is the moment of the request.")
    end_at: OptionalMoment = left_out(
        None, "When sending ends. It must be after start_at; once the mailing runs, at least 30 seconds ahead."
    )
    filter: FilterNew = left_out(FilterNew())
    window: WindowNew | None = left_out(None, "Null clears the window.")


class Resend(Sent):
    """Which messages to send again, by their final status. What was sent is never sent again."""

    statuses: Annotated[
        list[UnsentStatus], Field(min_length=1, max_length=4, description="The statuses of the messages to send again.")
    ]


class DeadLettersReplay(Sent):
    """Which dead letters to replay: either those with these ids, or all; of one queue, or of every."""

    ids: Annotated[list[LetterId], Field(min_length=1, max_length=1000)] | None = Field(
        default=None, description="Null or left out where `all` is true."
    )
    all: bool = Field(default=False, description="True for all of them, where no ids are given.")
    queue: DeadQueue | None = Field(default=None, description="Null or left out for every queue.")

    @model_validator(mode="after")
    def _chosen(self) -> Self:
        return _one_choice(self, self.ids is not None, self.all)


class Query(BaseModel):
    """Query parameters. A route without any takes this, so that a misspelt one is an error, not ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PageQuery(Query):
    limit: Annotated[int, Field(ge=1, le=1000, description="How many items a page has at the most.")] = 100
    cursor: (
        Annotated[
            str,
            Field(
                min_length=1,
                max_length=200,
                description="Where the page begins: `next` of the page before. Left out, it is the first page.",
                json_schema_extra={"format": "cursor"},
            ),
        ]
        | None
    ) = None


class ClientsFilter(Query):
    operator_code: OperatorCode | None = Field(default=None, description="Only clients with this operator code.")
    tag: Tag | None = Field(default=None, description="Only clients with this tag; empty for those without one.")
    phone: Phone | None = Field(default=None, description="Only the client with this phone.")


class ClientsQuery(ClientsFilter, PageQuery):
    pass


class MailingsQuery(PageQuery):
    status: MailingStatus | None = Field(default=None, description="Only mailings in this state.")


class MessagesQuery(PageQuery):
    status: MessageStatus | None = Field(default=None, description="Only messages with this status.")


class ImportQuery(Query):
    on_conflict: Literal["update", "skip"] = Field(
        default="update", description="What becomes of a client whose phone is there: updated, or left as it is."
    )


class DeadLettersQuery(PageQuery):
    queue: DeadQueue | None = Field(default=None, description="Only letters of this queue.")


class DeadLettersDrop(Query):
    """Which dead letters to drop: those with these ids, separated by commas, or all; of one queue, or of every."""

    ids: Annotated[str, Field(pattern=r"^[0-9a-f]{16}(,[0-9a-f]{16}){0,99}$")] | None = Field(
        default=None, description="The ids of those to drop, up to 100, separated by commas. Only without `all`."
    )
    all: bool = Field(default=False, description="True to drop all of them. Only without `ids`.")
    queue: DeadQueue | None = Field(default=None, description="Only letters of this queue.")

    @property
    def chosen(self) -> frozenset[str] | None:
        return None if self.ids is None else frozenset(self.ids.split(","))

    @model_validator(mode="after")
    def _chosen(self) -> Self:
        return _one_choice(self, self.ids is not None, self.all)
