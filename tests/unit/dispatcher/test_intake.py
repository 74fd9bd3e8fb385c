"""The intake: deliveries become jobs in an inbox, and leave it in batches."""

import pytest
from prometheus_client import CollectorRegistry

from services.dispatcher.intake import DeliveredJob, Intake
from services.dispatcher.metrics import Metrics
from shared.messages import encode
from tests.support.builders import a_job
from tests.support.fakes import FakeDelivery


def an_intake(*message_ids: int) -> Intake:
    """Makes an intake that holds one job for each of these ids, in their order."""
    intake = Intake(Metrics(CollectorRegistry()))
    for message_id in message_ids:
        intake.enqueue(FakeDelivery(encode(a_job(message_id=message_id))))
    return intake


def delivered(message_id: int) -> DeliveredJob:
    return DeliveredJob(FakeDelivery(), a_job(message_id=message_id))


@pytest.mark.parametrize(
    ("message_ids", "size", "batch", "left"),
    [
        ([1, 2, 3], 10, [1, 2, 3], 0),
        ([1, 2, 3], 2, [1, 2], 1),
        ([], 10, [], 0),
        # A batch holds a message once: its second job waits for the next batch, behind the others.
        ([1, 1, 2], 10, [1, 2], 1),
        ([1, 1, 2], 2, [1, 2], 1),
        ([1, 1, 1], 10, [1], 2),
    ],
)
def test_a_batch_takes_each_message_once(message_ids: list[int], size: int, batch: list[int], left: int) -> None:
    intake = an_intake(*message_ids)
    assert list(intake.next_batch(size)) == batch
    assert intake.held == left


def test_every_delivery_wakes_whoever_waits_for_jobs() -> None:
    intake = an_intake()
    assert not intake.arrived.is_set()
    intake.enqueue(FakeDelivery(b"no job"))
    assert intake.arrived.is_set()


async def test_an_unreadable_body_is_rejected_once_and_counted() -> None:
    registry = CollectorRegistry()
    intake, delivery = Intake(Metrics(registry)), FakeDelivery(b"no job")
    intake.enqueue(delivery)
    intake.reject_unreadable()
    intake.reject_unreadable()
    labels = {"queue": "dispatcher.dead", "reason": "unreadable"}
    assert registry.get_sample_value("herald_dead_letters_total", labels) == 1
    assert (delivery.rejected, delivery.acked, intake.held) == (1, 0, 0)


def test_jobs_of_a_closed_channel_are_forgotten() -> None:
    intake = Intake(Metrics(CollectorRegistry()))
    gone = FakeDelivery(encode(a_job(message_id=1)), alive=False)
    intake.enqueue(gone)
    intake.enqueue(FakeDelivery(encode(a_job(message_id=2))))
    intake.forget_dead()
    assert list(intake.next_batch(10)) == [2]


def test_jobs_put_back_stand_where_they_belong() -> None:
    intake = an_intake(2, 3)
    intake.put_last(delivered(4))
    intake.put_first(delivered(1))
    assert list(intake.next_batch(10)) == [1, 2, 3, 4]


def test_a_batch_whose_claim_failed_is_there_again() -> None:
    intake = an_intake(1, 2, 3)
    intake.restore(intake.next_batch(2).values())
    assert set(intake.next_batch(10)) == {1, 2, 3}


def test_draining_leaves_nothing() -> None:
    intake = an_intake(1, 2)
    assert [one.job.message_id for one in intake.drain()] == [1, 2]
    assert intake.held == 0
