"""The state of the model, and its normal form: names numbered by first use, dispatchers in order."""

from collections.abc import Iterable
from typing import NamedTuple

from tests.model.rules import Fault

NOBODY = -1


class Job(NamedTuple):
    """A job of the message on the broker."""

    attempt: int
    redelivered: bool


class Flight(NamedTuple):
    """The flight. `name` is that of its newest claim."""

    claimed: int = 0
    folded: int = 0
    asked: int = 0
    released: bool = True
    name: int = NOBODY

    @property
    def open(self) -> bool:
        return self.claimed > self.folded


class Name(NamedTuple):
    """A name of claims: the ticks since its last beat, and whether a fence published in its silence is folded."""

    silent: int = 0
    fenced: bool = False


class Row(NamedTuple):
    """A dispatcher's row in `processes`. `fenced`: ticks since it was marked. `asked`: the edits that wait for it."""

    silent: int = 0
    heard: frozenset[int] = frozenset()
    asked: frozenset[int] = frozenset()
    fenced: int | None = None


class Beat(NamedTuple):
    """A beat under way. `edits` are those it reports until it is done, and those it returns afterwards."""

    done: bool
    age: int
    edits: frozenset[int]
    found: bool = True


class Item(NamedTuple):
    """A job in a dispatcher's hands, from the claim to the acknowledgement.

    `delivered`: it can still be acknowledged. `current`: the flight's claim is this one. `heard` and `lapsed`: since
    the claim was asked, an edit was heard, or the lease ran out. `halted`: its process stood still for a tick while
    the request was open.
    """

    stage: str
    attempt: int
    redelivered: bool
    delivered: bool = True
    number: int = 0
    name: int = NOBODY
    current: bool = False
    version: int = 0
    failures: int = 0
    heard: bool = False
    lapsed: bool = False
    age: int = 0
    halted: bool = False
    verdict: str = ""
    outcome: str = ""


class Process(NamedTuple):
    """A dispatcher. `mode` is running, stopped (SIGSTOP) or cut from the database. `lease`: ticks since it sent the
    last beat that succeeded."""

    mode: str = "running"
    lease: int = 0
    row: Row | None = None
    applied: frozenset[int] = frozenset()
    beat: Beat | None = None
    name: int = NOBODY
    item: Item | None = None


# Where the names stand, which are left out where labels do not matter. After that of a process comes its item only.
_OF_PROCESS, _OF_ITEM = Process._fields.index("name"), Item._fields.index("name")


class Statement(NamedTuple):
    """A statement whose client has given up, and which the database may still execute."""

    kind: str
    name: int
    number: int
    current: bool = False
    redelivered: bool = False


class Result(NamedTuple):
    """A body in the queue of results: an attempt's, or a fence with the names that were silent at its publishing."""

    number: int
    outcome: str
    queued: bool = True
    silent: frozenset[int] = frozenset()


class Caller(NamedTuple):
    """An operator's request at the API. `version` is what it answers for; `edit` the id that dispatchers hear."""

    stage: str = "idle"
    version: int = 0
    edit: int = NOBODY


class State(NamedTuple):
    """All there is: the broker, the tables, the processes; and what only the judge knows (from `begun` on)."""

    jobs: tuple[Job, ...] = ()
    results: tuple[Result, ...] = ()
    flight: Flight | None = None
    inserted: bool = False
    published: bool = False
    mark: str = ""
    status: str = "pending"
    failures: int = 0
    recorded: frozenset[int] = frozenset()
    version: int = 0
    edits: tuple[tuple[int, int], ...] = ()
    allotted: int = 0
    names: tuple[Name, ...] = ()
    processes: tuple[Process, ...] = ()
    old_rows: tuple[Row, ...] = ()
    statements: tuple[Statement, ...] = ()
    callers: tuple[Caller, ...] = ()
    left: tuple[tuple[Fault, int], ...] = ()
    begun: frozenset[int] = frozenset()
    accepted: int = 0
    excused: bool = False
    answered: int = 0
    broken: str = ""

    def name_of(self, label: int) -> Name:
        return self.names[label]

    def copies(self) -> int:
        """How many jobs the broker has, delivered ones among them."""
        held = sum(1 for process in self.processes if process.item is not None and process.item.delivered)
        return len(self.jobs) + held

    def locked(self) -> bool:
        """Whether a claim holds the flight's lock."""
        return any(process.item is not None and process.item.stage == "reading" for process in self.processes)


def normalised(state: State) -> State:
    """Returns the one state that stands for all that differ in the labels of names and of dispatchers only."""
    if state.callers and all(caller.stage == "answered" for caller in state.callers):
        state = _without_edits(state)
    processes = tuple(sorted(state.processes, key=_order)) if len(state.processes) > 1 else state.processes
    labels: dict[int, int] = {}
    for label in _names_in_use(state, processes):
        if label != NOBODY and label not in labels:
            labels[label] = len(labels)
    if all(old == new for old, new in labels.items()) and len(labels) == len(state.names):
        return state._replace(processes=processes, jobs=tuple(sorted(state.jobs)))
    names = tuple(state.names[label] for label in labels)
    labels[NOBODY] = NOBODY
    flight = state.flight
    return state._replace(
        jobs=tuple(sorted(state.jobs)),
        flight=flight._replace(name=labels[flight.name]) if flight is not None else None,
        names=names,
        processes=tuple(_relabelled(process, labels) for process in processes),
        statements=tuple(one._replace(name=labels[one.name]) for one in state.statements),
        results=tuple(
            one._replace(silent=frozenset(labels[name] for name in one.silent if name in labels)) if one.silent else one
            for one in state.results
        ),
    )


def _without_edits(state: State) -> State:
    """Forgets who has heard what, once nobody will ask any more."""
    processes = tuple(
        process._replace(
            applied=frozenset(),
            row=None if process.row is None else process.row._replace(heard=frozenset(), asked=frozenset()),
            beat=None if process.beat is None else process.beat._replace(edits=frozenset()),
        )
        for process in state.processes
    )
    return state._replace(edits=(), old_rows=(), processes=processes)


def _order(process: Process) -> int:
    """Returns a key that does not depend on labels. Equal ones are equal but for their labels, bar an accident."""
    item = process.item
    of_item = None if item is None else (item[:_OF_ITEM], item[_OF_ITEM + 1 :])
    return hash((process[:_OF_PROCESS], of_item))


def _names_in_use(state: State, processes: Iterable[Process]) -> Iterable[int]:
    if state.flight is not None:
        yield state.flight.name
    for process in processes:
        yield process.name
        if process.item is not None:
            yield process.item.name
    for statement in state.statements:
        yield statement.name


def _relabelled(process: Process, labels: dict[int, int]) -> Process:
    item = process.item
    return process._replace(
        name=labels[process.name], item=None if item is None else item._replace(name=labels[item.name])
    )
