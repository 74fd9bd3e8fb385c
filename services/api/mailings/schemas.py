"""What callers send about mailings: bodies and query parameters."""

from datetime import time
from typing import Annotated, Self

from pydantic import Field, model_validator

from services.api.web.bodies import BodyModel
from services.api.web.field_types import ClockTime, Moment, OperatorCode, OptionalMoment, Tag, Text, left_out
from services.api.web.queries import PageQuery
from shared.statuses import MailingStatus, UnsentStatus

MAX_FILTER_ENTRIES = 1000


class FilterNew(BodyModel):
    """Which clients a mailing is for. Values in one list are alternatives, and the two lists must both hold.

    An empty list is no condition, so that an empty filter means every client.
    """

    operator_codes: Annotated[list[OperatorCode], Field(max_length=MAX_FILTER_ENTRIES)] = Field(default=[])
    tags: Annotated[list[Tag], Field(max_length=MAX_FILTER_ENTRIES)] = Field(default=[])


class WindowNew(BodyModel):
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


class MailingNew(BodyModel):
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


class MailingPatch(BodyModel):
    """A merge patch: what is given is replaced, a filter as a whole; only the window can be cleared, by null."""

    text: Text = left_out("")
    start_at: OptionalMoment = left_out(None, "When sending starts. In the past, it is the moment of the request.")
    end_at: OptionalMoment = left_out(
        None, "When sending ends. It must be after start_at; once the mailing runs, at least 30 seconds ahead."
    )
    filter: FilterNew = left_out(FilterNew())
    window: WindowNew | None = left_out(None, "Null clears the window.")


class Resend(BodyModel):
    """Which messages to send again, by their final status. What was sent is never sent again."""

    statuses: Annotated[
        list[UnsentStatus], Field(min_length=1, max_length=4, description="The statuses of the messages to send again.")
    ]


class MailingsQuery(PageQuery):
    status: MailingStatus | None = Field(default=None, description="Only mailings in this state.")
