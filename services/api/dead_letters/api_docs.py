"""Describes the operations on dead letters for the API's document."""

from collections.abc import Mapping

from services.api.dead_letters import handlers as dead_letters
from services.api.dead_letters.responses import DeadLetters, Dropped, Replayed
from services.api.dead_letters.schemas import DeadLettersReplay
from services.api.web.operation import SENT_AT, Example, Json, Operation, json_body, success
from services.api.web.route import Handler

DEAD_LETTERS: Json = {
    "items": [
        {
            "id": "0f1e2d3c4b5a6978",
            "queue": "dispatcher.dead",
            "reason": "exhausted: HTTP 500",
            "mailing_id": 1,
            "message_id": 1,
            "at": SENT_AT,
        }
    ],
    "next": None,
}
REPLAY_ALL: Json = {"all": True, "queue": "dispatcher.dead"}
REPLAY_SOME: Json = {"ids": ["0f1e2d3c4b5a6978"]}
REPLAYED: Json = {
    "replayed": 0,
    "refused": 1,
    "errors": [{"id": "0f1e2d3c4b5a6978", "detail": "the mailing's deadline has passed"}],
}
DROP: Json = {"all": True}
DROPPED: Json = {"dropped": 1}

NO_BROKER = "The broker or the database is unavailable."

OPERATIONS: Mapping[Handler, Operation] = {
    dead_letters.listing: Operation(
        "listDeadLetters",
        "dead-letters",
        "Lists dead letters page by page, with the reason why each of them is dead. Listing does not change them.",
        {200: success("A page of dead letters.", DeadLetters, DEAD_LETTERS, headers=("Link",))},
        errors={503: NO_BROKER},
    ),
    dead_letters.replay: Operation(
        "replayDeadLetters",
        "dead-letters",
        "Sends dead letters back for processing. An exhausted message gets a new round with all its attempts; other "
        "letters return to the queue that they came from. A letter that cannot be replayed stays, and the answer "
        "gives the reason. Either `ids` or `all` is required.",
        {200: success("The number of letters that were replayed and refused.", Replayed, REPLAYED)},
        body=json_body(
            DeadLettersReplay,
            all=Example("All letters of one queue", REPLAY_ALL),
            some=Example("Letters by their ids", REPLAY_SOME),
        ),
        errors={503: NO_BROKER},
    ),
    dead_letters.drop: Operation(
        "dropDeadLetters",
        "dead-letters",
        "Removes dead letters for good. Their messages keep their status. Either `ids` or `all` is required.",
        {200: success("The number of dropped letters.", Dropped, DROPPED)},
        query=DROP,
        errors={503: NO_BROKER},
    ),
}
