"""What the document says of messages."""

from collections.abc import Mapping

from services.api.messages import handlers as messages
from services.api.messages.responses import MessageInFull, Messages
from services.api.openapi import examples
from services.api.openapi.operation import Operation, shown, text
from services.api.web.negotiation import CSV
from services.api.web.route import Handler

MESSAGES: Mapping[Handler, Operation] = {
    messages.listing: Operation(
        "listMessages",
        "messages",
        "Lists the messages of a mailing by ascending id, page by page. With Accept: text/csv all of them are "
        "streamed, whatever the limit; an answer that is cut off was not complete.",
        {
            200: shown(
                "A page of messages, or all of them as CSV.",
                Messages,
                examples.MESSAGES,
                text(CSV, "A header, then a message a line.", examples.MESSAGES_CSV),
                headers=("Link",),
            )
        },
    ),
    messages.show: Operation(
        "showMessage",
        "messages",
        "Shows a message with each request to the provider that was made for it.",
        {200: shown("The message.", MessageInFull, examples.MESSAGE_IN_FULL)},
    ),
}
