"""Which unsent messages may be settled without a result, and as what. Pure."""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass

from services.planner.store.settling import Flight

OUTCOME_UNKNOWN = "outcome unknown"
DEADLINE = "deadline reached"
WINDOW_CLOSED = "window closed until the deadline"
MAILING_CANCELLED = "mailing cancelled"
CLIENT_DELETED = "client deleted"


@dataclass(frozen=True, slots=True)
class Cause:
    """Why messages are settled. `claims_due`: no result of an open claim can be waiting any more."""

    status: str
    reason: str
    claims_due: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    message_id: int
    reason: str
    attempts: int
    lost: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Known:
    """What the tables say of the flights of a chunk of messages.

    `held`: those locked. `in_flight`: messages that have a flight at all. `unreachable`: messages without one whose
    client's window is never open.
    """

    held: Mapping[int, Flight]
    in_flight: Set[int]
    unreachable: Set[int] = frozenset()


def judge(message_ids: Iterable[int], known: Known, cause: Cause) -> list[Verdict]:
    """Say of each message how it may be settled now; those left out have a claim that must be waited for."""
    verdicts = (_judge(message_id, known, cause) for message_id in message_ids)
    return [verdict for verdict in verdicts if verdict is not None]


def _judge(message_id: int, known: Known, cause: Cause) -> Verdict | None:
    flight = known.held.get(message_id)
    if flight is None:
        # A flight that exists and could not be locked is being claimed at this moment.
        return None if message_id in known.in_flight else _settle(message_id, cause, message_id in known.unreachable, 0)
    if not flight.open:
        return _settle(message_id, cause, flight.shut_out, flight.folded_number)
    if flight.stale or cause.claims_due:
        lost = tuple(range(flight.folded_number + 1, flight.claimed_number + 1))
        return Verdict(message_id, OUTCOME_UNKNOWN, flight.claimed_number, lost)
    return None


def _settle(message_id: int, cause: Cause, shut_out: bool, attempts: int) -> Verdict:
    return Verdict(message_id, WINDOW_CLOSED if shut_out and cause.reason == DEADLINE else cause.reason, attempts)
