"""What the API answers about the recipients of a file."""

from typing import Any

from pydantic import Field

from services.api.clients.responses import LineError, PhoneShown
from services.api.web.responses import Count, Id, Next, ResponseModel


class RecipientsReport(ResponseModel):
    """What became of a file of recipients."""

    recipients: Count = Field(description="The recipients, who are the whole audience of the mailing now.")
    rejected: Count = Field(description="Lines that were left out, as on_error=skip asks.")
    errors: list[LineError] = Field(description="The first 100 of them.")


class FileRecipient(ResponseModel):
    """A recipient of a mailing's file."""

    client_id: Id
    line: int = Field(description="The number of its line in the file, from 1.")
    phone: PhoneShown | None = Field(description="The present phone; null for a client that was deleted.")
    values: dict[str, Any] = Field(description="The values of its line, which win over the client's attributes.")


class FileRecipients(ResponseModel):
    """A page of recipients."""

    items: list[FileRecipient]
    next: Next
