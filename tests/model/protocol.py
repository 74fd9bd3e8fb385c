"""The whole protocol: every step that may happen next, in any state."""

from collections.abc import Iterator

from tests.model import beats, broker, clock, dispatchers, faults, operators
from tests.model.rules import Bounds, Rules
from tests.model.search import Exploration, Step, explore
from tests.model.setup import Setup, first_state
from tests.model.state import State, normalised

PARTS = (dispatchers.steps, broker.steps, beats.steps, operators.steps, clock.steps, faults.steps)


def run(bounds: Bounds, rules: Rules | None = None) -> Exploration:
    """Explores the protocol within these bounds, with these rules."""
    setup = Setup(rules or Rules(), bounds)

    def steps(state: State) -> Iterator[Step]:
        if _is_over(state):
            return
        settled = dispatchers.settled_step(setup, state)
        if settled is not None:
            yield Step(settled.label, normalised(settled.after))
            return
        for part in PARTS:
            for label, after, fault in part(setup, state):
                yield Step(label, normalised(after), fault)

    return explore(normalised(first_state(setup)), steps, _has_ended)


def _is_over(state: State) -> bool:
    """Nothing can happen any more but the end of jobs that are over."""
    nothing_held = all(process.item is None for process in state.processes) and not state.results
    return nothing_held and not state.statements and _has_ended(state)


def _has_ended(state: State) -> bool:
    """The message is final, and no operator waits for an answer."""
    return state.status != "pending" and all(one.stage in ("idle", "answered") for one in state.callers)
