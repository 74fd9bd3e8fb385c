"""What the API answers about mailings."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from services.api.clients.responses import Client, CodeShown
from services.api.web.responses import Count, Id, Next, ResponseModel
from services.api.web.versions import VersionedModel
from shared.statuses import MailingStatus

ClockShown = Annotated[str, Field(json_schema_extra={"pattern": "^[0-9]{2}:[0-9]{2}$"})]


class Filter(ResponseModel):
    """Which clients a mailing is sent to. An empty list is no condition."""

    operator_codes: list[CodeShown]
    tags: list[str]
    unsent_of: Id | None = Field(description="Only clients who did not get this mailing; null for no such condition.")


class Window(ResponseModel):
    """The hours of a client's local day in which sending is allowed."""

    opens: ClockShown = Field(alias="from")
    closes: ClockShown = Field(alias="to")


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
    status: MailingStatus
    total: Count = Field(description="The number of its messages. It grows while `expanding` is true.")
    by_status: ByStatus
    expanding: bool = Field(description="True while its audience is being frozen.")
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None = Field(description="When it started, or null.")
    finished_at: datetime | None = Field(description="When its last message became final, or null.")


class Mailings(ResponseModel):
    """A page of mailings."""

    items: list[Mailing]
    next: Next


class Preview(ResponseModel):
    """The audience that a mailing would have if it started now."""

    recipients: Count = Field(description="The number of clients that match the filter now.")
    reachable: Count = Field(description="The number of recipients whose window is open at some time before end_at.")
    unreachable: Count = Field(description="The number of recipients whose window is closed from start_at to end_at.")
    by_operator_code: dict[str, Count]
    by_tag: dict[str, Count] = Field(
        description='Recipients by tag, for the 100 largest tags. Clients without a tag count under "".'
    )
    sample: list[Client] = Field(description="Up to five of the recipients.")
    sms_segments: Annotated[
        int,
        Field(description="The number of short messages (SMS) that the text takes.", json_schema_extra={"minimum": 1}),
    ]


class Resent(ResponseModel):
    """The number of messages that are sent again."""

    messages: Count
