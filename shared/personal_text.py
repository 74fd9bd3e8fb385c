r"""Texts with a place for a value of each client: {{name}}, or {{name|client}} with a fallback. Pure.

\{{ stands for two braces. There is nothing more: no expressions, and a value is never read as a text of its own.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

# The longest text, before and after its values are filled in. In characters.
MAX_LENGTH = 2000
MAX_PLACEHOLDERS = 32
OPENING = "{{"

_PIECE = re.compile(r"\\\{\{|\{\{")
_PLACEHOLDER = re.compile(r"\{\{([a-z][a-z0-9_]{0,31})(?:\|([^{}|\r\n]{1,200}))?\}\}")


class WrongText(Exception):
    """A text cannot be read. `place` counts its characters from 1."""

    def __init__(self, place: int, message: str) -> None:
        super().__init__(message)
        self.place = place


class Unrendered(Exception):
    """A text cannot be rendered for a client. The message is the reason, as the message of the client has it."""


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A place for a value. Without a fallback the client must have it."""

    name: str
    fallback: str | None = None


@dataclass(frozen=True, slots=True)
class PersonalText:
    """A text as a sequence of literal strings and placeholders."""

    parts: tuple[str | Placeholder, ...]

    @property
    def placeholders(self) -> list[Placeholder]:
        return [part for part in self.parts if isinstance(part, Placeholder)]

    @property
    def required(self) -> list[str]:
        """The names of the values that a client must have, each once."""
        return list(dict.fromkeys(part.name for part in self.placeholders if part.fallback is None))

    @property
    def names(self) -> list[str]:
        """The names of all placeholders, each once."""
        return list(dict.fromkeys(part.name for part in self.placeholders))


@dataclass(frozen=True, slots=True)
class RenderedText:
    """A text with values filled in, and those values, which nobody else may see."""

    text: str
    values: tuple[str, ...] = ()


def is_personal(text: str) -> bool:
    """Returns whether a text must be rendered: it has placeholders, or braces that are written with a backslash."""
    return OPENING in text


def read_text(text: str) -> PersonalText:
    """Reads a text. Raises WrongText."""
    parts: list[str | Placeholder] = []
    kept, place = "", 0
    for found in _PIECE.finditer(text):
        if found.start() < place:
            continue
        kept += text[place : found.start()]
        if found[0] != OPENING:
            kept, place = kept + OPENING, found.end()
            continue
        whole = _PLACEHOLDER.match(text, found.start())
        if whole is None:
            raise WrongText(found.start() + 1, _explain(text[found.start() :]))
        parts += [kept, Placeholder(whole[1], whole[2])]
        kept, place = "", whole.end()
    read = PersonalText(tuple(part for part in (*parts, kept + text[place:]) if part != ""))
    if len(read.names) > MAX_PLACEHOLDERS:
        raise WrongText(1, f"has more than {MAX_PLACEHOLDERS} different placeholders")
    return read


def _explain(text: str) -> str:
    if "}}" not in text:
        return r"{{ is not closed by }}; write \{{ for two braces"
    return (
        "is no placeholder: it must be {{name}} or {{name|fallback}} with a name of a to z, 0 to 9 and _, and nothing "
        r"else; write \{{ for two braces"
    )


def value_of(attributes: Mapping[str, object], name: str) -> str | None:
    """Returns an attribute as it stands in a text; None if the client lacks it, or it is blank."""
    match attributes.get(name):
        case None:
            return None
        case bool(value):
            return "true" if value else "false"
        case float(value):
            # As PostgreSQL writes it, never with an exponent.
            return format(Decimal(repr(value)), "f").removesuffix(".0")
        case value:
            return str(value) if str(value).strip() else None


def render(text: PersonalText, attributes: Mapping[str, object]) -> RenderedText:
    """Fills the values of a client in. Raises Unrendered if one is missing, or the text becomes too long."""
    filled, values = [], []
    for part in text.parts:
        if isinstance(part, str):
            filled.append(part)
            continue
        value = value_of(attributes, part.name)
        if value is None and part.fallback is None:
            raise Unrendered(f"no value: {part.name}")
        if value is not None:
            values.append(value)
        filled.append(value if value is not None else part.fallback or "")
    rendered = "".join(filled)
    if len(rendered) > MAX_LENGTH:
        raise Unrendered(f"longer than {MAX_LENGTH:,} characters")
    return RenderedText(rendered, tuple(values))
