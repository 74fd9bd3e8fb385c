"""What replaying each kind of dead letter comes to."""

from dataclasses import replace
from uuid import UUID

import pytest

from services.api.dead_letters.letter import read
from services.api.dead_letters.replay_rules import MessageFacts, NewRound, ReplayDecision, ReplayRefusal, judge
from shared.broker import Outgoing
from shared.messages import MailingEvent, Results, encode
from tests.support.builders import a_job, a_result

JOB = encode(a_job())
RESULTS = encode(Results(results=[a_result()]))
EVENT = encode(
    MailingEvent(event_id=UUID("5bd0dc8b-4a3a-4d5b-9b0c-0b9d6c0a3f11"), event="mailing.paused", mailing_id=7)
)
EXHAUSTED = MessageFacts(
    mailing_id=7, status="exhausted", open=False, mailing_status="running", ended=False, client_alive=True
)


@pytest.mark.parametrize(
    ("standing", "replay"),
    [
        (EXHAUSTED, NewRound(7, 1, restarts=False)),
        (replace(EXHAUSTED, mailing_status="paused"), NewRound(7, 1, restarts=False)),
        (replace(EXHAUSTED, mailing_status="finished"), NewRound(7, 1, restarts=True)),
        (replace(EXHAUSTED, status="rejected"), NewRound(7, 1, restarts=False)),
        # Its job was lost to the delivery limit while the message is wanted: the job itself goes back.
        (replace(EXHAUSTED, status="pending"), Outgoing("herald.jobs", "send", JOB)),
        (replace(EXHAUSTED, status="retrying"), Outgoing("herald.jobs", "send", JOB)),
        (replace(EXHAUSTED, ended=True), ReplayRefusal("the mailing's deadline has passed")),
        (replace(EXHAUSTED, ended=True, status="pending"), ReplayRefusal("the mailing's deadline has passed")),
        (replace(EXHAUSTED, mailing_status="cancelled"), ReplayRefusal("the mailing is cancelled")),
        (replace(EXHAUSTED, client_alive=False), ReplayRefusal("the client was deleted")),
        (replace(EXHAUSTED, status="sent"), ReplayRefusal("the message has been sent since")),
        (
            replace(EXHAUSTED, open=True),
            ReplayRefusal("an attempt of the message may still be under way: try again in a minute"),
        ),
        (replace(EXHAUSTED, mailing_id=8), ReplayRefusal("there is no such message")),
        (None, ReplayRefusal("there is no such message")),
    ],
)
def test_what_replaying_a_job_comes_to(standing: MessageFacts | None, replay: ReplayDecision) -> None:
    assert judge(read("dispatcher.dead", JOB, {}), standing) == replay


def test_results_and_events_go_back_to_where_they_came_from() -> None:
    assert judge(read("reporter.dead", RESULTS, {}), None) == Outgoing("herald.results", "result", RESULTS)
    assert judge(read("planner.dead", EVENT, {}), None) == Outgoing("herald.mailings", "mailing.paused", EVENT)


@pytest.mark.parametrize("queue", ["planner.dead", "dispatcher.dead", "reporter.dead"])
def test_what_nobody_can_read_is_refused(queue: str) -> None:
    assert isinstance(judge(read(queue, b"{", {}), None), ReplayRefusal)
