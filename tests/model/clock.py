"""Time passes by a tick; what must happen in time holds it up."""

from collections.abc import Iterator

from tests.model.beats import all_beat
from tests.model.search import Step
from tests.model.setup import Setup
from tests.model.state import Item, Process, Row, State

UNPUBLISHED = frozenset({"replied", "retried", "acked"})


def steps(setup: Setup, state: State) -> Iterator[Step]:
    """Yields the tick, unless something must happen before it."""
    if all(_may_pass(setup, state, process) for process in state.processes):
        later = _tick(setup, state)
        yield Step("time passes", all_beat(setup, later) if setup.bounds.beats == "with the clock" else later)


def _may_pass(setup: Setup, state: State, process: Process) -> bool:
    """A process beats every tick, unless a fault keeps it from it. A request ends by its timeout.

    A result is published within a tick, unless the process beats, so that its claim cannot become stale: a process
    that reaches neither the database nor the broker for so long counts as stopped.
    """
    if process.mode == "stopped":
        return True
    item = process.item
    if item is not None and item.stage == "running" and item.age >= setup.bounds.request:
        return False
    if item is not None and item.stage in UNPUBLISHED and state.names[item.name].silent > 0:
        return False
    if process.mode == "cut" or process.beat is not None:
        return True
    return process.row is not None and (process.lease == 0 or setup.bounds.beats == "with the clock")


def _tick(setup: Setup, state: State) -> State:
    excused = state.excused
    processes = []
    for process in state.processes:
        item = process.item
        halted = process.mode == "stopped" and item is not None and item.stage in ("running", *UNPUBLISHED)
        excused = excused or halted
        processes.append(_older(setup, process, item, halted=halted))
    bounds = setup.bounds
    names = tuple(name._replace(silent=min(name.silent + 1, bounds.stale)) for name in state.names)
    edits = tuple((edit, age + 1) for edit, age in state.edits if age + 1 < bounds.edits_kept)
    rows = [_older_row(setup, row) for row in state.old_rows]
    counted = tuple(row for row in rows if min(row.silent, _since_mark(setup, row)) < bounds.lease)
    return state._replace(processes=tuple(processes), names=names, edits=edits, old_rows=counted, excused=excused)


def _older(setup: Setup, process: Process, item: Item | None, *, halted: bool) -> Process:
    most = setup.bounds.lease
    beat = process.beat
    if item is not None and item.stage == "running":
        item = item._replace(age=min(item.age + 1, setup.bounds.request))
    return process._replace(
        lease=min(process.lease + 1, most),
        row=None if process.row is None else _older_row(setup, process.row),
        beat=None if beat is None else beat._replace(age=min(beat.age + 1, most)),
        item=item if item is None else item._replace(halted=item.halted or halted),
    )


def _older_row(setup: Setup, row: Row) -> Row:
    most = setup.bounds.lease
    fenced = None if row.fenced is None else min(row.fenced + 1, most)
    return row._replace(silent=min(row.silent + 1, most), fenced=fenced)


def _since_mark(setup: Setup, row: Row) -> int:
    return setup.bounds.lease if row.fenced is None else row.fenced
