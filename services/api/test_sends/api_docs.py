"""Describes the operations on test-sends for the API's document."""

from collections.abc import Mapping

from services.api.test_sends import handlers as test_sends
from services.api.test_sends.responses import TestSend
from services.api.test_sends.schemas import TestSendNew
from services.api.web.operation import MADE_AT, Example, Json, Operation, json_body, success
from services.api.web.route import Handler

TEST_SEND_NEW: Json = {"text": "Your order is ready.", "phones": ["79161234567", "79031234568"]}
_MESSAGE: Json = {"phone": "79161234567", "message_id": None, "status": "pending", "reason": None, "attempts": 0}
TEST_SEND: Json = {
    "id": 1,
    "text": "Your order is ready.",
    "created_at": MADE_AT,
    "end_at": "2035-01-30T09:05:00Z",
    "finished": False,
    "messages": [_MESSAGE, {**_MESSAGE, "phone": "79031234568"}],
}
TEST_SENT: Json = {
    **TEST_SEND,
    "finished": True,
    "messages": [
        {**_MESSAGE, "message_id": 1, "status": "sent", "attempts": 1},
        {**_MESSAGE, "phone": "79031234568", "message_id": 2, "status": "sent", "attempts": 1},
    ],
}

OPERATIONS: Mapping[Handler, Operation] = {
    test_sends.create: Operation(
        "createTestSend",
        "test-sends",
        "Sends a text to up to five phones now, at any hour, by the way of every message. The phones need not be in "
        "the directory, and are not added to it. A test-send is in no list of mailings and in no statistics. What is "
        "not sent after five minutes expires.",
        {201: success("The test-send.", TestSend, TEST_SEND, headers=("Location",))},
        body=json_body(TestSendNew, two=Example("A text to two phones", TEST_SEND_NEW)),
    ),
    test_sends.show: Operation(
        "showTestSend",
        "test-sends",
        "Shows what became of a test-send. GET /messages/{id} shows each attempt.",
        {200: success("The test-send.", TestSend, TEST_SENT)},
    ),
}
