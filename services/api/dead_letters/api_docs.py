"""What the document says of dead letters."""

from collections.abc import Mapping

from services.api.dead_letters import handlers as dead_letters
from services.api.dead_letters.responses import DeadLetters, Dropped, Replayed
from services.api.dead_letters.schemas import DeadLettersReplay
from services.api.openapi import examples
from services.api.openapi.operation import Example, Operation, body, shown
from services.api.web.route import Handler

_NO_BROKER = "The broker or the database is away."

DEAD_LETTERS: Mapping[Handler, Operation] = {
    dead_letters.listing: Operation(
        "listDeadLetters",
        "dead-letters",
        "Lists what waits in the dead queues, page by page, and why it is dead. Looking changes nothing.",
        {200: shown("A page of dead letters.", DeadLetters, examples.DEAD_LETTERS, headers=("Link",))},
        errors={503: _NO_BROKER},
    ),
    dead_letters.replay: Operation(
        "replayDeadLetters",
        "dead-letters",
        "Gives dead letters back to work. An exhausted message gets a new round with all its attempts; other letters "
        "go back to the queue that they came from. What cannot be replayed stays, with the reason. Either `ids` or "
        "`all` must be given.",
        {200: shown("What was replayed, and what was not.", Replayed, examples.REPLAYED)},
        body=body(
            DeadLettersReplay,
            all=Example("All of one queue", examples.REPLAY_ALL),
            some=Example("By their ids", examples.REPLAY_SOME),
        ),
        errors={503: _NO_BROKER},
    ),
    dead_letters.drop: Operation(
        "dropDeadLetters",
        "dead-letters",
        "Removes dead letters for good. The messages that they were about keep their status. Either `ids` or `all` "
        "must be given.",
        {200: shown("How many were dropped.", Dropped, examples.DROPPED)},
        query=examples.DROP,
        errors={503: _NO_BROKER},
    ),
}
