"""What the API answers about tokens."""

from datetime import datetime

from pydantic import Field

from services.api.web.responses import Id, Next, ResponseModel
from shared.statuses import Role


class TokenShown(ResponseModel):
    """A token without its secret, which is stored nowhere."""

    id: Id
    name: str
    role: Role
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None = Field(description="The last request, to the minute; null for none so far.")


class MadeToken(TokenShown):
    """A token that was just created."""

    token: str = Field(description="The secret. It is shown this once: only its hash is stored.")


class TokensShown(ResponseModel):
    """A page of tokens, the newest first, with those that are revoked or expired."""

    items: list[TokenShown]
    next: Next
