"""What callers send about messages: query parameters."""

from pydantic import Field

from services.api.web.queries import PageQuery
from shared.statuses import MessageStatus


class MessagesQuery(PageQuery):
    status: MessageStatus | None = Field(default=None, description="Only messages with this status.")
