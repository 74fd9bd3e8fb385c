"""Freezes the audiences of mailings: creates one message for each matching client, in chunks by client id."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from uuid import UUID

import orjson

from services.planner.store import expansion as store
from services.planner.store.expansion import FIRST_OF_FILTER, ExpandedMailing
from shared import logs
from shared.audience.reading import read_tree
from shared.audience.sql import compile_filter
from shared.database import Pool, retry_on_deadlock

# A chunk locks the mailing's row FOR SHARE: an operator who edits or cancels waits for one statement at most.
CLIENTS_PER_CHUNK = 2000
# Of many mailings together a statement looks at no more clients than this, and at no fewer of each than that.
CLIENTS_PER_BATCH, LEAST_CLIENTS = 4000, 100
# A pass has several chunks, for this long: releasing, which follows, may wait a second for a broker under load, and an
# audience of a million must not take 500 such passes.
BATCH_SECONDS = 0.2

log = logs.get()


@dataclass(frozen=True, slots=True)
class ExpandedMessages:
    """How many messages a pass added, and how many of them were cancelled at once, to clients on the stop list."""

    added: int
    opted_out: int


async def expand_leased(pool: Pool, owner: UUID, mailings: Mapping[int, str | None]) -> ExpandedMessages:
    """Expands these mailings (request id by mailing id) together, chunk by chunk for a fifth of a second."""
    loop, added, opted_out = asyncio.get_running_loop(), 0, 0
    until, left = loop.time() + BATCH_SECONDS, list(mailings)
    while left and loop.time() < until:
        size = min(max(CLIENTS_PER_BATCH // len(left), LEAST_CLIENTS), CLIENTS_PER_CHUNK)
        chunks = await expand_chunks(pool, owner, left, size)
        for chunk in chunks:
            _log_chunk(chunk, mailings[chunk.mailing_id])
        added += sum(chunk.added for chunk in chunks)
        opted_out += sum(chunk.opted_out for chunk in chunks)
        left = [chunk.mailing_id for chunk in chunks if not chunk.done]
    return ExpandedMessages(added, opted_out)


async def expand_chunks(pool: Pool, owner: UUID, mailing_ids: list[int], size: int) -> list[ExpandedMailing]:
    """Expands one chunk of each of these mailings: all or none of those whose filters are lists, the others alone.

    A filter that is a tree of conditions has a statement of its own.
    """
    trees = await store.read_trees(pool, mailing_ids)
    plain = [mailing_id for mailing_id in mailing_ids if mailing_id not in trees]
    chunks = await retry_on_deadlock(lambda: store.expand(pool, owner, plain, size)) if plain else []
    for mailing_id, tree in trees.items():
        compiled = compile_filter(
            read_tree(orjson.loads(tree.conditions)),
            first=FIRST_OF_FILTER,
            mailing_id=mailing_id,
            start=tree.started_at,
        )
        chunks += await retry_on_deadlock(partial(store.expand, pool, owner, [mailing_id], size, compiled))
    return chunks


def _log_chunk(chunk: ExpandedMailing, request_id: str | None) -> None:
    ids = {"mailing_id": chunk.mailing_id, "request_id": request_id}
    if chunk.added:
        span = {"first_message_id": chunk.first_id, "last_message_id": chunk.last_id}
        log.info(
            "messages created",
            **ids,
            messages=chunk.added,
            opted_out=chunk.opted_out,
            **span,
            up_to_client_id=chunk.cursor,
        )
    if chunk.done:
        log.info("audience frozen", **ids)
