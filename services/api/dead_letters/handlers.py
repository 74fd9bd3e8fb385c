"""Dead letters, for admins: lists them with their reasons, and replays or drops them, by ids or all."""

from collections.abc import AsyncGenerator, AsyncIterator, Collection, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass

from aiohttp import web

from services.api.audit.log import origin_of, record_other
from services.api.dead_letters.letter import KINDS, Letter
from services.api.dead_letters.queues import DEAD_QUEUES, DeadQueueSession, DeadQueuesUnavailable, FetchedLetter
from services.api.dead_letters.replayer import Replayer
from services.api.dead_letters.responses import DeadLetter, DeadLetters, Dropped, Replayed
from services.api.dead_letters.schemas import DeadLettersDrop, DeadLettersQuery, DeadLettersReplay
from services.api.mailings.planner_hints import notify_planner
from services.api.web import cursors, pages
from services.api.web.bodies import read_body
from services.api.web.context import pool_of, query_of
from services.api.web.problems import HttpProblem
from services.api.web.responses import reply
from shared import logs

KIND = "dead"
# Letters replayed in one transaction.
GROUP_SIZE = 200

log = logs.get()


@dataclass(frozen=True, slots=True)
class LetterChoice:
    """The chosen letters of some queues: those with these ids, or all if `ids` is None."""

    queues: Sequence[str]
    ids: Collection[str] | None

    def holds(self, letter: Letter) -> bool:
        return self.ids is None or letter.id in self.ids


async def listing(request: web.Request) -> web.Response:
    query = query_of(request, DeadLettersQuery)
    skip = pages.position(query, KIND, start=0)
    async with _open(request) as queues:
        seen = await _first_letters(queues, _names(query.queue), skip + query.limit + 1)
    items = [_response(letter) for letter in seen[skip : skip + query.limit]]
    following = cursors.encode(KIND, skip + query.limit) if len(seen) > skip + query.limit else None
    return pages.reply_page(request, DeadLetters(items=items, next=following), following)


async def replay(request: web.Request) -> web.Response:
    body = await read_body(request, DeadLettersReplay)
    choice = LetterChoice(_names(body.queue), None if body.ids is None else frozenset(body.ids))
    async with _open(request) as queues:
        replayer = Replayer(pool_of(request), queues, origin_of(request))
        seen = await _replay(queues, choice, replayer)
    for letter_id in sorted(set(choice.ids or ()) - seen):
        replayer.refuse(letter_id, "there is no such dead letter")
    for mailing_id in sorted(replayer.mailing_ids):
        notify_planner(request, "mailing.updated", mailing_id)
    counts = {"replayed": replayer.replayed, "refused": replayer.refused}
    await record_other(pool_of(request), "dead_letters_replayed", origin_of(request), queues=choice.queues, **counts)
    log.info("dead letters replayed", replayed=replayer.replayed, refused=replayer.refused)
    return reply(Replayed(replayed=replayer.replayed, refused=replayer.refused, errors=replayer.errors))


async def drop(request: web.Request) -> web.Response:
    query = query_of(request, DeadLettersDrop)
    choice = LetterChoice(_names(query.queue), query.chosen)
    async with _open(request) as queues:
        # Before, and so without their number: nothing may be dropped that no event tells of.
        letters = "all" if choice.ids is None else len(choice.ids)
        origin = origin_of(request)
        await record_other(pool_of(request), "dead_letters_dropped", origin, queues=choice.queues, letters=letters)
        if choice.ids is None:
            dropped = sum([await queues.purge(name) for name in choice.queues])
        else:
            dropped = await _drop(queues, choice)
    log.warning("dead letters dropped", dropped=dropped)
    return reply(Dropped(dropped=dropped))


@asynccontextmanager
async def _open(request: web.Request) -> AsyncIterator[DeadQueueSession]:
    """Opens the dead queues. Raises a 503 problem when the broker is unavailable."""
    try:
        async with request.app[DEAD_QUEUES].open() as queues:
            yield queues
    except DeadQueuesUnavailable as error:
        raise HttpProblem("broker-unavailable", str(error), headers={"Retry-After": "2"}) from None


def _names(queue: str | None) -> Sequence[str]:
    return tuple(KINDS) if queue is None else (queue,)


async def _letters_of(queues: DeadQueueSession, names: Sequence[str]) -> AsyncGenerator[FetchedLetter]:
    for name in names:
        async for found in queues.letters(name):
            yield found


async def _first_letters(queues: DeadQueueSession, names: Sequence[str], most: int) -> list[Letter]:
    seen: list[Letter] = []
    async with aclosing(_letters_of(queues, names)) as letters:
        async for found in letters:
            seen.append(found.letter)
            if len(seen) >= most:
                break
    return seen


async def _replay(queues: DeadQueueSession, choice: LetterChoice, replayer: Replayer) -> set[str]:
    """Replays the chosen letters group by group, and returns the ids of those that were found."""
    seen: set[str] = set()
    group: list[FetchedLetter] = []
    async for found in _letters_of(queues, choice.queues):
        if choice.holds(found.letter):
            seen.add(found.letter.id)
            group.append(found)
        if len(group) >= GROUP_SIZE:
            await replayer.replay(group)
            group = []
    await replayer.replay(group)
    return seen


async def _drop(queues: DeadQueueSession, choice: LetterChoice) -> int:
    chosen = [found async for found in _letters_of(queues, choice.queues) if choice.holds(found.letter)]
    await queues.acknowledge(chosen)
    for letter in (found.letter for found in chosen):
        log.info("letter dropped", letter_id=letter.id, mailing_id=letter.mailing_id, message_id=letter.message_id)
    return len(chosen)


def _response(letter: Letter) -> DeadLetter:
    return DeadLetter(
        id=letter.id,
        queue=letter.queue,
        reason=letter.reason,
        mailing_id=letter.mailing_id,
        message_id=letter.message_id,
        at=letter.at,
    )
