"""Turns due messages into jobs on the broker, a chunk of one mailing at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.planner.store import releases
from services.planner.store.releases import Due
from shared import failpoints, logs, topology
from shared.broker import Outgoing, Publisher
from shared.database import Pool
from shared.messages import Job, encode

log = logs.get()


def job(message_id: int, mailing_id: int, client_id: int, attempt: int) -> Outgoing:
    """Makes the job that asks for this attempt."""
    body = Job(message_id=message_id, mailing_id=mailing_id, client_id=client_id, attempt=attempt)
    return Outgoing(topology.JOBS, topology.SEND_KEY, encode(body))


@dataclass(frozen=True, slots=True)
class Released:
    """What one chunk came to: jobs on the broker, and flights that wait until their client's window opens."""

    published: int = 0
    waiting: int = 0

    @property
    def moved_on(self) -> bool:
        return self.published + self.waiting > 0


async def release(pool: Pool, publisher: Publisher, owner: UUID, mailing_id: int, limit: int) -> Released:
    """Releases up to `limit` messages of a mailing.

    Flights are committed before their jobs are published, and marked after: a crash in between leaves them
    unreleased, to be released again; the claim absorbs the double.
    """
    async with pool.acquire() as connection, connection.transaction():
        held = await releases.hold_release(connection, owner, mailing_id)
        if held is None:
            return Released()
        taken = await releases.take_waiting(connection, mailing_id, limit)
        if len(taken) < limit:
            taken += await releases.take_fresh(connection, mailing_id, held.cursor, limit - len(taken))
    failpoints.reach("planner.flights_inserted")
    due, waiting = [one for one in taken if not one.waits], [one for one in taken if one.waits]
    published = await _publish(publisher, mailing_id, due)
    _tell(mailing_id, due, published, waiting)
    failpoints.reach("planner.jobs_published")
    if published:
        await releases.mark_released(pool, published, held.began_at)
    if waiting:
        await releases.judge_moved_anew(pool, waiting)
    return Released(len(published), len(waiting))


async def _publish(publisher: Publisher, mailing_id: int, due: Sequence[Due]) -> list[int]:
    jobs = [job(one.message_id, mailing_id, one.client_id, one.attempt) for one in due]
    confirmed = await publisher.publish_all(jobs)
    return [one.message_id for one, done in zip(due, confirmed, strict=True) if done]


def _tell(mailing_id: int, due: Sequence[Due], published: Sequence[int], waiting: Sequence[Due]) -> None:
    """Logs what became of a chunk, a line for each way it went."""
    done = set(published)
    left = [one.message_id for one in due if one.message_id not in done]
    for ids in logs.in_lines(published):
        log.info("messages released", mailing_id=mailing_id, message_ids=ids)
    for ids in logs.in_lines([one.message_id for one in waiting]):
        log.info("messages wait for their window", mailing_id=mailing_id, message_ids=ids)
    for ids in logs.in_lines(left):
        log.warning("jobs not published", mailing_id=mailing_id, message_ids=ids)
