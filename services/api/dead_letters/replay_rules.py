"""Decides what replaying a dead letter does: publish it again, start a new round, or refuse. Pure."""

from dataclasses import dataclass

from msgspec.structs import replace

from services.api.dead_letters.letter import Letter
from shared import topology
from shared.broker import Outgoing
from shared.messages import Job, MailingEvent, Receipts, Results, encode
from shared.statuses import UNSENT_STATUSES, MailingStatus, MessageStatus


@dataclass(frozen=True, slots=True)
class MessageFacts:
    """What the tables hold about the message of a letter.

    `open`: an attempt may be under way. `ended`: the deadline of the mailing has passed.
    """

    mailing_id: int
    status: MessageStatus
    open: bool
    mailing_status: MailingStatus
    ended: bool
    client_alive: bool


@dataclass(frozen=True, slots=True)
class NewRound:
    """The message is sent again, with all its attempts. A finished mailing runs again for it."""

    mailing_id: int
    message_id: int
    restarts: bool


@dataclass(frozen=True, slots=True)
class ReplayRefusal:
    """The letter stays in its queue."""

    reason: str


ReplayDecision = Outgoing | NewRound | ReplayRefusal


def judge(letter: Letter, facts: MessageFacts | None) -> ReplayDecision:
    """Decides about one letter. `facts` are those of its message, for letters of the dispatcher."""
    match letter.body:
        case Job() as job:
            return _judge_job(job, facts)
        case Results() as results:
            return Outgoing(topology.RESULTS, topology.RESULT_KEY, encode(results))
        case Receipts() as receipts:
            # It may wait for its message anew.
            body = encode(replace(receipts, waits=0))
            return Outgoing(topology.RECEIPTS, topology.RECEIPT_KEY, body)
        case MailingEvent() as event:
            return Outgoing(topology.MAILINGS, event.event, encode(event))
        case _:
            return ReplayRefusal("the body cannot be read")


def _judge_job(job: Job, facts: MessageFacts | None) -> ReplayDecision:
    if facts is None or facts.mailing_id != job.mailing_id:
        return ReplayRefusal("there is no such message")
    if facts.status == "sent":
        return ReplayRefusal("the message has been sent since")
    if facts.mailing_status == "cancelled":
        return ReplayRefusal("the mailing is cancelled")
    if facts.ended:
        return ReplayRefusal("the mailing's deadline has passed")
    if not facts.client_alive:
        return ReplayRefusal("the client was deleted")
    if facts.status not in UNSENT_STATUSES:
        # The message is under way; the claim refuses the job unless it is the missing one.
        return Outgoing(topology.JOBS, topology.SEND_KEY, encode(job))
    if facts.open:
        return ReplayRefusal("an attempt of the message may still be under way: try again in a minute")
    return NewRound(facts.mailing_id, job.message_id, restarts=facts.mailing_status == "finished")
