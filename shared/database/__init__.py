"""The pool of PostgreSQL connections, and the errors that count as outages."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import Literal, TypeVar

import asyncpg
from prometheus_client import CollectorRegistry, Gauge

from shared import logs
from shared.database.in_turn import use_in_turn
from shared.database.pooler import PoolerFound, require_sessions
from shared.health import Health
from shared.migrate import SchemaError, require_current
from shared.settings import SettingsError
from shared.transport import database_tls
from shared.waiting import nameless, retry_through_outages

Pool = asyncpg.Pool
Connection = asyncpg.Connection | asyncpg.pool.PoolConnectionProxy

STATEMENT_TIMEOUT_SECONDS = 15
# The parameters that are part of the protocol, so that every pooler follows them, beside the application's name.
OF_THE_PROTOCOL = {"timezone": "UTC"}
# What asyncpg's ConnectionError says when the server answers that it has no TLS.
TLS_DECLINED = "rejected SSL upgrade"
TLS_HINT = "in HERALD_DATABASE_URL use the name of the certificate, and the file of its authority as sslrootcert"
# The last is a right that was taken: to connect, or to use a table.
WRONG_SETTINGS = (
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.InsufficientPrivilegeError,
)
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
    # The database accepts no connections: somebody said so, as before a restore.
    asyncpg.ObjectNotInPrerequisiteStateError,
    # A password or a right may be changed under a running process; somebody changes the settings as well, or it back.
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

Tls = ssl.SSLContext | Literal["verify-full"] | None

T = TypeVar("T")


# For processes all of whose statements look rows up by key: a plan made while a table was empty would go on to scan it
# when it is full.
NO_SCANS: Mapping[str, str] = {"enable_seqscan": "off"}


class DatabaseRefused(Exception):
    """The server answers and cannot be used. The text names what to change, there or in the settings."""


class TlsDeclined(Exception):
    """The server does not speak TLS, and the URL demands it."""


# A server that answers, and that this process cannot or must not use until somebody changes something.
NOT_USABLE = (*WRONG_SETTINGS, ssl.SSLError, TlsDeclined, PoolerFound)


@asynccontextmanager
async def connect(
    url: str,
    health: Health,
    stop: asyncio.Event,
    *,
    size: int = 5,
    session: Mapping[str, str] | None = None,
    warm: bool = False,
) -> AsyncIterator[Pool]:
    """Opens a pool of `size` connections, and waits with backoff while the database is away.

    `session`: parameters of PostgreSQL that these connections have in addition, or instead of the usual ones.
    `warm`: all connections are opened at once, stay open and are used in turn, so that none is cold when many
    are needed.

    A wrong password, a wrong certificate and an old schema are waited out as well, and logged as errors: somebody will
    correct them, and a process that ends is only restarted to fail again. Sets `database` in `health`. Raises
    SettingsError when the URL is malformed, and Stopped when `stop` is set while it waits.
    """
    health.require("database")

    repeats = logs.RepeatedCauses()

    def waiting(error: BaseException) -> None:
        health.set("database", False, describe(error))
        times = repeats.count(describe(error))
        if times and isinstance(error, DatabaseRefused):
            logs.get().error("database not usable", detail=str(error), variable="HERALD_DATABASE_URL", times=times)
        elif times:
            logs.get().warning("waiting for the database", detail=describe(error), times=times)

    errors = (DatabaseRefused, *DATABASE_OUTAGES)
    pool = await retry_through_outages(lambda: _open(url, size, session or {}, warm=warm), errors, waiting, stop)
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


async def open_connection(url: str) -> asyncpg.Connection:
    """Opens one connection, for a command or a measurement, and a second one for a moment, to find a pooler.

    Raises what is in NOT_USABLE when the server must not be used as it is, and ValueError for a malformed URL.
    """
    tls = await asyncio.to_thread(database_tls, url)
    with _named_refusals():
        connection = await _connect(url, tls)
    try:
        other = await _connect(url, tls)
        try:
            await require_sessions(connection, other)
        finally:
            other.terminate()
    except BaseException:
        connection.terminate()
        raise
    return connection


async def _connect(url: str, tls: Tls) -> asyncpg.Connection:
    return await asyncpg.connect(url, ssl=tls, timeout=5, server_settings=OF_THE_PROTOCOL)


@contextmanager
def _named_refusals() -> Iterator[None]:
    """Raises TlsDeclined where asyncpg raises an error like that of a server that is away."""
    try:
        yield
    except ConnectionError as error:
        if TLS_DECLINED not in str(error):
            raise
        raise TlsDeclined(describe(error)) from error


async def _open(url: str, size: int, session: Mapping[str, str], *, warm: bool) -> Pool:
    try:
        tls = await asyncio.to_thread(database_tls, url)
        # Before sessions are given parameters: behind a pooler, those of others would have them, too.
        (await open_connection(url)).terminate()
        return await _open_pool(url, tls, size, session, warm=warm)
    except (*NOT_USABLE, SchemaError) as error:
        raise DatabaseRefused(explain_refusal(error)) from error
    except ValueError as error:
        raise SettingsError(f"HERALD_DATABASE_URL: {describe(error)}") from error


async def _open_pool(url: str, tls: Tls, size: int, session: Mapping[str, str], *, warm: bool) -> Pool:
    parameters = {
        "statement_timeout": str(STATEMENT_TIMEOUT_SECONDS * 1000),
        "idle_in_transaction_session_timeout": str(STATEMENT_TIMEOUT_SECONDS * 1000),
        "jit": "off",
        **session,
    }
    pool = asyncpg.create_pool(
        url,
        ssl=tls,
        min_size=1,
        init_size=size if warm else 1,
        max_inactive_connection_lifetime=0 if warm else 300,
        max_size=size,
        timeout=5,
        command_timeout=STATEMENT_TIMEOUT_SECONDS + 5,
        init=partial(_set_parameters, parameters),
        reset=_nothing_to_reset,
        server_settings={**OF_THE_PROTOCOL, "application_name": "herald"},
    )
    try:
        await pool
        if warm:
            use_in_turn(pool)
        async with pool.acquire() as connection:
            await require_current(connection)
    except BaseException:
        pool.terminate()
        raise
    return pool


async def _set_parameters(parameters: Mapping[str, str], connection: Connection) -> None:
    """Sets the parameters of a new session.

    As a statement, since poolers refuse a connection that begins with parameters which they do not follow.
    """
    await connection.execute(
        "SELECT set_config(name, value, false) FROM unnest($1::text[], $2::text[]) AS parameter (name, value)",
        list(parameters),
        list(parameters.values()),
    )


def explain_refusal(error: BaseException) -> str:
    """Returns what the database refuses and what to change, in one line."""
    if isinstance(error, asyncpg.InvalidAuthorizationSpecificationError):
        return f"{describe(error)}: correct user and password in HERALD_DATABASE_URL, or change them in the database"
    if isinstance(error, asyncpg.InvalidCatalogNameError):
        return f"{describe(error)}: correct the name in HERALD_DATABASE_URL, or create the database"
    if isinstance(error, asyncpg.InsufficientPrivilegeError):
        return f"{describe(error)}: give that right to the user of HERALD_DATABASE_URL"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {describe(error)}: {TLS_HINT}"
    if isinstance(error, PoolerFound):
        return str(error)
    if isinstance(error, TlsDeclined):
        return f"{error}: switch TLS on in the server, since HERALD_DATABASE_URL is elsewhere or asks for it"
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
    return str(error).partition("\n")[0] or nameless(error)


async def retry_on_deadlock(work: Callable[[], Awaitable[T]]) -> T:
    """Runs a transaction, and again when it collided with another one, up to five times in all."""
    for _ in range(4):
        try:
            return await work()
        except COLLISIONS as error:
            logs.get().info("transaction retried", detail=type(error).__name__)
    return await work()
