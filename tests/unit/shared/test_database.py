import asyncpg
import pytest

from shared.database import describe

SECRET = "79991234567"


def a_violation() -> asyncpg.PostgresError:
    error = asyncpg.UniqueViolationError('duplicate key value violates unique constraint "clients_phone"')
    error.detail, error.constraint_name = f"Key (phone)=({SECRET}) already exists.", "clients_phone"
    return error


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ConnectionRefusedError(111, "Connection refused"), "[Errno 111] Connection refused"),
        (asyncpg.CannotConnectNowError("the database system is starting up"), "the database system is starting up"),
        # Without a text of its own.
        (TimeoutError(), "TimeoutError"),
        # What may quote a value is told by its name, and by the rule that it broke.
        (a_violation(), "UniqueViolationError (clients_phone)"),
        (asyncpg.InvalidTextRepresentationError(f'invalid input syntax: "{SECRET}"'), "InvalidTextRepresentationError"),
        (asyncpg.exceptions._base.DataError(f"invalid input for query argument $1: '{SECRET}'"), "DataError"),
    ],
)
def test_an_error_is_told_in_one_line_without_values(error: Exception, told: str) -> None:
    assert describe(error) == told
