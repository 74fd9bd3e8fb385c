"""What the API answers about processes."""

from datetime import datetime

from pydantic import Field

from services.api.web.responses import ResponseModel


class ProcessShown(ResponseModel):
    """A process that runs, by what it told of late."""

    process: str = Field(description="Its kind, its process id and its host, such as: dispatcher 12 at node-1.")
    version: str | None = Field(description="Null for a version that does not tell it.")
    started_at: datetime
    seen_at: datetime = Field(description="When it told this last; it does so every ten seconds.")
    settings: dict[str, str] = Field(description="Settings that should be equal in all processes, by variable.")
    limits: dict[str, str] = Field(description="Its limits, by variable.")


class ProcessesShown(ResponseModel):
    """The processes that run."""

    items: list[ProcessShown]
