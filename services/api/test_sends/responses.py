"""What the API answers about test-sends."""

from datetime import datetime

from pydantic import Field

from services.api.clients.responses import PhoneShown
from services.api.web.responses import Count, Id, ResponseModel
from shared.statuses import MessageStatus


class TestMessage(ResponseModel):
    """What became of a test-send to one phone."""

    # Pytest takes classes of this name for tests.
    __test__ = False

    phone: PhoneShown | None = Field(description="Null once it is erased, a day after the test-send.")
    message_id: Id | None = Field(
        description="The id of the message, which has the attempts; null in the first moment."
    )
    status: MessageStatus
    reason: str | None = Field(description="Why the message has this status, or null.")
    attempts: Count = Field(description="The number of requests to the provider.")


class TestSend(ResponseModel):
    """A test-send: a text on its way to a few phones, which no list and no statistics count."""

    __test__ = False

    id: Id
    text: str
    created_at: datetime
    end_at: datetime = Field(description="What is not sent by then expires.")
    finished: bool = Field(description="True when all of its messages are final.")
    messages: list[TestMessage]
