"""What the API answers about mailings."""

from datetime import datetime, time
from typing import Annotated, Any, Self

from pydantic import Field, WithJsonSchema

from services.api.clients.responses import Client, CodeShown
from services.api.mailings.activity.responses import Activity
from services.api.mailings.schemas import OnMissing
from services.api.segments.tree import NAMED, NODE
from services.api.web.responses import Count, Id, Next, PlaceholderValues, ResponseModel
from services.api.web.versions import VersionedModel
from shared.statuses import MailingStatus
from shared.window import Weekday, days_of

ClockShown = Annotated[str, Field(json_schema_extra={"pattern": "^[0-9]{2}:[0-9]{2}$"})]


GroupShown = Annotated[list[Any], WithJsonSchema({"type": "array", "items": {NAMED: NODE}})]


class Filter(ResponseModel):
    """Which clients a mailing is sent to. An empty list is no condition.

    Of a mailing that has started with a segment, the tree is that of the segment as it was then.
    """

    operator_codes: list[CodeShown]
    tags: list[str]
    unsent_of: Id | None = Field(description="Only clients who did not get this mailing; null for no such condition.")
    segment: Id | None = Field(description="The segment whose filter is copied when the mailing starts; null for none.")
    all_of: GroupShown | None = Field(alias="all", description="Conditions that must all be met; null for none.")
    any_of: GroupShown | None = Field(alias="any", description="Conditions of which one must be met; null for none.")
    none_of: GroupShown | None = Field(alias="not", description="Conditions of which none may be met; null for none.")


class Window(ResponseModel):
    """The hours of a client's local day in which sending is allowed."""

    opens: ClockShown = Field(alias="from")
    closes: ClockShown = Field(alias="to")
    days: list[Weekday] = Field(description="The days of the client's week on which it opens.")

    @classmethod
    def between(cls, opens: time | None, closes: time | None, days: int | None) -> Self | None:
        """Returns the window of two hours on some days, which are bits as in shared/window.py; None without hours."""
        if opens is None or closes is None:
            return None
        return cls(opens=f"{opens:%H:%M}", closes=f"{closes:%H:%M}", days=days_of(days))


class ByStatus(ResponseModel):
    """The number of messages in each of the seven statuses; they add up to the total."""

    pending: Count = Field(description="Not yet accepted, and no failed attempt.")
    retrying: Count = Field(description="At least one failed attempt, and another is due.")
    sent: Count = Field(description="Accepted by the provider.")
    rejected: Count = Field(description="Refused by the provider for good.")
    exhausted: Count = Field(description="The attempts were used up.")
    expired: Count = Field(description="The end of the mailing came first.")
    cancelled: Count = Field(description="The mailing was cancelled or deleted, or the client deleted.")


class Mailing(VersionedModel):
    """A mailing with its counts."""

    id: Id
    name: str = Field(description="Empty if it has none.")
    text: str
    filter: Filter
    recipients: Count | None = Field(
        description="The number of recipients of the file that takes the place of the filter; null if there is none."
    )
    start_at: datetime
    end_at: datetime
    window: Window | None = Field(description="Null if sending is allowed at any hour.")
    on_missing: OnMissing = Field(description="Whether clients who lack a value of the text are skipped.")
    status: MailingStatus
    total: Count = Field(description="The number of its messages. It grows while `expanding` is true.")
    by_status: ByStatus
    expanding: bool = Field(description="True while its audience is being frozen.")
    rate: float = Field(description="Messages that become final per second, at present.")
    eta: float | None = Field(
        description="Estimated seconds until all messages are final at this rate; null if unknown."
    )
    activity: Activity
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None = Field(description="When it started, or null.")
    finished_at: datetime | None = Field(description="When its last message became final, or null.")


class Mailings(ResponseModel):
    """A page of mailings."""

    items: list[Mailing]
    next: Next


class UnreachableZone(ResponseModel):
    """A time zone whose recipients cannot be reached."""

    timezone: str
    recipients: Count


class RenderedSample(ResponseModel):
    """The text as one of the recipients would get it."""

    client_id: Id
    text: str | None = Field(description="Null if it cannot be rendered.")
    reason: str | None = Field(description="Why it cannot be rendered, or null.")


class SegmentsRange(ResponseModel):
    """The short messages (SMS) of the rendered texts: of the shortest, of the longest, and of all together.

    They are exact, unless values hold emoji or characters such as the euro sign: then one may be missing at a border.
    """

    least: Count
    most: Count
    total: Count


class PersonalPreview(ResponseModel):
    """What the placeholders of a text come to for the recipients."""

    placeholders: list[PlaceholderValues]
    skipped: Count = Field(description="Recipients who lack a required value: with on_missing=skip they are rejected.")
    too_long: Count = Field(description="Recipients whose rendered text has over 2,000 characters: they are rejected.")
    samples: list[RenderedSample] = Field(description="The texts of up to five recipients.")
    segments: SegmentsRange


class Preview(ResponseModel):
    """The audience that a mailing would have if it started now."""

    recipients: Count = Field(
        description="The number of clients that match the filter now, without those on the stop list."
    )
    opted_out: Count = Field(description="Clients that match the filter, and are on the stop list. They get nothing.")
    reachable: Count = Field(description="The number of recipients whose window is open at some time before end_at.")
    unreachable: Count = Field(description="The number of recipients whose window is closed from start_at to end_at.")
    by_operator_code: dict[str, Count]
    by_tag: dict[str, Count] = Field(
        description='Recipients by tag, for the 100 largest tags. Clients without a tag count under "".'
    )
    sample: list[Client] = Field(description="Up to five of the recipients.")
    sms_segments: Annotated[
        int,
        Field(
            description="The number of short messages (SMS) that the text takes; of a personal text, the most.",
            json_schema_extra={"minimum": 1},
        ),
    ]
    window: Window | None = Field(
        description="The window of the mailing, which is HERALD_DEFAULT_WINDOW where the body names none; null if "
        "sending is allowed at any hour."
    )
    never_reachable: list[UnreachableZone] = Field(
        description="The time zones in which the window stays closed until end_at, the largest first; up to 100."
    )
    personal: PersonalPreview | None = Field(description="What a text with placeholders comes to; null without any.")


class Resent(ResponseModel):
    """The number of messages that are sent again."""

    messages: Count
