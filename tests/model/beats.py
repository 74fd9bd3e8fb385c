"""The beats of dispatchers: their lease, their names, and which edits they have heard of."""

from collections.abc import Iterator

from tests.model.dispatchers import NOT_BEGUN, UNDER_WAY
from tests.model.search import Step
from tests.model.setup import Setup, with_new_name, with_process
from tests.model.state import NOBODY, Beat, Name, Process, Row, State


def steps(setup: Setup, state: State) -> Iterator[Step]:
    """Yields what any dispatcher may do next to stay alive."""
    if setup.bounds.beats == "with the clock":
        yield from _take_names(setup, state)
    for index, process in enumerate(state.processes):
        if process.mode == "stopped" or (process.mode == "cut" and process.beat is None):
            if process.beat is not None:
                yield from _in_the_database(setup, state, index, process)
            continue
        if process.row is None and process.beat is None:
            yield Step("a process joins", _join(setup, state, index))
        elif process.beat is None and setup.bounds.beats != "with the clock":
            yield from _beat(setup, state, index)
        elif process.beat is not None:
            yield from _in_the_database(setup, state, index, process)
            yield from _answer(setup, state, index, process.beat)


def all_beat(setup: Setup, state: State) -> State:
    """Lets every process beat that can."""
    for index, process in enumerate(state.processes):
        if process.mode == "running" and process.row is not None:
            sent = with_process(state, index, process._replace(beat=Beat(False, 0, process.applied)))
            state = _receive(setup, _execute(setup, sent, index), index)
    return state


def _take_names(setup: Setup, state: State) -> Iterator[Step]:
    for index, process in enumerate(state.processes):
        if process.mode == "running" and process.row is not None and _may_renew(setup, state, process):
            renewed = with_new_name(state, index)
            yield Step("a process takes a new name", renewed)


def _may_renew(setup: Setup, state: State, process: Process) -> bool:
    """A new name matters only if the flight's claim has the old one."""
    flight = state.flight
    rule = setup.rules.name_every_ten_seconds and setup.bounds.renewals
    return rule and flight is not None and flight.name == process.name != NOBODY


def _join(setup: Setup, state: State, index: int) -> State:
    process = state.processes[index]._replace(row=Row(), lease=0, applied=frozenset())
    state = with_process(state, index, process)
    return _beat_names(setup, with_new_name(state, index) if process.name == NOBODY else state, index)


def _beat(setup: Setup, state: State, index: int) -> Iterator[Step]:
    process = state.processes[index]
    sent = with_process(state, index, process._replace(beat=Beat(False, 0, process.applied)))
    if setup.bounds.beats == "in steps":
        yield Step("a beat is sent", sent)
        return
    done = _execute(setup, sent, index)
    yield Step("a process beats", _receive(setup, done, index))
    if _may_renew(setup, state, process):
        renewed = _execute(setup, with_new_name(sent, index), index)
        yield Step("a process beats, and takes a new name", _receive(setup, renewed, index))


def _in_the_database(setup: Setup, state: State, index: int, process: Process) -> Iterator[Step]:
    if process.beat is not None and not process.beat.done:
        yield Step("the beat is done", _execute(setup, state, index))


def _answer(setup: Setup, state: State, index: int, beat: Beat) -> Iterator[Step]:
    if beat.done:
        yield Step("the beat is answered", _receive(setup, state, index))
        yield Step(
            "the answer to the beat is lost", with_process(state, index, state.processes[index]._replace(beat=None))
        )


def _execute(setup: Setup, state: State, index: int) -> State:
    """Updates the row unless it is marked as fenced, and returns the edits that it has not heard."""
    process = state.processes[index]
    beat, row = process.beat, process.row
    assert beat is not None
    if row is None or row.fenced is not None:
        return with_process(state, index, process._replace(beat=Beat(True, beat.age, frozenset(), found=False)))
    visible = frozenset(edit for edit, _ in state.edits)
    heard = beat.edits if setup.rules.heard_after_marking else beat.edits | visible
    process = process._replace(row=row._replace(silent=0, heard=heard), beat=Beat(True, beat.age, visible - beat.edits))
    return _beat_names(setup, with_process(state, index, process), index)


def _beat_names(setup: Setup, state: State, index: int) -> State:
    process, item = state.processes[index], state.processes[index].item
    beaten = {process.name}
    if item is not None and item.stage in UNDER_WAY and setup.rules.name_beaten_while_needed:
        beaten.add(item.name)
    names = tuple(Name() if label in beaten else name for label, name in enumerate(state.names))
    results = tuple(one._replace(silent=one.silent - beaten) if one.silent & beaten else one for one in state.results)
    return state._replace(names=names, results=results)


def _receive(setup: Setup, state: State, index: int) -> State:
    """Renews the lease by the moment the beat was sent, and obeys what it returned."""
    process, rules = state.processes[index], setup.rules
    beat, item = process.beat, process.item
    assert beat is not None
    process = process._replace(beat=None)
    if not beat.found:
        return _fenced(setup, state, index, process)
    revived = process.lease >= setup.bounds.lease and rules.lease_never_revived
    if item is not None and item.stage in NOT_BEGUN:
        concerned = any(setup.bounds.edits[_place_of(state, edit)] != "elsewhere" for edit in beat.edits)
        holds = item.stage == "held" or rules.heard_since_asked
        item = item._replace(lapsed=item.lapsed or revived, heard=item.heard or (concerned and holds))
    applied = process.applied | beat.edits
    return with_process(state, index, process._replace(lease=beat.age, applied=applied, item=item))


def _place_of(state: State, edit: int) -> int:
    """Returns which caller's edit has this id."""
    return next(place for place, caller in enumerate(state.callers) if caller.edit == edit)


def _fenced(setup: Setup, state: State, index: int, process: Process) -> State:
    """The row is marked or gone: what is held and on its way is void, and the process goes on under a new id."""
    old = () if process.row is None else (process.row,)
    item = process.item
    lease = process.lease
    if setup.rules.fenced_voids:
        lease = setup.bounds.lease
        item = item._replace(lapsed=True) if item is not None and item.stage in NOT_BEGUN else item
    process = process._replace(row=None, applied=frozenset(), lease=lease, item=item)
    return with_process(state, index, process)._replace(old_rows=tuple(sorted((*state.old_rows, *old), key=repr)))
