"""Jobs between their delivery and their claim: unreadable bodies are set apart, the rest leaves in batches."""

import asyncio
from collections import deque
from collections.abc import Iterable

import msgspec

from services.dispatcher.metrics import Metrics
from shared import logs, topology
from shared.broker import Delivery
from shared.messages import Job, Unreadable, decode

log = logs.get()


class DeliveredJob(msgspec.Struct, frozen=True, gc=False):
    """A job that the broker delivered, and the delivery to acknowledge."""

    delivery: Delivery
    job: Job

    @property
    def ids(self) -> dict[str, int]:
        """The log fields that name the job."""
        return {
            "mailing_id": self.job.mailing_id,
            "message_id": self.job.message_id,
            "attempt": self.job.attempt,
        }


class Intake:
    """The jobs that were delivered and are not claimed yet, in the order of their arrival."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._inbox: deque[DeliveredJob] = deque()
        self._unreadable: deque[Delivery] = deque()
        self._aside: deque[DeliveredJob] = deque()
        self.arrived = asyncio.Event()

    @property
    def held(self) -> int:
        """Jobs that were delivered and are not claimed yet."""
        return len(self._inbox)

    def enqueue(self, delivery: Delivery) -> None:
        """Adds a delivery. Runs in the connection's callback, which must not wait."""
        try:
            self._inbox.append(DeliveredJob(delivery, decode(Job, delivery.body)))
        except Unreadable as error:
            log.error("body unreadable", queue=topology.DISPATCHER_JOBS, detail=str(error))
            self._unreadable.append(delivery)
        self.arrived.set()

    def put_first(self, delivered: DeliveredJob) -> None:
        """Puts a job back that is claimed again at once."""
        self._inbox.appendleft(delivered)
        self.arrived.set()

    def put_last(self, delivered: DeliveredJob) -> None:
        """Puts a job back that is claimed again after those already waiting."""
        self._inbox.append(delivered)
        self.arrived.set()

    def set_aside(self, delivered: DeliveredJob) -> None:
        """Keeps a job that failed apart, until `take_set_aside`."""
        self._aside.append(delivered)
        self.arrived.set()

    def take_set_aside(self) -> list[DeliveredJob]:
        """Returns the jobs that failed: they are to be tried again after a while."""
        taken = list(self._aside)
        self._aside.clear()
        return taken

    def restore(self, batch: Iterable[DeliveredJob]) -> None:
        """Puts a batch back whose claim failed."""
        self._inbox.extendleft(batch)

    def drain(self) -> list[DeliveredJob]:
        """Empties the inbox, and returns the jobs that were in it."""
        drained = list(self._inbox)
        self._inbox.clear()
        return drained

    def reject_unreadable(self) -> None:
        """Rejects the bodies that are no jobs: the broker moves them to the dead queue."""
        while self._unreadable:
            self._unreadable.popleft().reject()
            self._metrics.dead["unreadable"].inc()

    def reject_damaged(self, delivered: DeliveredJob) -> None:
        """Rejects a job that asks for an attempt which nobody may ask for."""
        log.error("job damaged", queue=topology.DISPATCHER_JOBS, **delivered.ids)
        delivered.delivery.reject()
        self._metrics.dead["damaged"].inc()

    def forget_dead(self) -> None:
        """Drops deliveries whose channel is closed: the broker delivers their bodies again."""
        if self._inbox and not self._inbox[0].delivery.alive:
            self._inbox = deque(one for one in self._inbox if one.delivery.alive)

    def next_batch(self, size: int) -> dict[int, DeliveredJob]:
        """Takes up to `size` jobs, by message id. A second job of the same message waits for the next batch."""
        batch: dict[int, DeliveredJob] = {}
        for _ in range(len(self._inbox)):
            if len(batch) >= size:
                break
            delivered = self._inbox.popleft()
            if delivered.job.message_id in batch:
                self._inbox.append(delivered)
            else:
                batch[delivered.job.message_id] = delivered
        return batch
