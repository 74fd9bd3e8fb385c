"""An exception in the log shows where it failed, and quotes no value."""

from typing import TypeVar

import asyncpg
import pytest
from pydantic import BaseModel, ValidationError

from shared.messages import Unreadable
from shared.tracebacks import format_error

SECRET = "79991234567 and a text"


ErrorT = TypeVar("ErrorT", bound=Exception)


class Model(BaseModel):
    phone: int


def caught(error: ErrorT) -> ErrorT:
    """Gives an exception a traceback."""
    try:
        raise error  # noqa: TRY301 - what raises it does not matter
    except Exception:
        return error


def a_validation_error() -> ValidationError:
    try:
        Model.model_validate({"phone": SECRET})
    except ValidationError as error:
        return error
    raise AssertionError("it was valid")


def a_violation() -> asyncpg.PostgresError:
    error = asyncpg.UniqueViolationError(f'duplicate key "{SECRET}"')
    error.detail = f"Key (phone)=({SECRET}) already exists."
    return error


@pytest.mark.parametrize(
    ("error", "last"),
    [
        # The messages of Herald's own errors, and of errors about code and connections, are shown.
        (Unreadable("Job: attempt: Field required"), "Unreadable: Job: attempt: Field required"),
        (ConnectionRefusedError(111, "refused"), "ConnectionRefusedError: [Errno 111] refused"),
        (ZeroDivisionError("division by zero"), "ZeroDivisionError: division by zero"),
        # Others may quote what they failed on.
        (ValueError(SECRET), "ValueError"),
        (KeyError(SECRET), "KeyError"),
        (a_validation_error(), "ValidationError"),
        (a_violation(), "UniqueViolationError"),
        # Line breaks of a reason are no lines of the traceback.
        (RuntimeError("a\n  File 'forged'\x1b[2J"), "RuntimeError: a\\n  File 'forged'\\x1b[2J"),
        (RuntimeError("x" * 1000), "RuntimeError: " + "x" * 500),
    ],
)
def test_only_harmless_messages_are_shown(error: Exception, last: str) -> None:
    shown = format_error(caught(error))
    assert shown.splitlines()[-1] == last
    assert "in caught" in shown
    assert SECRET not in shown


def test_causes_and_members_of_groups_are_shown_without_their_values() -> None:
    cause = caught(KeyError(SECRET))
    error = caught(ExceptionGroup("in a task", [caught(ValueError(SECRET)), caught(RuntimeError("closed"))]))
    error.__cause__ = cause
    shown = format_error(error)
    heads = [line for line in shown.splitlines() if not line.startswith(" ")]
    assert heads == [
        "KeyError",
        "which led to:",
        "ExceptionGroup",
        "in this group:",
        "ValueError",
        "in this group:",
        "RuntimeError: closed",
    ]
    assert SECRET not in shown


def test_an_exception_that_is_its_own_cause_is_shown_once() -> None:
    first, second = caught(KeyError("a")), caught(KeyError("b"))
    first.__cause__, second.__cause__ = second, first
    assert format_error(first).count("KeyError") == 2
