"""A refusal of the database or the broker is one line, keeps a process unready, and is waited out."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from urllib.parse import urlsplit

import asyncpg
import pytest

from shared import database, topology
from shared.broker import (
    BrokerAway,
    BrokerRefused,
    Consumer,
    Outgoing,
    Publisher,
    Unpublished,
    declare,
    open_connection,
)
from shared.broker.errors import MISSING_HINT, REFUSED_HINT, RIGHTS_HINT
from shared.health import Health
from shared.migrate import migrate
from shared.settings import DEFAULT_RETRY_DELAYS
from shared.waiting import Stopped
from tests.support.herald_command import herald
from tests.support.polling import until
from tests.support.services.databases import execute, with_database
from tests.support.services.run import need
from tests.support.services.vhosts import BrokerUser, Vhosts

TABLE = topology.build(DEFAULT_RETRY_DELAYS)
JOB = Outgoing(topology.JOBS, topology.SEND_KEY, b"{}")
LetIn = Callable[[BrokerUser], str]


def with_user(url: str, name: str, password: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=f"{name}:{password}@{parts.hostname}:{parts.port or 5672}").geturl()


@pytest.fixture
def add_user(vhosts: Vhosts, broker_url: str) -> Iterator[LetIn]:
    """Lets somebody with certain rights into the virtual host of the test, and return their URL."""
    with contextlib.ExitStack() as opened:

        def let(user: BrokerUser) -> str:
            vhosts.admin.add_user(user, urlsplit(broker_url).path.lstrip("/"))
            opened.callback(vhosts.admin.remove_user, user)
            return with_user(broker_url, user.name, user.password)

        yield let


def somebody(**rights: str) -> BrokerUser:
    return BrokerUser(f"herald_test_{secrets.token_hex(4)}", "hush", **rights)


async def until_reason(health: Health, part: str, words: str) -> None:
    async def shown() -> bool:
        return words in health.reasons.get(part, "")

    try:
        await until(shown, 15, words)
    except AssertionError as error:
        raise AssertionError(f"{error}; the reasons were {health.reasons}") from None
    assert not health.ready


async def until_ready(health: Health) -> None:
    async def ready() -> bool:
        return health.ready

    await until(ready, 15, "ready")
    assert health.reasons == {}


@contextlib.asynccontextmanager
async def connecting(url: str, health: Health) -> AsyncIterator["asyncio.Task[None]"]:
    """Connects to a database as a process does, and go on until the block ends."""
    stop = asyncio.Event()

    async def stay() -> None:
        async with database.connect(url, health, stop):
            await stop.wait()

    task = asyncio.create_task(stay())
    try:
        yield task
    finally:
        stop.set()
        with contextlib.suppress(Stopped):
            await task


async def test_a_user_that_the_database_refuses_is_named_and_waited_out(database_url: str) -> None:
    health, parts = Health(), urlsplit(database_url)
    address = (parts.netloc or "").rpartition("@")[2]
    url = parts._replace(netloc=f"nobody_at_all:hush@{address}").geturl()
    async with connecting(url, health) as task:
        await until_reason(health, "database", "HERALD_DATABASE_URL")
        assert "nobody_at_all" in health.reasons["database"]
        assert "hush" not in health.reasons["database"]
        assert not task.done(), "ending would only mean to be started again"


async def test_a_database_that_is_not_there_is_named_and_waited_out(database_url: str) -> None:
    health = Health()
    async with connecting(with_database(database_url, "no_such_database"), health):
        await until_reason(health, "database", "create the database")


async def test_a_process_waits_for_the_schema_and_goes_on_when_it_is_there(run_prefix: str) -> None:
    admin, name, health = need("database")["url"], f"{run_prefix}_{secrets.token_hex(4)}", Health()
    await execute(admin, f'CREATE DATABASE "{name}"')
    url = with_database(admin, name)
    try:
        async with connecting(url, health):
            await until_reason(health, "database", "run `herald migrate`")
            connection = await asyncpg.connect(url)
            await migrate(connection)
            await connection.close()
            await until_ready(health)
    finally:
        await execute(admin, f'DROP DATABASE "{name}" WITH (FORCE)')


async def test_a_wrong_password_at_the_broker_is_named_with_its_node_and_not_shown(broker_url: str) -> None:
    health, parts = Health(), urlsplit(broker_url)
    async with Publisher(with_user(broker_url, "nobody", "hush"), "p", health, None):
        await until_reason(health, "p", REFUSED_HINT)
        assert f"{parts.hostname}:{parts.port or 5672}" in health.reasons["p"]
        assert "hush" not in health.reasons["p"]


async def test_a_virtual_host_that_is_not_there_is_a_refusal(broker_url: str) -> None:
    url = urlsplit(broker_url)._replace(path="/no_such_vhost").geturl()
    with pytest.raises(BrokerRefused, match="no_such_vhost"):
        await open_connection(url, "test")


async def test_one_good_url_of_several_is_enough(broker_url: str, free_port: int) -> None:
    wrong = (f"amqp://guest:hush@127.0.0.1:{free_port}/", with_user(broker_url, "nobody", "hush"))
    for _ in range(5):
        async with await open_connection(",".join((*wrong, broker_url)), "test") as connection:
            assert not connection.is_closed


async def test_when_no_node_answers_each_of_them_is_named(free_port: int) -> None:
    with pytest.raises(BrokerAway) as away:
        await open_connection(f"amqp://guest:hush@127.0.0.1:{free_port}/,amqp://guest:hush@127.0.0.1:1/", "test")
    assert f"127.0.0.1:{free_port}: " in str(away.value)
    assert "127.0.0.1:1: " in str(away.value)
    assert "hush" not in str(away.value)


async def test_a_consumer_without_the_right_to_read_shows_that_reason(add_user: LetIn, broker_url: str) -> None:
    async with await open_connection(broker_url, "test") as connection:
        await declare(connection, TABLE)
    health, queue = Health(), topology.DISPATCHER_JOBS
    url = add_user(somebody())
    async with Consumer(url, "c", health, None, queue=queue, prefetch=1, on_delivery=lambda _: None):
        await until_reason(health, "c", RIGHTS_HINT)
        assert queue in health.reasons["c"]


async def test_a_publisher_without_the_right_to_write_is_unready_until_it_has_it(
    add_user: LetIn, vhosts: Vhosts, broker_url: str
) -> None:
    async with await open_connection(broker_url, "test") as connection:
        await declare(connection, TABLE)
    health, user = Health(), somebody()
    async with Publisher(add_user(user), "p", health, None) as publisher:
        with pytest.raises(Unpublished):
            await publisher.publish(JOB)
        await until_reason(health, "p", RIGHTS_HINT)
        allowed = BrokerUser(user.name, user.password, write="^herald.jobs$")
        vhosts.admin.remove_user(user)
        vhosts.admin.add_user(allowed, urlsplit(broker_url).path.lstrip("/"))

        async def published() -> bool:
            with contextlib.suppress(Unpublished):
                await publisher.publish(JOB)
            return health.ready

        await until(published, 30, "published")
        assert health.reasons == {}


async def test_a_process_that_may_not_declare_reports_a_missing_topology(broker_url: str) -> None:
    health = Health()
    consumer = Consumer(
        broker_url, "c", health, None, queue=topology.DISPATCHER_JOBS, prefetch=1, on_delivery=lambda _: None
    )
    async with consumer:
        await until_reason(health, "c", MISSING_HINT)
        assert health.details["c"] == "not consuming"
        async with await open_connection(broker_url, "test") as connection:
            await declare(connection, TABLE)
        await until_ready(health)
        assert health.details["c"] == "consuming"


async def test_the_topology_command_prints_in_one_line_what_is_refused(add_user: LetIn, broker_url: str) -> None:
    for url, code, words in (
        (add_user(somebody(read=".*", write=".*")), 1, RIGHTS_HINT),
        (with_user(broker_url, "nobody", "hush"), 2, REFUSED_HINT),
        (f"{broker_url},", 2, "URL 2 of 2 is empty"),
    ):
        done = await herald("topology", env={"HERALD_RABBITMQ_URL": url})
        assert (done.code, words in done.err) == (code, True), done
        assert "hush" not in done.err
        assert len(done.err.strip().splitlines()) == 1, done.err
