"""What callers send about mailings: bodies and query parameters."""

from datetime import time
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from services.api.segments.schemas import TreeNew
from services.api.web.bodies import BodyModel
from services.api.web.cursors import MAX_ID
from services.api.web.field_types import (
    PRINTABLE_PATTERN,
    ClockTime,
    MailingName,
    Moment,
    OperatorCode,
    OptionalMoment,
    Tag,
    Text,
    left_out,
    printable,
)
from services.api.web.queries import PageQuery
from shared.audience.personal_text import WrongText, is_personal, read_text
from shared.statuses import MAILING_STATUSES, MailingStatus, UnsentStatus
from shared.window import WEEKDAYS, Weekday, mask_of

MAX_FILTER_ENTRIES = 1000
OnMissing = Literal["refuse", "skip"]
_ONE = "|".join(MAILING_STATUSES)
Statuses = Annotated[str, Field(pattern=rf"^({_ONE})(,({_ONE})){{0,5}}$", examples=["draft,scheduled"])]

MailingOrder = Literal["-id", "id", "start_at", "-start_at", "end_at", "-end_at"]


def _readable(text: str) -> str:
    """Refuses a text whose placeholders cannot be read."""
    if is_personal(text):
        try:
            read_text(text)
        except WrongText as error:
            raise ValueError(f"at character {error.place}: {error}") from None
    return text


PersonalTextNew = Annotated[
    Text,
    AfterValidator(_readable),
    Field(
        description="The text of the message, with at least one visible character. Line breaks are allowed, other "
        "control characters are not. {{name}} stands for the client's attribute of that name, and {{name|client}} for "
        "it or, without it, the word after the bar; \\{{ stands for two braces. With the values filled in, a text may "
        "have 2,000 characters."
    ),
]


class FilterNew(TreeNew):
    """Which clients a mailing is sent to. Operator codes are ORed, tags are ORed, and the conditions are ANDed.

    An empty list is no condition, so an empty filter matches every client. Besides, a filter may have a segment, or a
    tree: one of all, any and not. Clients on the stop list get nothing, whatever the filter.
    """

    operator_codes: Annotated[list[OperatorCode], Field(max_length=MAX_FILTER_ENTRIES)] = left_out([])
    tags: Annotated[list[Tag], Field(max_length=MAX_FILTER_ENTRIES)] = left_out([])
    unsent_of: Annotated[int, Field(ge=1, le=MAX_ID)] | None = left_out(
        None,
        "The id of another mailing: only clients who did not get it, because their message of it was "
        "rejected, exhausted, expired or cancelled. Null or left out for no such condition.",
    )
    segment: Annotated[int, Field(ge=1, le=MAX_ID)] | None = left_out(
        None, "The id of a segment, whose filter is copied when the mailing starts. Null or left out for none."
    )

    @model_validator(mode="after")
    def _one_tree(self) -> Self:
        if len(self.raw()) + (self.segment is not None) > 1:
            raise ValueError("must have at most one of all, any, not and segment")
        return self


class WindowNew(BodyModel):
    """The hours of a client's local day in which sending is allowed. `from` and `to` must differ.

    A window whose `from` is later than its `to` spans midnight, and belongs to the day on which it opens.
    """

    opens: ClockTime = Field(alias="from")
    closes: ClockTime = Field(alias="to")
    days: Annotated[list[Weekday], Field(min_length=1, max_length=7)] = left_out(
        list(WEEKDAYS), "The days of the client's week on which it opens. Left out, it opens every day."
    )

    @model_validator(mode="after")
    def _differ(self) -> Self:
        if self.opens == self.closes:
            raise ValueError("from and to must differ")
        return self

    def times(self) -> tuple[time, time]:
        return time.fromisoformat(self.opens), time.fromisoformat(self.closes)

    def mask(self) -> int | None:
        """Returns the days as bits, Monday is 1; None for every day."""
        return mask_of(self.days)


class MailingNew(BodyModel):
    """A mailing to create."""

    name: MailingName = left_out("")
    draft: bool = left_out(
        False, "True makes a draft, which is edited freely and never starts by itself: see POST /mailings/{id}/start."
    )
    text: PersonalTextNew
    start_at: OptionalMoment = left_out(None, "When sending starts. Left out or in the past, sending starts at once.")
    end_at: Annotated[
        Moment,
        Field(
            description="When sending ends, even if messages are left. It must be in the future, and after start_at."
        ),
    ]
    filter: FilterNew
    window: WindowNew | None = left_out(
        None, "Null: sending is allowed at any hour. Left out, HERALD_DEFAULT_WINDOW of the installation applies."
    )
    on_missing: OnMissing = left_out(
        "refuse",
        "What to do if some of the audience lack a value of the text: refuse the mailing, which is the default, or "
        "skip those clients, whose messages are rejected.",
    )


class MailingPatch(BodyModel):
    """A merge patch: fields that are given are replaced, the filter as a whole. Only the window can be cleared, with
    null.
    """

    name: MailingName = left_out("")
    text: PersonalTextNew = left_out("")
    start_at: OptionalMoment = left_out(None, "When sending starts. In the past, sending starts at once.")
    end_at: OptionalMoment = left_out(
        None,
        "When sending ends. It must be after start_at and, once the mailing runs, at least 40 seconds in the future.",
    )
    filter: FilterNew = left_out(FilterNew())
    window: WindowNew | None = left_out(None, "Null clears the window.")
    on_missing: OnMissing = left_out("refuse")


class Resend(BodyModel):
    """Which messages to send again: by their final status, or sent ones by what receipts say of them."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["statuses"]}, {"required": ["delivery"]}]})

    statuses: Annotated[
        list[UnsentStatus], Field(min_length=1, max_length=4, description="The statuses of the messages to send again.")
    ] = left_out([])
    delivery: Annotated[
        list[Literal["undelivered"]],
        Field(
            min_length=1,
            max_length=1,
            description="Sends again messages that were sent, and that did not reach the handset by the provider's "
            "receipt. Each costs once more. Either this or `statuses`.",
        ),
    ] = left_out([])
    end_at: OptionalMoment = left_out(
        None,
        "The new end of the mailing, at least 40 seconds in the future. A mailing that is past its end needs one.",
    )
    include_unknown: bool = left_out(
        False,
        "Whether to send again also the messages whose outcome is unknown. The provider may have taken them: a client "
        "may get such a message twice.",
    )

    @model_validator(mode="after")
    def _one_choice(self) -> Self:
        if bool(self.statuses) == bool(self.delivery):
            raise ValueError("give either statuses or delivery")
        return self


class MailingsQuery(PageQuery):
    status: Statuses | None = Field(
        default=None, description="Only mailings in this state, or in one of these, separated by commas."
    )
    q: (
        Annotated[
            str,
            Field(min_length=1, max_length=120, json_schema_extra={"pattern": PRINTABLE_PATTERN}),
            AfterValidator(printable),
        ]
        | None
    ) = Field(
        default=None, description="Only mailings with these characters in their name or text, in upper or lower case."
    )
    start_from: Moment | None = Field(default=None, description="Only mailings that start at this moment or later.")
    start_before: Moment | None = Field(default=None, description="Only mailings that start before this moment.")
    sort: MailingOrder = Field(
        default="-id",
        description="By id, start or end; with a minus the last ones first.",
    )

    @property
    def statuses(self) -> list[MailingStatus] | None:
        """Returns the statuses that were given; None for all."""
        if self.status is None:
            return None
        given = self.status.split(",")
        return [status for status in MAILING_STATUSES if status in given]
