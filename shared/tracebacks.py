"""Formats exceptions for the log: frames and causes, and those messages that quote no value. Pure."""

import traceback
from collections.abc import Iterator

from shared.redaction import escape

# Their messages are about code and connections. Others quote the value they failed on: a phone, a text, a token.
_QUOTE_NO_VALUE = (ArithmeticError, AttributeError, ImportError, NameError, OSError, RuntimeError)
_OURS = frozenset({"shared", "services", "cli"})
LONGEST_MESSAGE = 500
# The last frames show where it failed.
MOST_FRAMES = 20


def format_error(error: BaseException) -> str:
    """Formats an exception with its causes, its frames and the members of a group, without local variables."""
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
    name, message = type(error).__qualname__, escape(_message(error))[:LONGEST_MESSAGE]
    return f"{name}: {message}" if message else name


def _message(error: BaseException) -> str:
    ours = type(error).__module__.partition(".")[0] in _OURS
    return str(error) if ours or isinstance(error, _QUOTE_NO_VALUE) else ""
