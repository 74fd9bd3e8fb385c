"""The planner's releases, fences and sweeps, and the reporter's fold."""

from collections.abc import Iterator

from tests.model.search import Step
from tests.model.setup import Setup, uses
from tests.model.state import NOBODY, Flight, Job, Result, State

RANK = {"pending": 0, "exhausted": 1, "sent": 2}


def steps(setup: Setup, state: State) -> Iterator[Step]:
    """Yields what planners and reporters may do next."""
    yield from _release_fresh(setup, state)
    if state.flight is not None and not state.locked():
        yield from _release_waiting(setup, state, state.flight)
        yield from _mark(setup, state, state.flight)
        yield from _sweep(setup, state, state.flight)
    yield from _publish_fence(setup, state)
    yield from _fold(setup, state)


def _room(setup: Setup, state: State) -> bool:
    return state.copies() < setup.bounds.copies


def _release_fresh(setup: Setup, state: State) -> Iterator[Step]:
    """A fresh flight is inserted as released; the confirmed cursor moves once its job is on the broker."""
    if not state.inserted:
        inserted = state._replace(flight=Flight(), inserted=True)
        if setup.bounds.releases:
            yield Step("a flight is inserted, as released", inserted)
        else:
            released = inserted._replace(jobs=(Job(1, False),), published=True)
            yield Step("a flight is inserted, and its job published", released)
        return
    flight = state.flight
    if state.published or flight is None:
        return
    if _room(setup, state):
        released = state._replace(jobs=(*state.jobs, Job(1, False)))
        yield Step("the fresh job is published, and the cursor moved", released._replace(published=True))
        if twice := uses(released, "released twice"):
            yield Step("the fresh job is published, and its planner dies before the cursor moves", twice, True)
    if flight.claimed == 0 and not state.locked():
        unreleased = flight._replace(released=False)
        yield Step("the fresh job is not published", state._replace(flight=unreleased, published=True))


def _release_waiting(setup: Setup, state: State, flight: Flight) -> Iterator[Step]:
    if flight.released or not setup.may_send(state) or not _room(setup, state):
        return
    by_dispatcher = max(flight.claimed, flight.asked) if flight.open else flight.claimed + 1
    attempt = by_dispatcher if setup.rules.number_by_dispatcher else flight.claimed + 1
    released = state._replace(jobs=(*state.jobs, Job(attempt, False)), mark="valid")
    if not setup.bounds.releases:
        at_once = released._replace(flight=flight._replace(released=True), mark="")
        yield Step(f"a waiting flight is released under {attempt}", at_once)
    elif not state.mark:
        yield Step(f"a waiting flight is released under {attempt}", released)
    elif twice := uses(released, "released twice"):
        yield Step(f"a waiting flight is released under {attempt} by a second planner", twice, True)


def _mark(setup: Setup, state: State, flight: Flight) -> Iterator[Step]:
    if not state.mark:
        return
    marked = state._replace(mark="")
    if state.mark == "valid" or not setup.rules.mark_guard:
        yield Step("the flight is marked as released", marked._replace(flight=flight._replace(released=True)))
    else:
        yield Step("the flight is not marked: it was put back meanwhile", marked)
    if dead := uses(marked, "released twice"):
        yield Step("the planner dies before its mark", dead, True)


def _sweep(setup: Setup, state: State, flight: Flight) -> Iterator[Step]:
    if not flight.released or state.jobs or not _room(setup, state) or not state.published:
        return
    again = state._replace(jobs=(Job(flight.claimed if flight.open else flight.claimed + 1, False),))
    if flight.open and setup.rules.sweep_stale and setup.is_stale(state, flight):
        yield Step("a stale claim is released again", again)
    if not flight.open and setup.rules.sweep_vanished and setup.may_send(state):
        yield Step("a vanished job is released again", again)


def _publish_fence(setup: Setup, state: State) -> Iterator[Step]:
    """A fence matters only for a claim that has been silent for long and has none yet."""
    flight = state.flight
    if flight is None or not flight.open or flight.name == NOBODY:
        return
    name = state.names[flight.name]
    waits = any(flight.name in result.silent for result in state.results)
    silent = name.silent >= setup.stale_after or not setup.rules.stale_silence
    if silent and not name.fenced and not waits:
        fence = Result(0, "fence", silent=frozenset({flight.name}))
        yield Step("a fence is published", state._replace(results=(*state.results, fence)))


def _fold(setup: Setup, state: State) -> Iterator[Step]:
    if state.locked():
        return
    places = range(min(len(state.results), 1 if setup.rules.single_consumer else 2))
    for place in places:
        result = state.results[place]
        rest = state._replace(results=state.results[:place] + state.results[place + 1 :])
        if result.outcome == "fence":
            yield Step("a fence is folded", _fold_fence(rest, result))
            continue
        yield Step(f"a result is folded: {result.number} {result.outcome}", _fold_result(setup, rest, result))
        if again := uses(state, "result redelivered"):
            yield Step("a result is folded, and comes again", _fold_result(setup, again, result), True)
        if lost := uses(rest, "result lost"):
            yield Step("the broker loses a result", lost._replace(excused=True), True)


def _fold_fence(state: State, fence: Result) -> State:
    names = tuple(
        name._replace(fenced=True) if label in fence.silent else name for label, name in enumerate(state.names)
    )
    return state._replace(names=names)


def _fold_result(setup: Setup, state: State, result: Result) -> State:
    new = result.number not in state.recorded or not setup.rules.idempotent_fold
    state = state._replace(recorded=state.recorded | {result.number})
    if result.outcome == "failed":
        return _fold_failure(state, result, failures=state.failures + new)
    status = "sent" if result.outcome == "accepted" else "exhausted"
    if RANK[status] < RANK[state.status] and setup.rules.status_upwards:
        return state
    broken = "a success is on record, and the message is not sent" if state.status == "sent" != status else ""
    return state._replace(status=status, flight=None, mark="", broken=broken)


def _fold_failure(state: State, result: Result, failures: int) -> State:
    flight = state.flight
    if flight is None:
        return state
    folded = flight._replace(folded=max(flight.folded, result.number))
    state = state._replace(failures=failures, flight=folded)
    if result.queued or flight.claimed > result.number or flight.folded >= result.number:
        return state
    return state._replace(flight=folded._replace(released=False), mark="outdated" if state.mark else "")
