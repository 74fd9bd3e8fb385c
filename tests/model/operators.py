"""The API: an edit is committed, passes the barrier, and is answered."""

from collections.abc import Callable, Iterator

from tests.model.search import Step
from tests.model.setup import Setup
from tests.model.state import Caller, Row, State


def steps(setup: Setup, state: State) -> Iterator[Step]:
    """Yields what the API may do next for any of its callers."""
    for place, caller in enumerate(state.callers):
        match caller.stage:
            case "idle":
                yield from _commit(setup, state, place)
            case "unneeded":
                edited = state._replace(version=caller.version)
                yield Step("an edit has seen no flight, commits and is answered", _answer(edited, place))
            case "committing":
                edited = state._replace(version=caller.version)
                yield Step("an edit commits", _with_caller(edited, place, caller._replace(stage="committed")))
            case "committed":
                yield from _look(setup, state, place)
            case "passing":
                allotted = caller._replace(stage="allotted", edit=state.allotted)
                with_id = _with_caller(state, place, allotted, allotted=state.allotted + 1)
                if setup.bounds.concurrent_edits:
                    yield Step("an edit gets its id", with_id)
                else:
                    yield Step("an edit can be heard", _tell(with_id, place))
            case "allotted":
                yield Step("an edit can be heard", _tell(state, place))
            case "waiting":
                yield from _wait(setup, state, place)


def _with_caller(state: State, place: int, caller: Caller, allotted: int | None = None) -> State:
    callers = (*state.callers[:place], caller, *state.callers[place + 1 :])
    return state._replace(callers=callers, allotted=state.allotted if allotted is None else allotted)


def _tell(state: State, place: int) -> State:
    """Inserts the edit, and reads which processes must hear of it: a later one reads what the edit has written."""
    caller = state.callers[place]
    state = _with_rows(state, lambda row: row._replace(asked=row.asked | {caller.edit}))
    told = state._replace(edits=tuple(sorted((*state.edits, (caller.edit, 0)))))
    return _with_caller(told, place, caller._replace(stage="waiting"))


def _answer(state: State, place: int) -> State:
    caller = state.callers[place]
    answered = max(state.answered, caller.version)
    return _with_caller(state._replace(answered=answered), place, caller._replace(stage="answered"))


def _commit(setup: Setup, state: State, place: int) -> Iterator[Step]:
    before = state.callers[:place]
    if not setup.bounds.concurrent_edits and any(one.stage != "answered" for one in before):
        return
    if any(one.stage == "idle" for one in before):
        return
    version = state.version + (setup.bounds.edits[place] == "change")
    promised = 0 if setup.bounds.edits[place] == "elsewhere" else version
    edited = _with_caller(state._replace(version=version), place, Caller("committed", promised))
    if setup.bounds.edits[place] == "repeat" and not setup.rules.repeat_passes:
        yield Step("an edit finds nothing to change, and is answered", _answer(edited, place))
    elif not setup.rules.look_after_commit:
        seen = "unneeded" if _nothing_flew(setup, state) else "committing"
        yield Step("an edit looks for flights before its commit", _with_caller(state, place, Caller(seen, version)))
    else:
        yield Step("an edit commits", edited)


def _nothing_flew(setup: Setup, state: State) -> bool:
    """A late success ends a message whose stale claim was taken over: the new claim is held without a flight."""
    return not state.inserted if setup.rules.look_at_all_that_flew else state.flight is None


def _look(setup: Setup, state: State, place: int) -> Iterator[Step]:
    caller = state.callers[place]
    if _nothing_flew(setup, state) or not setup.rules.barrier:
        yield Step("an edit needs no barrier, and is answered", _answer(state, place))
    else:
        yield Step("an edit needs the barrier", _with_caller(state, place, caller._replace(stage="passing")))


def _wait(setup: Setup, state: State, place: int) -> Iterator[Step]:
    edit = state.callers[place].edit
    rows = [*(process.row for process in state.processes if process.row is not None), *state.old_rows]
    if all(_passed(setup, row, edit) for row in rows):
        yield Step("an edit has passed the barrier, and is answered", _answer(state, place))
    elif setup.rules.fence_the_silent and any(_is_silent(setup, row, edit) for row in rows):
        yield Step("the silent processes are marked as fenced", _fence(setup, state, edit))


def _passed(setup: Setup, row: Row, edit: int) -> bool:
    if edit not in row.asked:
        return True
    if row.fenced is not None:
        # No beat has succeeded since the mark, so the lease counts from the last one.
        return row.silent >= setup.bounds.lease or not setup.rules.wait_after_mark
    return row.silent >= setup.bounds.lease or _has_heard(setup, row, edit)


def _has_heard(setup: Setup, row: Row, edit: int) -> bool:
    if setup.rules.not_seen_yet:
        return edit in row.heard
    return any(heard >= edit for heard in row.heard)


def _is_silent(setup: Setup, row: Row, edit: int) -> bool:
    return edit in row.asked and row.fenced is None and not _passed(setup, row, edit)


def _fence(setup: Setup, state: State, edit: int) -> State:
    return _with_rows(state, lambda row: row._replace(fenced=0) if _is_silent(setup, row, edit) else row)


def _with_rows(state: State, change: Callable[[Row], Row]) -> State:
    processes = tuple(
        process if process.row is None else process._replace(row=change(process.row)) for process in state.processes
    )
    return state._replace(processes=processes, old_rows=tuple(sorted(map(change, state.old_rows), key=repr)))
