"""Describes the operations on messages for the API's document."""

from collections.abc import Mapping

from services.api.messages import handlers as messages
from services.api.messages.responses import MessageInFull, Messages, MessagesOfClient
from services.api.web.negotiation import CSV
from services.api.web.operation import MADE_AT, SENT_AT, Json, Operation, success, text_content
from services.api.web.route import Handler

MESSAGE: Json = {
    "id": 1,
    "client_id": 1,
    "phone": "79161234567",
    "operator_code": "916",
    "tag": "vip",
    "mailing_id": 1,
    "status": "sent",
    "reason": None,
    "attempts": 2,
    "created_at": MADE_AT,
    "sent_at": SENT_AT,
    "delivery": "delivered",
    "delivery_reason": None,
    "delivered_at": "2035-01-30T09:00:05Z",
}
MESSAGES: Json = {"items": [MESSAGE], "next": None}
MESSAGES_CSV = (
    "id,client_id,phone,operator_code,tag,mailing_id,status,reason,attempts,created_at,sent_at,"
    "delivery,delivery_reason,delivered_at\r\n"
    "1,1,79161234567,916,vip,1,sent,,2,2035-01-30T09:00:00Z,2035-01-30T09:00:01.250000Z,"
    "delivered,,2035-01-30T09:00:05Z\r\n"
)
MESSAGE_OF_CLIENT: Json = {
    **{name: MESSAGE[name] for name in ("id", "mailing_id", "status", "reason", "attempts", "created_at", "sent_at")},
    "mailing_name": "November news",
    "mailing_deleted": False,
}
MESSAGE_IN_FULL: Json = {
    **{name: value for name, value in MESSAGE.items() if name not in {"phone", "operator_code", "tag"}},
    "attempts": [
        {
            "number": 1,
            "started_at": "2035-01-30T09:00:00.100000Z",
            "duration_ms": 31,
            "outcome": "server_error",
            "http_status": 503,
            "detail": "HTTP 503",
            "provider": None,
            "provider_id": None,
            "cost": None,
        },
        {
            "number": 2,
            "started_at": "2035-01-30T09:00:01.200000Z",
            "duration_ms": 48,
            "outcome": "accepted",
            "http_status": 200,
            "detail": None,
            "provider": None,
            "provider_id": None,
            "cost": None,
        },
    ],
}

OPERATIONS: Mapping[Handler, Operation] = {
    messages.listing: Operation(
        "listMessages",
        "messages",
        "Lists the messages of a mailing by ascending id, page by page. With Accept: text/csv all of them are "
        "streamed, regardless of the limit; if the connection closes before the answer ends, the list is incomplete.",
        {
            200: success(
                "A page of messages, or all of them as CSV.",
                Messages,
                MESSAGES,
                text_content(CSV, "A header, then one message per line.", MESSAGES_CSV),
                headers=("Link",),
            )
        },
    ),
    messages.to_client: Operation(
        "listMessagesOfClient",
        "messages",
        "Lists the messages to a client, page by page, those of the newest mailing first, also of deleted mailings.",
        {
            200: success(
                "A page of messages.",
                MessagesOfClient,
                {"items": [MESSAGE_OF_CLIENT], "next": None},
                headers=("Link",),
            )
        },
    ),
    messages.show: Operation(
        "showMessage",
        "messages",
        "Shows a message with every request to the provider that was made for it, also when its mailing or its client "
        "was deleted: what was sent stays on record.",
        {200: success("The message.", MessageInFull, MESSAGE_IN_FULL)},
    ),
}
