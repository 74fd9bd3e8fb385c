"""Explores every state that can be reached: finds the shortest way to a broken promise, and dead ends."""

from array import array
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
    last: State | None = None

    def __str__(self) -> str:
        counts = f"{self.states:,} states, {self.steps:,} steps"
        return "\n  ".join([f"{counts}: {self.broken}", *self.trace]) if self.broken else counts


class _Graph:
    """The states in the order in which they were found, how each was found, and the steps that are no faults."""

    def __init__(self, first: State) -> None:
        self.states = [first]
        self.number = {first: 0}
        self.parent = array("l", [-1])
        self.label = [""]
        self.sources = array("l")
        self.targets = array("l")
        self.steps = 0

    def add(self, source: int, step: Step) -> int | None:
        """Adds a step, and returns the number of the state that it leads to if that is new."""
        self.steps += 1
        target = self.number.get(step.after)
        new = target is None
        if target is None:
            target = self.number[step.after] = len(self.states)
            self.states.append(step.after)
            self.parent.append(source)
            self.label.append(step.label)
        if not step.fault:
            self.sources.append(source)
            self.targets.append(target)
        return target if new else None

    def trace(self, number: int) -> tuple[str, ...]:
        """Returns what leads to a state, from the beginning."""
        labels = []
        while number > 0:
            labels.append(self.label[number])
            number = self.parent[number]
        return tuple(reversed(labels))

    def result(self, broken: str = "", number: int = 0) -> Exploration:
        trace = self.trace(number) if broken else ()
        return Exploration(len(self.states), self.steps, broken, trace, self.states[number] if broken else None)


def explore(first: State, steps: Callable[[State], Iterable[Step]], ended: Callable[[State], bool]) -> Exploration:
    """Explores breadth first. Stops at the first state that breaks a promise.

    Where there is none, looks for a state from which no state that has `ended` can be reached without a fault.
    """
    graph = _Graph(first)
    number = 0
    while number < len(graph.states):
        for step in steps(graph.states[number]):
            found = graph.add(number, step)
            if found is not None and step.after.broken:
                return graph.result(step.after.broken, found)
        number += 1
    dead = _first_dead_end(graph, ended)
    return graph.result() if dead is None else graph.result(DEAD_END, dead)


def _first_dead_end(graph: _Graph, ended: Callable[[State], bool]) -> int | None:
    """Goes back from the states that have ended, and returns the first state that is not met on the way."""
    starts, sources = _steps_by_target(graph)
    open_ends = [number for number, state in enumerate(graph.states) if ended(state)]
    met = bytearray(len(graph.states))
    for number in open_ends:
        met[number] = 1
    while open_ends:
        target = open_ends.pop()
        for source in sources[starts[target] : starts[target + 1]]:
            if not met[source]:
                met[source] = 1
                open_ends.append(source)
    return next((number for number, value in enumerate(met) if not value), None)


def _steps_by_target(graph: _Graph) -> "tuple[array[int], array[int]]":
    """Sorts the steps by the state that they lead to: (where those of each begin, the states that they come from)."""
    starts = array("l", bytes(8 * (len(graph.states) + 1)))
    for target in graph.targets:
        starts[target + 1] += 1
    for number in range(len(graph.states)):
        starts[number + 1] += starts[number]
    places = array("l", starts)
    ordered = array("l", bytes(8 * len(graph.sources)))
    for source, target in zip(graph.sources, graph.targets, strict=True):
        ordered[places[target]] = source
        places[target] += 1
    return starts, ordered
