"""What the API answers about the health of the whole."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from services.api.mailings.activity.responses import Activity
from services.api.providers.responses import ProviderShown
from services.api.web.responses import Count, Id, ResponseModel

AttentionCode = Literal[
    "held_up", "broker_away", "dead_letters", "failing", "late", "ends_unsent", "ends_paused", "nothing_sent"
]


class HealthShown(ResponseModel):
    """Whether the whole works, in a few figures, as it was a moment ago."""

    at: datetime
    activity: Activity = Field(
        description="What holds up every mailing: no_dispatcher, provider_down, provider_held, provider_drained or "
        "provider_failing; else sending."
    )
    dispatchers: Count = Field(description="The dispatchers that run.")
    providers: list[ProviderShown]
    broker: Literal["up", "away"] = Field(description="Whether this process reaches RabbitMQ.")
    running: Count = Field(description="The mailings that run.")
    backlog: Count = Field(description="The messages of running mailings that are not final.")
    rate: float = Field(description="Messages of all mailings that become final per second, at present.")
    oldest_job_seconds: float | None = Field(
        description="For how many seconds the oldest message that may be sent now has waited; null if none does."
    )
    dead_letters: Count | None = Field(description="What waits in the dead queues; null while the broker is away.")


class Period(ResponseModel):
    """The messages that became final in the quarter of an hour that began at `at`."""

    at: datetime
    sent: Count
    failed: Count


class Attention(ResponseModel):
    """Something that needs somebody's attention. Parameters that do not belong to the code are null."""

    code: AttentionCode = Field(
        description="`held_up`: nothing can be sent, see the activity; `broker_away`; `dead_letters` (count); "
        "`failing`: over 5 % of a mailing's messages failed (count, share); `nothing_sent`: all of them; `late`: at "
        "its present rate it will not be done at its end (count of messages left); `ends_unsent`: it sends nothing, "
        "and ends within an hour; `ends_paused`: it is paused, and ends within an hour."
    )
    mailing_id: Id | None
    title: str | None = Field(description="The mailing's name, or else the beginning of its text.")
    count: Count | None
    share: float | None = Field(description="From 0 to 1.")
    at: datetime | None = Field(description="The end of the mailing.")


class Upcoming(ResponseModel):
    """A mailing that starts or ends next."""

    mailing_id: Id
    title: str = Field(description="The mailing's name, or else the beginning of its text.")
    what: Literal["starts", "ends"]
    at: datetime


class Overview(ResponseModel):
    """What happened in the last 24 hours, what needs attention, and what comes next."""

    at: datetime
    last_day: list[Period] = Field(description="In time order; periods in which nothing became final are left out.")
    attention: list[Attention]
    upcoming: list[Upcoming]
