"""What callers send about messages: query parameters."""

from typing import Annotated, Literal

from pydantic import Field

from services.api.web.cursors import MAX_ID
from services.api.web.field_types import Phone
from services.api.web.queries import WHOLE_NUMBER, PageQuery
from shared.statuses import MESSAGE_STATUSES, Delivery, MessageStatus

_ONE = "|".join(MESSAGE_STATUSES)
Statuses = Annotated[str, Field(pattern=rf"^({_ONE})(,({_ONE})){{0,6}}$", examples=["expired,exhausted"])]
Spreadsheet = Literal["excel"]


class MessagesQuery(PageQuery):
    status: Statuses | None = Field(
        default=None, description="Only messages with this status, or with one of these, separated by commas."
    )
    reason: Annotated[str, Field(min_length=1, max_length=1000)] | None = Field(
        default=None, description="Only unsent messages with this reason, as the statistics name it."
    )
    delivery: Delivery | None = Field(
        default=None, description="Only sent messages of which the provider's receipt says this."
    )
    client_id: Annotated[int, Field(ge=1, le=MAX_ID), WHOLE_NUMBER] | None = Field(
        default=None, description="Only the message to this client."
    )
    phone: Phone | None = Field(default=None, description="Only the message to the client with this phone.")
    spreadsheet: Spreadsheet | None = Field(
        default=None,
        alias="for",
        description="For CSV: excel writes semicolons, a byte order mark, and no cell that a spreadsheet would run.",
    )

    @property
    def statuses(self) -> list[MessageStatus]:
        """Returns the statuses that were given, none for all."""
        given = [] if self.status is None else self.status.split(",")
        return [status for status in MESSAGE_STATUSES if status in given]
