"""Compiles the texts of the file into functions of a message."""

from collections.abc import Callable
from typing import Any

from services.dispatcher.providers.message_values import LeafValue, MessageValues, getter_of
from shared.providers.placeholders import EnvironmentSecret, FileSecret, Part, RequestPlaceholder, parse_text
from shared.providers.secrets import SecretValues

Leaf = Callable[[MessageValues], LeafValue]
# Returns a part of a JSON body; None where it has no value, and is left out.
Branch = Callable[[MessageValues], Any]


def compile_leaf(value: Any, secrets: SecretValues) -> Leaf:
    """Compiles a text, a number or a truth value. One placeholder alone keeps its type, and None is no value."""
    if not isinstance(value, str):
        return lambda _: value
    parts = parse_text(value)
    if len(parts) == 1 and isinstance(parts[0], RequestPlaceholder):
        return getter_of(parts[0].name)
    return compile_text(value, secrets)


def compile_text(text: str, secrets: SecretValues) -> Callable[[MessageValues], str]:
    """Compiles a text into one that is always a text: a placeholder without a value is empty. Raises MissingSecret."""
    pieces = [_compile_part(part, secrets) for part in parse_text(text)]
    if all(isinstance(part, str | EnvironmentSecret) for part in parse_text(text)):
        constant = "".join(piece(_NOBODY) for piece in pieces)
        return lambda _: constant
    if len(pieces) == 1:
        return pieces[0]
    return lambda values: "".join([piece(values) for piece in pieces])


# No piece of a constant looks at the message.
_NOBODY: Any = None


def _compile_part(part: Part, secrets: SecretValues) -> Callable[[MessageValues], str]:
    match part:
        case RequestPlaceholder():
            get = getter_of(part.name)
            return lambda values: "" if (found := get(values)) is None else str(found)
        case EnvironmentSecret():
            value = secrets.read(part)
            return lambda _: value
        case FileSecret():
            secrets.read(part)
            return lambda _: secrets.read(part)
        case str():
            return lambda _: part


def compile_tree(tree: Any, secrets: SecretValues) -> Branch:
    """Compiles a JSON body. What has no value is left out of its map or list."""
    if isinstance(tree, dict):
        fields = [(key, compile_tree(value, secrets)) for key, value in tree.items()]
        return lambda values: {key: found for key, branch in fields if (found := branch(values)) is not None}
    if isinstance(tree, list):
        items = [compile_tree(value, secrets) for value in tree]
        return lambda values: [found for branch in items if (found := branch(values)) is not None]
    return compile_leaf(tree, secrets)
