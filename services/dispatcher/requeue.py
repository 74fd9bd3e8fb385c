"""Publishes jobs that are not sent now to a queue from which they come again, then acknowledges them."""

from collections.abc import Sequence
from datetime import timedelta

from services.dispatcher.intake import DeliveredJob, Intake
from shared import logs, topology, tracing
from shared.broker import Outgoing, Publisher
from shared.messages import encode

log = logs.get()


class Requeue:
    """The way back to the broker. A job that cannot be published is claimed again here."""

    def __init__(self, publisher: Publisher, intake: Intake, shortest_delay: timedelta) -> None:
        self._publisher = publisher
        self._intake = intake
        self._shortest = topology.retry_queue(shortest_delay)

    async def send_round(self, jobs: Sequence[DeliveredJob]) -> None:
        """Publishes jobs to the shortest retry queue: they come back soon."""
        await self._publish(jobs, topology.RETRY, self._shortest)

    async def send_back(self, jobs: Sequence[DeliveredJob]) -> None:
        """Publishes jobs to the queue that they came from. Those whose channel is closed are there already."""
        await self._publish([one for one in jobs if one.delivery.alive], topology.JOBS, topology.SEND_KEY)

    async def _publish(self, jobs: Sequence[DeliveredJob], exchange: str, key: str) -> None:
        if not jobs:
            return
        outgoings = [Outgoing(exchange, key, encode(one.job), tracing.kept(one.delivery.headers)) for one in jobs]
        confirmed = await self._publisher.publish_all(outgoings)
        unpublished = []
        for delivered, published in zip(jobs, confirmed, strict=True):
            if published:
                delivered.delivery.ack()
            else:
                unpublished.append(delivered.job.message_id)
                self._intake.put_last(delivered)
        if unpublished:
            log.warning("jobs not republished", message_ids=unpublished, key=key)
