"""Decides which unsent messages may be settled without a result, and as what. Pure."""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass

from services.planner.closing.store import LockedFlight
from shared.statuses import SettledStatus

OUTCOME_UNKNOWN = "outcome unknown"
DEADLINE = "deadline reached"
WINDOW_CLOSED = "window closed until the deadline"
MAILING_CANCELLED = "mailing cancelled"
CLIENT_DELETED = "client deleted"


@dataclass(frozen=True, slots=True)
class SettlementCause:
    """The status and the reason with which messages are settled.

    `claims_due`: no result of an open claim can arrive any more.
    """

    status: SettledStatus
    reason: str
    claims_due: bool = False


@dataclass(frozen=True, slots=True)
class Settlement:
    """The settlement of one message. `lost` are the numbers of its attempts that never got a result."""

    message_id: int
    reason: str
    attempts: int
    lost: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class FlightFacts:
    """The state of the flights of a chunk of messages.

    `locked`: the flights that are locked here. `in_flight`: the messages that have a flight at all. `unreachable`: the
    messages without one whose client's window is never open.
    """

    locked: Mapping[int, LockedFlight]
    in_flight: Set[int]
    unreachable: Set[int] = frozenset()


def decide(message_ids: Iterable[int], facts: FlightFacts, cause: SettlementCause) -> list[Settlement]:
    """Decides how each message may be settled now. Those left out have a claim that must be waited for."""
    settlements = (_decide(message_id, facts, cause) for message_id in message_ids)
    return [settlement for settlement in settlements if settlement is not None]


def _decide(message_id: int, facts: FlightFacts, cause: SettlementCause) -> Settlement | None:
    flight = facts.locked.get(message_id)
    if flight is None:
        if message_id in facts.in_flight:
            # A flight that exists and could not be locked is being claimed at this moment.
            return None
        return _settle(message_id, cause, message_id in facts.unreachable, 0)
    if not flight.open:
        return _settle(message_id, cause, flight.shut_out, flight.folded_number)
    if flight.stale or cause.claims_due:
        lost = tuple(range(flight.folded_number + 1, flight.claimed_number + 1))
        return Settlement(message_id, OUTCOME_UNKNOWN, flight.claimed_number, lost)
    return None


def _settle(message_id: int, cause: SettlementCause, shut_out: bool, attempts: int) -> Settlement:
    reason = WINDOW_CLOSED if shut_out and cause.reason == DEADLINE else cause.reason
    return Settlement(message_id, reason, attempts)
