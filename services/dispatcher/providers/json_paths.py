"""Finds values in a JSON reply by dotted paths. Pure."""

from collections.abc import Callable, Sequence
from typing import Any

from services.dispatcher.providers.message_values import MessageValues, getter_of
from shared.providers.json_walk import ANY, walk
from shared.providers.placeholders import RequestPlaceholder, parse_text

# Finds what stands at a path, in the order of the reply; nothing where there is no such place.
Find = Callable[[Any, MessageValues | None], Sequence[Any]]


def compile_path(path: str) -> Find:
    """Compiles a path: keys and indexes between dots, * for any element, {{phone}} for a value of the message."""
    steps = path.split(".")
    if any(isinstance(part, RequestPlaceholder) for part in parse_text(path)):
        return lambda tree, values: list(walk(tree, [_fill(step, values) for step in steps]))
    if len(steps) == 1 and path != ANY and not path.isdigit():
        return lambda tree, _: [tree[path]] if isinstance(tree, dict) and path in tree else ()
    return lambda tree, _: list(walk(tree, steps))


def _fill(step: str, values: MessageValues | None) -> str:
    if values is None or "{{" not in step:
        return step
    parts = [
        str(getter_of(part.name)(values)) if isinstance(part, RequestPlaceholder) else part for part in parse_text(step)
    ]
    return "".join(part for part in parts if isinstance(part, str))
