"""Walks a JSON tree by the steps of a dotted path. Pure."""

from collections.abc import Iterator, Sequence
from typing import Any

ANY = "*"


def walk(tree: Any, steps: Sequence[str]) -> Iterator[Any]:
    """Yields what stands at the end of the steps: keys, indexes from 0, or * for any element."""
    if not steps:
        yield tree
        return
    step, rest = steps[0], steps[1:]
    if step == ANY:
        below = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ()
        for one in below:
            yield from walk(one, rest)
    elif isinstance(tree, dict) and step in tree:
        yield from walk(tree[step], rest)
    elif isinstance(tree, list) and step.isdigit() and int(step) < len(tree):
        yield from walk(tree[int(step)], rest)
