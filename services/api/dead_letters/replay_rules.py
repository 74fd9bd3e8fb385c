"""What replaying a dead letter comes to: published again, a new round for its message, or a refusal. Pure."""

from dataclasses import dataclass

from services.api.dead_letters.letter import Letter
from shared import topology
from shared.broker import Outgoing
from shared.messages import Job, MailingEvent, Results, encode
from shared.statuses import UNSENT_STATUSES, MailingStatus, MessageStatus


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a message stands. Open: an attempt may still be under way. Ended: its mailing's deadline has come."""

    mailing_id: int
    status: MessageStatus
    open: bool
    mailing_status: MailingStatus
    ended: bool
    client_alive: bool


@dataclass(frozen=True, slots=True)
class NewRound:
    """The message is sent again, with a new budget of attempts. A finished mailing runs again for it."""

    mailing_id: int
    message_id: int
    restarts: bool


@dataclass(frozen=True, slots=True)
class Refused:
    """The letter stays where it is."""

    detail: str


Replay = Outgoing | NewRound | Refused


def judge(letter: Letter, standing: Standing | None) -> Replay:
    """Returns what replaying a letter comes to. `standing` is that of its message, for letters of the dispatcher."""
    match letter.body:
        case Job() as job:
            return _judge_job(job, standing)
        case Results() as results:
            return Outgoing(topology.RESULTS, topology.RESULT_KEY, encode(results))
        case MailingEvent() as event:
            return Outgoing(topology.MAILINGS, event.event, encode(event))
        case _:
            return Refused("the body cannot be read, so nobody could act on it")


def _judge_job(job: Job, standing: Standing | None) -> Replay:
    if standing is None or standing.mailing_id != job.mailing_id:
        return Refused("there is no such message")
    if standing.status == "sent":
        return Refused("the message was sent meanwhile")
    if standing.mailing_status == "cancelled":
        return Refused("the mailing is cancelled")
    if standing.ended:
        return Refused("the mailing's deadline has passed")
    if not standing.client_alive:
        return Refused("the client was deleted")
    if standing.status not in UNSENT_STATUSES:
        # It is on its way; the claim refuses the job unless it is the one that is missing.
        return Outgoing(topology.JOBS, topology.SEND_KEY, encode(job))
    if standing.open:
        return Refused("an attempt of the message may still be under way: try again in a minute")
    return NewRound(standing.mailing_id, job.message_id, restarts=standing.mailing_status == "finished")
