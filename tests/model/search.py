"""Explores every state that can be reached: finds the shortest way to a broken promise, and dead ends."""

from array import array
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from tests.model.state import State

DEAD_END = "a state from which no end can be reached"


class Step(NamedTuple):
    """What may happen next. Nobody can count on a `fault` to happen."""

    label: str
    after: State
    fault: bool = False


@dataclass(frozen=True, slots=True)
class Exploration:
    """What a search found: how many states and steps, which promise is broken, and the shortest way there."""

    states: int
    steps: int
    broken: str = ""
    trace: tuple[str, ...] = ()

    def __str__(self) -> str:
        counts = f"{self.states:,} states, {self.steps:,} steps"
        return "\n  ".join([f"{counts}: {self.broken}", *self.trace]) if self.broken else counts


class _Graph:
    """The states in the order in which they were found, how each was found, and the steps that are no faults.

    Of a state that was explored only its hash of 64 bits is kept. That two of ten million states share one has a chance
    of one in 300,000, and whole states would need a kilobyte each.
    """

    def __init__(self, first: State) -> None:
        self.number = {hash(first): 0}
        self.waiting = deque([first])
        self.ended = bytearray(1)
        self.parent = array("i", [-1])
        self.label = array("h", [0])
        self.labels = {"": 0}
        self.sources = array("i")
        self.targets = array("i")
        self.steps = 0

    def add(self, source: int, step: Step) -> int | None:
        """Adds a step, and returns the number of the state that it leads to if that is new."""
        self.steps += 1
        key = hash(step.after)
        target = self.number.get(key)
        new = target is None
        if target is None:
            target = self.number[key] = len(self.parent)
            self.waiting.append(step.after)
            self.ended.append(0)
            self.parent.append(source)
            self.label.append(self.labels.setdefault(step.label, len(self.labels)))
        if not step.fault:
            self.sources.append(source)
            self.targets.append(target)
        return target if new else None

    def trace(self, number: int) -> tuple[str, ...]:
        """Returns what leads to a state, from the beginning."""
        names, labels = list(self.labels), []
        while number > 0:
            labels.append(names[self.label[number]])
            number = self.parent[number]
        return tuple(reversed(labels))

    def result(self, broken: str = "", number: int = 0) -> Exploration:
        return Exploration(len(self.parent), self.steps, broken, self.trace(number) if broken else ())


def explore(first: State, steps: Callable[[State], Iterable[Step]], ended: Callable[[State], bool]) -> Exploration:
    """Explores breadth first. Stops at the first state that breaks a promise.

    Where there is none, looks for a state from which no state that has `ended` can be reached without a fault.
    """
    graph = _Graph(first)
    number = 0
    while graph.waiting:
        state = graph.waiting.popleft()
        graph.ended[number] = ended(state)
        for step in steps(state):
            found = graph.add(number, step)
            if found is not None and step.after.broken:
                return graph.result(step.after.broken, found)
        number += 1
    dead = _first_dead_end(graph)
    return graph.result() if dead is None else graph.result(DEAD_END, dead)


def _first_dead_end(graph: _Graph) -> int | None:
    """Goes back from the states that have ended, and returns the first state that is not met on the way."""
    starts, sources = _steps_by_target(graph)
    met = graph.ended
    open_ends = [number for number, value in enumerate(met) if value]
    while open_ends:
        target = open_ends.pop()
        for source in sources[starts[target] : starts[target + 1]]:
            if not met[source]:
                met[source] = 1
                open_ends.append(source)
    return next((number for number, value in enumerate(met) if not value), None)


def _steps_by_target(graph: _Graph) -> "tuple[array[int], array[int]]":
    """Sorts the steps by the state that they lead to: (where those of each begin, the states that they come from)."""
    count = len(graph.parent)
    starts = array("q", bytes(8 * (count + 1)))
    for target in graph.targets:
        starts[target + 1] += 1
    for number in range(count):
        starts[number + 1] += starts[number]
    places = array("q", starts)
    ordered = array("i", bytes(4 * len(graph.sources)))
    for source, target in zip(graph.sources, graph.targets, strict=True):
        ordered[places[target]] = source
        places[target] += 1
    return starts, ordered
