"""Errors of the database are described without the values that they quote."""

import asyncpg
import pytest

from shared.database import describe

SECRET = "79991234567"


def a_violation() -> asyncpg.PostgresError:
    error = asyncpg.UniqueViolationError('duplicate key value violates unique constraint "clients_phone"')
    error.detail, error.constraint_name = f"Key (phone)=({SECRET}) already exists.", "clients_phone"
    return error


@pytest.mark.parametrize(
    ("error", "described"),
    [
        (ConnectionRefusedError(111, "Connection refused"), "[Errno 111] Connection refused"),
        (asyncpg.CannotConnectNowError("the database system is starting up"), "the database system is starting up"),
        # Without a text of its own.
        (TimeoutError(), "no answer in time"),
        # An error that may quote a value shows its class, and the constraint that it violates.
        (a_violation(), "UniqueViolationError (clients_phone)"),
        (asyncpg.InvalidTextRepresentationError(f'invalid input syntax: "{SECRET}"'), "InvalidTextRepresentationError"),
        (asyncpg.exceptions._base.DataError(f"invalid input for query argument $1: '{SECRET}'"), "DataError"),
    ],
)
def test_an_error_is_described_in_one_line_without_values(error: Exception, described: str) -> None:
    assert describe(error) == described
