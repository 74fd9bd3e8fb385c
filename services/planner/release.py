"""Turns due messages into jobs on the broker, many mailings in each batch."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from services.planner.job_spans import JobSpans
from services.planner.store import leases, releases, windows
from services.planner.store.releases import DueFlight
from shared import failpoints, logs, topology, tracing
from shared.broker import Outgoing, Publisher
from shared.database import Pool
from shared.messages import Job, encode

# A lease lasts 10 s, and a broker in trouble may take longer for a batch.
RENEW_SECONDS = 3.0

log = logs.get()


def make_job(
    message_id: int, mailing_id: int, client_id: int, attempt: int, traceparent: str | None = None
) -> Outgoing:
    """Makes the job that asks for this attempt."""
    body = Job(message_id=message_id, mailing_id=mailing_id, client_id=client_id, attempt=attempt)
    return Outgoing(topology.JOBS, topology.SEND_KEY, encode(body), tracing.headers_of(traceparent))


@dataclass(frozen=True, slots=True)
class ReleaseOrder:
    """How many messages of a leased mailing may be released. `fresh`: it has some that never had a flight."""

    most: int
    fresh: bool
    request_id: str | None
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class ReleasedBatch:
    """The number of jobs that one batch published, and of flights that wait until their client's window opens.

    `unknown_zones`: how many of these wait because the database does not know their client's time zone.
    """

    published: int = 0
    waiting: int = 0
    unknown_zones: int = 0

    @property
    def progressed(self) -> bool:
        return self.published + self.waiting > 0


async def release_batch(
    pool: Pool, publisher: Publisher, owner: UUID, orders: Mapping[int, ReleaseOrder]
) -> ReleasedBatch:
    """Releases messages of leased mailings (orders by mailing id), as many of each as its order allows.

    No transaction is open while jobs are published. Fresh flights are inserted as released, and what lies behind the
    confirmed cursor is released again by whoever has the lease after a crash. Flights that waited in the table are
    marked after the confirm. In both cases the claim absorbs a doubled job.
    """
    waited = await releases.take_waiting(pool, owner, {key: order.most for key, order in orders.items()})
    fresh = await releases.take_fresh(pool, owner, _left(orders, waited.flights))
    failpoints.reach("planner.flights_inserted")
    taken = [*waited.flights, *fresh.flights]
    due, waiting = [one for one in taken if not one.waits], [one for one in taken if one.waits]
    published = await _publish(pool, publisher, owner, orders, due)
    _log_batch(orders, due, published, waiting)
    failpoints.reach("planner.jobs_published")
    marked = [one.message_id for one in waited.flights if one.message_id in published]
    if marked:
        await releases.mark_released(pool, marked, waited.taken_at)
    failed = [one.message_id for one in fresh.flights if not one.waits and one.message_id not in published]
    if failed:
        await releases.take_back(pool, owner, failed)
    if waiting:
        await windows.recheck_moved_clients(pool, waiting)
    return ReleasedBatch(len(published), len(waiting), sum(one.zone_unknown for one in waiting))


def _left(orders: Mapping[int, ReleaseOrder], waited: Sequence[DueFlight]) -> dict[int, int]:
    """Returns how many fresh messages of each mailing may be released beside those that waited."""
    used = Counter(one.mailing_id for one in waited)
    return {key: order.most - used[key] for key, order in orders.items() if order.fresh and order.most > used[key]}


async def _publish(
    pool: Pool, publisher: Publisher, owner: UUID, orders: Mapping[int, ReleaseOrder], due: Sequence[DueFlight]
) -> set[int]:
    """Publishes the jobs while it keeps the leases, and returns the ids of the messages whose job was confirmed."""
    if not due:
        return set()
    spans = JobSpans(due, {key: order.traceparent for key, order in orders.items()})
    jobs = [
        make_job(one.message_id, one.mailing_id, one.client_id, one.attempt, spans.traceparent(place))
        for place, one in enumerate(due)
    ]
    publishing = asyncio.ensure_future(publisher.publish_all(jobs))
    try:
        while not (await asyncio.wait((publishing,), timeout=RENEW_SECONDS))[0]:
            await leases.renew(pool, owner, list(orders))
    finally:
        publishing.cancel()
    confirmed = publishing.result()
    spans.end(confirmed)
    return {one.message_id for one, done in zip(due, confirmed, strict=True) if done}


def _log_batch(
    orders: Mapping[int, ReleaseOrder], due: Sequence[DueFlight], published: set[int], waiting: Sequence[DueFlight]
) -> None:
    """Logs what became of the messages of a batch, by mailing: released, waiting, or not published."""
    for fields in _lines(orders, [one for one in due if one.message_id in published]):
        log.info("messages released", **fields)
    for fields in _lines(orders, [one for one in waiting if not one.zone_unknown]):
        log.info("messages wait for their window", **fields)
    for fields in _lines(orders, [one for one in waiting if one.zone_unknown]):
        log.error("time zones unknown", **fields)
    for fields in _lines(orders, [one for one in due if one.message_id not in published]):
        log.warning("jobs not published", **fields)


def _lines(orders: Mapping[int, ReleaseOrder], flights: Sequence[DueFlight]) -> Iterator[dict[str, object]]:
    """Yields the fields of each log line about these flights: one mailing each, with as many ids as a line holds."""
    by_mailing: dict[int, list[int]] = {}
    for one in flights:
        by_mailing.setdefault(one.mailing_id, []).append(one.message_id)
    for mailing_id, message_ids in by_mailing.items():
        for ids in logs.in_lines(message_ids):
            yield {"mailing_id": mailing_id, "request_id": orders[mailing_id].request_id, "message_ids": ids}
