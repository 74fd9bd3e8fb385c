"""What the document says of dead letters."""

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

NO_BROKER = "The broker or the database is away."

OPERATIONS: Mapping[Handler, Operation] = {
    dead_letters.listing: Operation(
        "listDeadLetters",
        "dead-letters",
        "Lists what waits in the dead queues, page by page, and why it is dead. Looking changes nothing.",
        {200: success("A page of dead letters.", DeadLetters, DEAD_LETTERS, headers=("Link",))},
        errors={503: NO_BROKER},
    ),
    dead_letters.replay: Operation(
        "replayDeadLetters",
        "dead-letters",
        "Gives dead letters back to work. An exhausted message gets a new round with all its attempts; other letters "
        "go back to the queue that they came from. What cannot be replayed stays, with the reason. Either `ids` or "
        "`all` must be given.",
        {200: success("What was replayed, and what was not.", Replayed, REPLAYED)},
        body=json_body(
            DeadLettersReplay,
            all=Example("All of one queue", REPLAY_ALL),
            some=Example("By their ids", REPLAY_SOME),
        ),
        errors={503: NO_BROKER},
    ),
    dead_letters.drop: Operation(
        "dropDeadLetters",
        "dead-letters",
        "Removes dead letters for good. The messages that they were about keep their status. Either `ids` or `all` "
        "must be given.",
        {200: success("How many were dropped.", Dropped, DROPPED)},
        query=DROP,
        errors={503: NO_BROKER},
    ),
}
