"""Mailings, and who they would go to."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from services.api.answers.clients import Client
from services.api.answers.parts import Answer, ByStatus, ClockShown, CodeShown, Count, Id, Next
from shared.statuses import MailingStatus


class Filter(Answer):
    """Which clients a mailing is for. An empty list is no condition."""

    operator_codes: list[CodeShown]
    tags: list[str]


class Window(Answer):
    """The hours of a client's local day in which sending is allowed."""

    opens: ClockShown = Field(alias="from")
    closes: ClockShown = Field(alias="to")


class Mailing(Answer):
    """A mailing with its counts."""

    id: Id
    text: str
    filter: Filter
    start_at: datetime
    end_at: datetime
    window: Window | None = Field(description="Null where sending is allowed around the clock.")
    status: MailingStatus
    total: Count = Field(description="How many messages it has. It grows while `expanding` is true.")
    by_status: ByStatus
    expanding: bool = Field(description="True while the audience is being frozen.")
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None = Field(description="When it began to run, or null.")
    finished_at: datetime | None = Field(description="When its last message became final, or null.")


class Mailings(Answer):
    """A page of mailings."""

    items: list[Mailing]
    next: Next


class Preview(Answer):
    """Who a mailing would go to, if it began now."""

    recipients: Count = Field(description="How many clients match the filter now.")
    reachable: Count = Field(description="Those of them whose window is open at some time before the end.")
    unreachable: Count = Field(description="Those whose window is closed from start_at to end_at.")
    by_operator_code: dict[str, Count]
    by_tag: dict[str, Count] = Field(description='The 100 largest tags; clients without one stand under "".')
    sample: list[Client] = Field(description="Up to five of them.")
    sms_segments: Annotated[
        int, Field(description="In how many short messages the text is sent.", json_schema_extra={"minimum": 1})
    ]


class Resent(Answer):
    """How many messages are being sent again."""

    messages: Count
