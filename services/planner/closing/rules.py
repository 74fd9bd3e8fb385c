"""Decides which unsent messages may be settled without a result, and as what. Pure."""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field

from services.planner.closing.store import LockedFlight
from shared.statuses import SettledStatus

OUTCOME_UNKNOWN = "outcome unknown"
DEADLINE = "deadline reached"
DEADLINE_PAUSED = "deadline reached while paused"
WINDOW_CLOSED = "window closed until the deadline"
MAILING_CANCELLED = "mailing cancelled"
CLIENT_DELETED = "client deleted"
# Outcomes of replies whose HTTP status says nothing: it is 200.
UNCLEAR = frozenset({"error_code", "unreadable"})


@dataclass(frozen=True, slots=True)
class SettlementCause:
    """The status and the reason with which messages are settled.

    `claims_due`: results of open claims are not waited for any longer.
    """

    status: SettledStatus
    reason: str
    claims_due: bool = False


def cause_of_closing(*, cancelled: bool, paused: bool, claims_due: bool) -> SettlementCause:
    """Returns why the messages of a mailing that closes are settled."""
    if cancelled:
        return SettlementCause("cancelled", MAILING_CANCELLED, claims_due)
    return SettlementCause("expired", DEADLINE_PAUSED if paused else DEADLINE, claims_due)


def name_failure(outcome: str, http_status: int | None) -> str:
    """Names an attempt that failed, as a part of a reason."""
    return f"HTTP {http_status}" if http_status is not None and outcome not in UNCLEAR else outcome.replace("_", " ")


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
    messages without one whose client's window is never open. `failed`: the last failure of a message, by its id.
    """

    locked: Mapping[int, LockedFlight]
    in_flight: Set[int]
    unreachable: Set[int] = frozenset()
    failed: Mapping[int, str] = field(default_factory=dict)


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
        return Settlement(message_id, _reason(cause, message_id in facts.unreachable, None), 0)
    if not flight.open:
        reason = _reason(cause, flight.shut_out, facts.failed.get(message_id))
        return Settlement(message_id, reason, flight.folded_number)
    if flight.stale or cause.claims_due:
        lost = tuple(range(flight.folded_number + 1, flight.claimed_number + 1))
        return Settlement(message_id, OUTCOME_UNKNOWN, flight.claimed_number, lost)
    return None


def _reason(cause: SettlementCause, shut_out: bool, failure: str | None) -> str:
    """Returns the reason of a message that is not claimed: what kept it from being sent until the deadline."""
    if cause.reason != DEADLINE:
        return cause.reason
    if shut_out:
        return WINDOW_CLOSED
    return DEADLINE if failure is None else f"{DEADLINE}, last {failure}"
