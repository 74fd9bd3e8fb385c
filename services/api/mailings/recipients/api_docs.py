"""Describes the operations on files of recipients for the API's document."""

from collections.abc import Mapping

from services.api.mailings.recipients import handlers as recipients
from services.api.mailings.recipients.responses import FileRecipients, RecipientsReport
from services.api.web.negotiation import BYTES, CSV, NDJSON
from services.api.web.operation import Json, Operation, success, text_content
from services.api.web.route import Handler

FILE_CSV = "phone,name,amount\n79161234567,Anna,1200\n79031234568,Boris,300\n"
FILE_NDJSON = '{"phone": "79161234567", "values": {"name": "Anna"}}\n{"phone": "79031234568"}\n'
RECEIVED: Json = {"recipients": 2, "rejected": 0, "errors": []}
RECIPIENTS: Json = {
    "items": [{"client_id": 1, "line": 2, "phone": "79161234567", "values": {"name": "Anna", "amount": "1200"}}],
    "next": None,
}

OPERATIONS: Mapping[Handler, Operation] = {
    recipients.receive: Operation(
        "setRecipients",
        "mailings",
        "Takes the recipients of a draft from a file, which is read as a stream: a phone in each line, and values for "
        "the placeholders of the text. They are the whole audience, in place of the filter or of an earlier file, and "
        "their values win over the attributes of clients. The phones need not be in the directory, and are not added "
        "to it. A wrong line, or a phone that comes twice, refuses the whole file unless on_error=skip; `errors` names "
        "the first 100 lines. The bounds are those of POST /clients/import.",
        {200: success("What became of the file.", RecipientsReport, RECEIVED)},
        body=(
            text_content(CSV, "The column phone, and a column for each value under its name.", FILE_CSV),
            text_content(NDJSON, "One JSON object per line, with a phone and values.", FILE_NDJSON),
            text_content(BYTES, "A CSV as bytes.", FILE_CSV, format="binary"),
        ),
        errors={
            409: "The mailing is no draft.",
            422: "A parameter or a line is wrong, or the file has no recipients. Nothing was stored.",
        },
        versioned=True,
        long_query=True,
    ),
    recipients.listing: Operation(
        "listRecipients",
        "mailings",
        "Lists the recipients of a mailing's file, page by page. Without a file there are none.",
        {200: success("A page of recipients.", FileRecipients, RECIPIENTS, headers=("Link",))},
    ),
}
