"""Turns due messages into jobs on the broker, a chunk of one mailing at a time."""

from collections.abc import Sequence
from uuid import UUID

from services.planner.store import turns
from services.planner.store.turns import Due
from shared import failpoints, topology
from shared.broker import Outgoing, Publisher
from shared.database import Pool
from shared.messages import Job, encode


def job(message_id: int, mailing_id: int, client_id: int, attempt: int) -> Outgoing:
    """Make the job that asks for this attempt."""
    body = Job(message_id=message_id, mailing_id=mailing_id, client_id=client_id, attempt=attempt)
    return Outgoing(topology.JOBS, topology.SEND_KEY, encode(body))


async def release(pool: Pool, publisher: Publisher, owner: UUID, mailing_id: int, limit: int) -> int:
    """Release up to `limit` messages of a mailing, and return how many are on the broker now.

    Flights are committed before their jobs are published, and marked after: a crash in between leaves them
    unreleased, to be released again; the claim absorbs the double.
    """
    async with pool.acquire() as connection, connection.transaction():
        held = await turns.hold_release(connection, owner, mailing_id)
        if held is None:
            return 0
        due = await turns.take_waiting(connection, mailing_id, limit)
        if len(due) < limit:
            due += await turns.take_fresh(connection, mailing_id, held.cursor, limit - len(due))
    failpoints.reach("planner.flights_inserted")
    released = await _publish(publisher, mailing_id, due)
    failpoints.reach("planner.jobs_published")
    if released:
        await turns.mark_released(pool, released, held.began_at)
    return len(released)


async def _publish(publisher: Publisher, mailing_id: int, due: Sequence[Due]) -> list[int]:
    jobs = [job(one.message_id, mailing_id, one.client_id, one.attempt) for one in due]
    confirmed = await publisher.publish_all(jobs)
    return [one.message_id for one, done in zip(due, confirmed, strict=True) if done]
