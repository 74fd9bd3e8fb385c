"""What the API answers about providers."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from services.api.web.responses import Count, ResponseModel

ProviderHealth = Literal["closed", "open", "half-open", "held", "drained", "unused"]


class ProviderShown(ResponseModel):
    """One provider, as the running dispatchers see it."""

    name: str
    state: ProviderHealth = Field(
        description="`drained` by an admin; `held` since the provider asked for a pause; else the state of the "
        "breaker, the worst of all dispatchers; `unused` if no running dispatcher knows it."
    )
    reason: str | None = Field(description="Why it was last held or its breaker opened, or null.")
    broken_since: datetime | None = Field(
        description="Since when the breaker has not been closed, by the first dispatcher that opened it; null while it "
        "is closed."
    )
    dispatchers: Count = Field(description="The running dispatchers that know the provider.")
    in_flight: Count = Field(description="Requests that are open now.")
    per_second: float = Field(description="Requests that ended per second, of late.")
    failing: float = Field(description="The share of requests that failed, of late, from 0 to 1.")
    test_mode: bool = Field(description="Whether the file keeps the provider from sending anything for real.")
    drained_at: datetime | None
    held_until: datetime | None


class ProvidersShown(ResponseModel):
    """All providers."""

    items: list[ProviderShown]


class Reloaded(ResponseModel):
    """The dispatchers were asked to read the providers file again."""

    dispatchers: Count = Field(description="The running dispatchers that were asked.")
