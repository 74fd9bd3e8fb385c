"""What goes wrong, each as often as the bounds allow."""

from collections.abc import Iterator

from tests.model import claims
from tests.model.dispatchers import requeued
from tests.model.search import Step
from tests.model.setup import Setup, uses, with_item, with_new_name, with_process
from tests.model.state import Item, Job, Process, State, Statement

# Far above every number that the message will ever have.
FORGED = 99


def steps(setup: Setup, state: State) -> Iterator[Step]:
    """Yields every fault that may happen next, and the ends of those that pass by themselves."""
    for index, process in enumerate(state.processes):
        yield from _of_a_process(setup, state, index, process)
        if process.item is not None:
            yield from _of_connections(setup, state, index, process.item)
    yield from _late_statements(setup, state)
    yield from _of_the_broker(state)


def _of_a_process(setup: Setup, state: State, index: int, process: Process) -> Iterator[Step]:
    if process.mode != "running":
        running = process._replace(mode="running")
        yield Step(f"a process is no longer {process.mode}", with_process(state, index, running))
    elif stopped := uses(state, "stop"):
        yield Step("a process is stopped", with_process(stopped, index, process._replace(mode="stopped")), True)
    if process.mode == "running" and (cut := uses(state, "cut from the database")):
        yield Step("a process is cut from the database", with_process(cut, index, process._replace(mode="cut")), True)
    if crashed := uses(state, "crash"):
        for label, after in _crashes(setup, crashed, index, process):
            yield Step(label, after, True)


def _crashes(setup: Setup, state: State, index: int, process: Process) -> Iterator[tuple[str, State]]:
    """A process dies and another takes its place. A statement under way may be executed, or not."""
    item = process.item
    begun = item is not None and item.stage in ("running", "replied", "retried", "acked")
    state = state._replace(excused=state.excused or begun)
    if item is not None:
        state = requeued(state, index, item)
    lease = setup.bounds.lease if setup.rules.row_before_claims else 0
    old = () if process.row is None else (process.row,)
    fresh = with_process(state, index, Process(lease=lease))
    fresh = fresh._replace(old_rows=tuple(sorted((*fresh.old_rows, *old), key=repr)))
    yield "a process dies", fresh
    if item is not None and item.stage in ("asked", "reading") and setup.bounds.late_statements:
        yield "a process dies, and its claim goes on", _left_behind(fresh, item)


def _left_behind(state: State, item: Item) -> State:
    late = Statement("claim", item.name, item.attempt, redelivered=item.redelivered)
    return state._replace(statements=tuple(sorted((*state.statements, late))))


def _of_connections(setup: Setup, state: State, index: int, item: Item) -> Iterator[Step]:
    if item.delivered and (lost := uses(state, "delivery lost")):
        yield Step("a delivery is lost with its connection", requeued(lost, index, item), True)
    if item.stage not in ("asked", "answered", "giving"):
        return
    unknown = uses(state, "statement of unknown fate")
    if unknown is None:
        return
    if item.stage == "giving":
        late = Statement("give-back", item.name, item.number, item.current)
        after = unknown._replace(statements=tuple(sorted((*unknown.statements, late))))
        yield Step("a give-back has an unknown fate", after, True)
        return
    after = _left_behind(unknown, item) if item.stage == "asked" else unknown
    again = Item("got", item.attempt, item.redelivered) if item.delivered else None
    after = with_item(after, index, again)
    if setup.rules.name_after_unknown:
        after = with_new_name(after, index)
    yield Step("a claim has an unknown fate", after, True)


def _late_statements(setup: Setup, state: State) -> Iterator[Step]:
    if state.locked():
        return
    for place, late in enumerate(state.statements):
        rest = state._replace(statements=state.statements[:place] + state.statements[place + 1 :])
        yield Step("a late statement is never executed", rest)
        if late.kind == "give-back":
            given = claims.give_back(setup.rules, rest, late.number, late.name, late.current)
            yield Step("a late give-back is executed", given)
            continue
        job = Job(late.number, late.redelivered)
        verdict, flight = claims.judge(setup, rest, job), rest.flight
        if flight is not None and verdict == "send":
            yield Step("a late claim is executed", claims.take(rest, flight, claims.next_number(rest), late.name))
        elif flight is not None and verdict == "put back":
            yield Step("a late claim puts back", claims.put_back(setup.rules, rest, flight, job.attempt))


def _of_the_broker(state: State) -> Iterator[Step]:
    for job in set(state.jobs):
        if lost := uses(state, "job lost"):
            jobs = list(state.jobs)
            jobs.remove(job)
            yield Step("the broker loses a job", lost._replace(jobs=tuple(jobs)), True)
    if state.flight is not None and (forged := uses(state, "job forged")):
        yield Step("a job is forged", forged._replace(jobs=(*forged.jobs, Job(FORGED, False))), True)
