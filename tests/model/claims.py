"""The statements that dispatchers send to the database: the claim, and the give-back."""

from tests.model.rules import Rules
from tests.model.setup import Setup, without_current
from tests.model.state import NOBODY, Flight, Job, State


def judge(setup: Setup, state: State, job: Job) -> str:
    """Returns the verdict on a job, by what the tables hold now."""
    flight, rules = state.flight, setup.rules
    if flight is None:
        return "over"
    if job.attempt > flight.claimed + 1 and rules.exact_attempt:
        return "dead letter"
    if job.attempt > flight.claimed:
        return "send" if setup.may_send(state) else "put back"
    if not flight.open:
        return "over"
    if not setup.may_send(state) or (job.redelivered and rules.redelivered_is_busy):
        return "busy"
    return "send" if setup.is_stale(state, flight) else "busy"


def next_number(state: State) -> int:
    return 0 if state.flight is None else state.flight.claimed + 1


def failures_before(state: State, attempt: int) -> int:
    """Returns the failures that a claim knows of: those folded, and those that a job for the next number proves."""
    flight = state.flight
    if flight is None:
        return 0
    return state.failures + (flight.claimed - flight.folded if attempt > flight.claimed else 0)


def take(state: State, flight: Flight, number: int, name: int) -> State:
    """Claims a number."""
    return without_current(state)._replace(flight=flight._replace(claimed=number, name=name))


def put_back(rules: Rules, state: State, flight: Flight, attempt: int) -> State:
    """Returns a job to the table. A mark that comes later must not call it released."""
    asked = attempt if rules.asked_number else flight.asked
    return state._replace(flight=flight._replace(released=False, asked=asked), mark="outdated" if state.mark else "")


def give_back(rules: Rules, state: State, number: int, name: int, current: bool) -> State:
    """Takes a claim back whose request did not begin, if it is still the flight's."""
    flight = state.flight
    if flight is None or flight.claimed != number or flight.name != name:
        return state
    if rules.give_back_one_claim and not current:
        return state
    return without_current(state)._replace(flight=flight._replace(claimed=number - 1, name=NOBODY))
