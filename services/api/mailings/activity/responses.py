"""What the API answers about the activity of a mailing."""

from datetime import datetime
from typing import Literal, Self

from pydantic import Field

from services.api.web.responses import ResponseModel

ActivityCode = Literal[
    "draft",
    "scheduled",
    "starting",
    "adding",
    "sending",
    "settling",
    "retrying",
    "stalled",
    "window_closed",
    "paused",
    "no_dispatcher",
    "provider_down",
    "provider_held",
    "provider_drained",
    "provider_failing",
    "closing",
    "finished",
    "cancelled",
]
# What keeps a running mailing from sending, or most of it.
HELD_UP: frozenset[ActivityCode] = frozenset(
    {
        "stalled",
        "no_dispatcher",
        "provider_down",
        "provider_held",
        "provider_drained",
        "provider_failing",
    }
)


class Activity(ResponseModel):
    """What a mailing is doing at present, and what holds it up. Parameters that do not belong to the code are null."""

    code: ActivityCode = Field(
        description="`draft`, `scheduled` (until start_at), `starting`, `adding` recipients, `sending`, `settling` the "
        "last messages, `retrying`: all that are left have failed at least once (the reason is the most frequent "
        "outcome of those attempts); `stalled`: nothing became final for a "
        "minute, and the cause is unknown; `window_closed` (until it opens), `paused`, `no_dispatcher` runs, "
        "`provider_down`: the breaker of every provider is open (since when, and why); `provider_held`: it asked for a "
        "pause; `provider_drained` by an admin; `provider_failing`: most requests fail; `closing`: past its end, "
        "`finished`, `cancelled`."
    )
    until: datetime | None = Field(description="Until when that lasts, or null.")
    since: datetime | None = Field(description="Since when a provider is down, or null.")
    provider: str | None = Field(description="The provider that holds it up, or null.")
    reason: str | None = Field(description="Why the provider does, or as what attempts fail, or null.")
    share: float | None = Field(description="The share of requests that fail, from 0 to 1, or null.")

    @classmethod
    def of(cls, code: ActivityCode, **parameters: datetime | str | float | None) -> Self:
        """Makes an activity. Parameters that are not given are null."""
        return cls.model_validate({**dict.fromkeys(cls.model_fields), "code": code, **parameters})

    @property
    def holds_up(self) -> bool:
        """Whether the mailing is running, and yet sends nothing or little."""
        return self.code in HELD_UP
