"""What the API answers about sessions."""

from datetime import datetime

from pydantic import Field

from services.api.web.responses import ResponseModel
from shared.statuses import Role


class Session(ResponseModel):
    """A session of somebody who signed in by OpenID Connect."""

    id: int
    name: str = Field(description="oidc: and the e-mail address, or the subject where no address is verified.")
    role: Role
    created_at: datetime
    seen_at: datetime = Field(description="The last request, to the minute.")
    expires_at: datetime = Field(description="8 hours after the sign-in, or 30 minutes after the last request.")


class Sessions(ResponseModel):
    """The sessions that are not over, the newest first."""

    items: list[Session]
