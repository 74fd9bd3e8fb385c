"""Exceptions as text for the log: where it failed, and why as far as that quotes no value. Pure."""

import traceback
from collections.abc import Iterator

from shared.redaction import escape

# What these say is about code and connections. Others quote the values they failed on: a phone, a text, a token.
_TELLING = (ArithmeticError, AttributeError, ImportError, NameError, OSError, RuntimeError)
_OURS = frozenset({"shared", "services", "cli"})
LONGEST_REASON = 500
# The last ones tell where it failed.
MOST_FRAMES = 20


def tell(error: BaseException) -> str:
    """Writes an exception with its causes, its frames and, of a group, its members; no local variables."""
    return "\n".join(_lines(error, frozenset()))


def _lines(error: BaseException, seen: frozenset[int]) -> Iterator[str]:
    seen |= {id(error)}
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None and id(cause) not in seen:
        yield from _lines(cause, seen)
        yield "which led to:"
    for frame in traceback.format_tb(error.__traceback__, limit=-MOST_FRAMES):
        yield frame.rstrip()
    yield _head(error)
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield "in this group:"
            yield from _lines(inner, seen)


def _head(error: BaseException) -> str:
    name, reason = type(error).__qualname__, escape(_reason(error))[:LONGEST_REASON]
    return f"{name}: {reason}" if reason else name


def _reason(error: BaseException) -> str:
    ours = type(error).__module__.partition(".")[0] in _OURS
    return str(error) if ours or isinstance(error, _TELLING) else ""
