"""The pool of PostgreSQL connections, and the errors that count as outages."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TypeVar

import asyncpg
from prometheus_client import CollectorRegistry, Gauge

from shared import logs
from shared.health import Health
from shared.migrate import SchemaError, require_current
from shared.settings import SettingsError
from shared.waiting import retry_through_outages

Pool = asyncpg.Pool
Connection = asyncpg.Connection | asyncpg.pool.PoolConnectionProxy

STATEMENT_TIMEOUT_SECONDS = 15
WRONG_SETTINGS = (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidCatalogNameError)
# Outages are waited out. Every other error is a fault of the statement, and is raised.
DATABASE_OUTAGES = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    # Raised for a statement whose connection the server ends at that very moment: asyncpg's protocol loses its place.
    asyncpg.InternalClientError,
    asyncpg.exceptions.OperatorInterventionError,
    asyncpg.exceptions.InsufficientResourcesError,
    asyncpg.exceptions.ReadOnlySQLTransactionError,
    # A password may be changed under a running process; somebody changes it in the settings as well, or back.
    *WRONG_SETTINGS,
    # The server ended the session because a transaction stood still for too long.
    asyncpg.exceptions.IdleInTransactionSessionTimeoutError,
)
# The texts of these may quote a phone or a text. They come from the server, its constraints and asyncpg itself.
QUOTING = (
    asyncpg.DataError,
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.exceptions._base.DataError,
)
# Two transactions collided; PostgreSQL's manual says to run the one that lost again.
COLLISIONS = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError)

T = TypeVar("T")


# For processes all of whose statements look rows up by key: a plan made while a table was empty would go on to scan it
# when it is full.
NO_SCANS: Mapping[str, str] = {"enable_seqscan": "off"}


class DatabaseRefused(Exception):
    """The server answers and cannot be used. The text names what to change, there or in the settings."""


@asynccontextmanager
async def connect(
    url: str, health: Health, stop: asyncio.Event, *, size: int = 5, session: Mapping[str, str] | None = None
) -> AsyncIterator[Pool]:
    """Opens a pool of `size` connections, and waits with backoff while the database is away.

    `session`: parameters of PostgreSQL that these connections have in addition, or instead of the usual ones.

    A wrong password and an old schema are waited out as well, and logged as errors: somebody will correct them, and a
    process that ends is only restarted to fail again. Sets `database` in `health`. Raises SettingsError when the URL
    is malformed, and Stopped when `stop` is set while it waits.
    """
    health.require("database")

    def waiting(error: BaseException) -> None:
        health.set("database", False, describe(error))
        if isinstance(error, DatabaseRefused):
            logs.get().error("database not usable", detail=str(error), variable="HERALD_DATABASE_URL")
        else:
            logs.get().warning("waiting for the database", detail=describe(error))

    errors = (DatabaseRefused, *DATABASE_OUTAGES)
    pool = await retry_through_outages(lambda: _open(url, size, session or {}), errors, waiting, stop)
    try:
        health.set("database", True)
        yield pool
    finally:
        health.set("database", False, "the process stops")
        # A connection stuck on a dead server must not hold up the exit.
        try:
            async with asyncio.timeout(3):
                await pool.close()
        except TimeoutError:
            pool.terminate()


async def _open(url: str, size: int, session: Mapping[str, str]) -> Pool:
    pool = asyncpg.create_pool(
        url,
        min_size=1,
        max_size=size,
        timeout=5,
        command_timeout=STATEMENT_TIMEOUT_SECONDS + 5,
        reset=_nothing_to_reset,
        server_settings={
            "timezone": "UTC",
            "application_name": "herald",
            "statement_timeout": str(STATEMENT_TIMEOUT_SECONDS * 1000),
            "idle_in_transaction_session_timeout": str(STATEMENT_TIMEOUT_SECONDS * 1000),
            "jit": "off",
            **session,
        },
    )
    try:
        await pool
        async with pool.acquire() as connection:
            await require_current(connection)
    except ValueError as error:
        pool.terminate()
        raise SettingsError(f"HERALD_DATABASE_URL: {describe(error)}") from error
    except (*WRONG_SETTINGS, SchemaError) as error:
        pool.terminate()
        raise DatabaseRefused(explain_refusal(error)) from error
    except BaseException:
        pool.terminate()
        raise
    return pool


def explain_refusal(error: BaseException) -> str:
    """Returns what the database refuses and what to change, in one line."""
    if isinstance(error, asyncpg.InvalidAuthorizationSpecificationError):
        return f"{describe(error)}: correct user and password in HERALD_DATABASE_URL, or change them in the database"
    if isinstance(error, asyncpg.InvalidCatalogNameError):
        return f"{describe(error)}: correct the name in HERALD_DATABASE_URL, or create the database"
    return describe(error)


async def _nothing_to_reset(_: Connection) -> None:
    """Does nothing. asyncpg calls it when a connection is released, in place of statements that reset the session.

    That saves a round trip, which costs as much as reading a row. asyncpg would drop advisory locks, cursors, listeners
    and settings of the session. Herald makes none that outlive their transaction, and an open transaction is rolled
    back before this is called.
    """


def register_metrics(pool: Pool, registry: CollectorRegistry) -> None:
    """Registers gauges of the pool: connections in use, idle connections, and their limit."""
    open_ones = Gauge(
        "herald_database_connections", "Open connections of the pool, by state.", ["state"], registry=registry
    )
    open_ones.labels("idle").set_function(pool.get_idle_size)
    open_ones.labels("used").set_function(lambda: pool.get_size() - pool.get_idle_size())
    most = Gauge("herald_database_connections_max", "Connections that the pool may open.", registry=registry)
    most.set(pool.get_max_size())


def describe(error: BaseException) -> str:
    """Returns the text of an error, in one line. Where it could quote a value, or is empty, its class stands for it."""
    if isinstance(error, QUOTING):
        constraint = getattr(error, "constraint_name", None)
        return f"{type(error).__name__} ({constraint})" if constraint else type(error).__name__
    return str(error).partition("\n")[0] or type(error).__name__


async def retry_on_deadlock(work: Callable[[], Awaitable[T]]) -> T:
    """Runs a transaction, and again when it collided with another one, up to five times in all."""
    for _ in range(4):
        try:
            return await work()
        except COLLISIONS as error:
            logs.get().info("transaction retried", detail=type(error).__name__)
    return await work()
