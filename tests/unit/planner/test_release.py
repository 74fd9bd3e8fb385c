"""The job that a release publishes."""

from services.planner.release import make_job
from shared.broker import Outgoing
from shared.messages import encode
from tests.support.builders import a_job


def test_a_job_goes_to_the_dispatcher_with_ids_only() -> None:
    assert make_job(1, 7, 3, 2) == Outgoing("herald.jobs", "send", encode(a_job(attempt=2)))
