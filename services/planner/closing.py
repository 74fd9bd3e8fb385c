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


def judge(message_ids: Iterable[int], held: Mapping[int, Flight], in_flight: Set[int], cause: Cause) -> list[Verdict]:
    """Say of each message how it may be settled now; those left out have a claim that must be waited for."""
    verdicts = (_judge(message_id, held.get(message_id), message_id in in_flight, cause) for message_id in message_ids)
    return [verdict for verdict in verdicts if verdict is not None]


def _judge(message_id: int, flight: Flight | None, in_flight: bool, cause: Cause) -> Verdict | None:
    if flight is None:
        # A flight that exists and could not be locked is being claimed at this moment.
        return None if in_flight else Verdict(message_id, cause.reason, 0)
    if not flight.open:
        shut_out = flight.shut_out and cause.reason == DEADLINE
        return Verdict(message_id, WINDOW_CLOSED if shut_out else cause.reason, flight.folded_number)
    if flight.stale or cause.claims_due:
        lost = tuple(range(flight.folded_number + 1, flight.claimed_number + 1))
        return Verdict(message_id, OUTCOME_UNKNOWN, flight.claimed_number, lost)
    return None
