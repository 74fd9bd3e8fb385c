"""What every part of the model works with: the rules, the bounds, and small changes of a state."""

from dataclasses import dataclass

from tests.model.rules import Bounds, Fault, Rules
from tests.model.state import NOBODY, Caller, Flight, Item, Name, Process, State


@dataclass(frozen=True, slots=True)
class Setup:
    """The rules that hold, and the bounds of the exploration."""

    rules: Rules
    bounds: Bounds

    @property
    def stale_after(self) -> int:
        return self.bounds.stale if self.rules.stale_covers_request else self.bounds.lease

    def is_stale(self, state: State, flight: Flight) -> bool:
        """Whether the flight's open claim may be taken over. One that a given-back take-over uncovered always is."""
        if flight.name == NOBODY:
            return self.rules.uncovered_is_stale
        name = state.names[flight.name]
        silent = not self.rules.stale_silence or name.silent >= self.stale_after
        return silent and (name.fenced or not self.rules.stale_fence)

    def may_send(self, state: State) -> bool:
        return self.bounds.terms[state.version]


def first_state(setup: Setup) -> State:
    """Returns the beginning: a message without a flight, and dispatchers that have joined."""
    process = Process(lease=setup.bounds.lease)
    return State(
        processes=(process,) * setup.bounds.dispatchers,
        callers=(Caller(),) * len(setup.bounds.edits),
        left=setup.bounds.faults,
    )


def with_process(state: State, index: int, process: Process) -> State:
    processes = state.processes
    return state._replace(processes=(*processes[:index], process, *processes[index + 1 :]))


def with_item(state: State, index: int, item: Item | None) -> State:
    return with_process(state, index, state.processes[index]._replace(item=item))


def with_new_name(state: State, index: int) -> State:
    """Lets a dispatcher claim under a new name, which is beaten for from now on."""
    process = state.processes[index]._replace(name=len(state.names))
    return with_process(state._replace(names=(*state.names, Name())), index, process)


def uses(state: State, fault: Fault) -> State | None:
    """Spends one of the faults that are left. None when there is none."""
    for place, (kind, count) in enumerate(state.left):
        if kind == fault and count > 0:
            return state._replace(left=(*state.left[:place], (kind, count - 1), *state.left[place + 1 :]))
    return None


def without_current(state: State) -> State:
    """Notes that the flight's claim is no longer the one that anybody remembers."""
    processes = tuple(
        one._replace(item=one.item._replace(current=False)) if one.item is not None and one.item.current else one
        for one in state.processes
    )
    statements = tuple(one._replace(current=False) if one.current else one for one in state.statements)
    return state._replace(processes=processes, statements=statements)
