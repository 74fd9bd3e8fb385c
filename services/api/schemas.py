"""What callers send: bodies, strict in every type, and query parameters, which are always text."""

from datetime import time
from typing import Annotated, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.api.values import ClockTime, Moment, OperatorCode, OptionalMoment, Phone, Tag, Text, Zone
from shared.messages import MessageStatus

MailingStatus = Literal["scheduled", "running", "paused", "finished", "cancelled"]
UnsentStatus = Literal["rejected", "exhausted", "expired", "cancelled"]
MAX_FILTER_ENTRIES = 1000


DeadQueue = Literal["planner.dead", "dispatcher.dead", "reporter.dead"]
LetterId = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]

ModelT = TypeVar("ModelT")


def _one_choice(model: ModelT, ids: bool, all_: bool) -> ModelT:
    if ids == all_:
        raise ValueError("give either ids, or all as true")
    return model


class Sent(BaseModel):
    """A body. Fields with a default may be left out; what was given is in model_fields_set."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class ClientNew(Sent):
    """A client as POST and PUT take it. What is left out takes its default: see with_defaults in clients.py."""

    phone: Phone
    operator_code: OperatorCode = ""
    tag: Tag = ""
    timezone: Zone = ""


class ClientPatch(Sent):
    phone: Phone = ""
    operator_code: OperatorCode = ""
    tag: Tag = ""
    timezone: Zone = ""


class Filter(Sent):
    """Which clients a mailing is for. An empty list is no condition; two lists must both hold."""

    operator_codes: Annotated[list[OperatorCode], Field(max_length=MAX_FILTER_ENTRIES)] = []
    tags: Annotated[list[Tag], Field(max_length=MAX_FILTER_ENTRIES)] = []


class Window(Sent):
    """The hours of a client's local day in which sending is allowed. From after to means over midnight."""

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
    text: Text
    start_at: OptionalMoment = None
    end_at: Moment
    filter: Filter
    window: Window | None = None


class MailingPatch(Sent):
    """A merge patch: only the window can be cleared, by null."""

    text: Text = ""
    start_at: OptionalMoment = None
    end_at: OptionalMoment = None
    filter: Filter = Filter()
    window: Window | None = None


class Resend(Sent):
    """Which messages to send again, by their final status. What was sent is never sent again."""

    statuses: Annotated[list[UnsentStatus], Field(min_length=1, max_length=4)]


class DeadLettersReplay(Sent):
    """Which dead letters to replay: those with these ids, or all; of one queue, or of every."""

    ids: Annotated[list[LetterId], Field(min_length=1, max_length=1000)] | None = None
    all: bool = False
    queue: DeadQueue | None = None

    @model_validator(mode="after")
    def _chosen(self) -> Self:
        return _one_choice(self, self.ids is not None, self.all)


class Query(BaseModel):
    """Query parameters. A route without any takes this, so that a misspelt one is an error, not ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PageQuery(Query):
    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    cursor: Annotated[str, Field(min_length=1, max_length=200)] | None = None


class ClientsFilter(Query):
    operator_code: OperatorCode | None = None
    tag: Tag | None = None
    phone: Phone | None = None


class ClientsQuery(ClientsFilter, PageQuery):
    pass


class MailingsQuery(PageQuery):
    status: MailingStatus | None = None


class MessagesQuery(PageQuery):
    status: MessageStatus | None = None


class ImportQuery(Query):
    on_conflict: Literal["update", "skip"] = "update"


class DeadLettersQuery(PageQuery):
    queue: DeadQueue | None = None


class DeadLettersDrop(Query):
    """Which dead letters to drop: those with these ids, separated by commas, or all; of one queue, or of every."""

    ids: Annotated[str, Field(pattern=r"^[0-9a-f]{16}(,[0-9a-f]{16}){0,99}$")] | None = None
    all: bool = False
    queue: DeadQueue | None = None

    @property
    def chosen(self) -> frozenset[str] | None:
        return None if self.ids is None else frozenset(self.ids.split(","))

    @model_validator(mode="after")
    def _chosen(self) -> Self:
        return _one_choice(self, self.ids is not None, self.all)
