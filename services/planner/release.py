"""Turns due messages into jobs on the broker, a chunk of one mailing at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.planner.store import releases, windows
from services.planner.store.releases import DueFlight
from shared import failpoints, logs, topology
from shared.broker import Outgoing, Publisher
from shared.database import Pool
from shared.messages import Job, encode

log = logs.get()


def make_job(message_id: int, mailing_id: int, client_id: int, attempt: int) -> Outgoing:
    """Makes the job that asks for this attempt."""
    body = Job(message_id=message_id, mailing_id=mailing_id, client_id=client_id, attempt=attempt)
    return Outgoing(topology.JOBS, topology.SEND_KEY, encode(body))


@dataclass(frozen=True, slots=True)
class ReleasedChunk:
    """The number of jobs that one chunk published, and of flights that wait until their client's window opens."""

    published: int = 0
    waiting: int = 0

    @property
    def progressed(self) -> bool:
        return self.published + self.waiting > 0


async def release_chunk(pool: Pool, publisher: Publisher, owner: UUID, mailing_id: int, limit: int) -> ReleasedChunk:
    """Releases up to `limit` messages of a mailing.

    Flights are committed before their jobs are published, and marked after. A crash in between leaves them
    unreleased: they are released again, and the claim absorbs the doubled job.
    """
    async with pool.acquire() as connection, connection.transaction():
        locked = await releases.lock_release(connection, owner, mailing_id)
        if locked is None:
            return ReleasedChunk()
        taken = await releases.take_waiting(connection, mailing_id, limit)
        if len(taken) < limit:
            taken += await releases.take_fresh(connection, mailing_id, locked.cursor, limit - len(taken))
    failpoints.reach("planner.flights_inserted")
    due, waiting = [one for one in taken if not one.waits], [one for one in taken if one.waits]
    published = await _publish(publisher, mailing_id, due)
    _log_chunk(mailing_id, due, published, waiting)
    failpoints.reach("planner.jobs_published")
    if published:
        await releases.mark_released(pool, published, locked.began_at)
    if waiting:
        await windows.recheck_moved_clients(pool, waiting)
    return ReleasedChunk(len(published), len(waiting))


async def _publish(publisher: Publisher, mailing_id: int, due: Sequence[DueFlight]) -> list[int]:
    """Publishes the jobs, and returns the ids of the messages whose job was confirmed."""
    jobs = [make_job(one.message_id, mailing_id, one.client_id, one.attempt) for one in due]
    confirmed = await publisher.publish_all(jobs)
    return [one.message_id for one, done in zip(due, confirmed, strict=True) if done]


def _log_chunk(
    mailing_id: int, due: Sequence[DueFlight], published: Sequence[int], waiting: Sequence[DueFlight]
) -> None:
    """Logs what became of the messages of a chunk: released, waiting, or not published."""
    done = set(published)
    left = [one.message_id for one in due if one.message_id not in done]
    for ids in logs.in_lines(published):
        log.info("messages released", mailing_id=mailing_id, message_ids=ids)
    for ids in logs.in_lines([one.message_id for one in waiting]):
        log.info("messages wait for their window", mailing_id=mailing_id, message_ids=ids)
    for ids in logs.in_lines(left):
        log.warning("jobs not published", mailing_id=mailing_id, message_ids=ids)
