"""The faults, as one table: what is done, and the alert that must name it."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import asyncpg

from tests.oncall.scene import Scene

# Long enough for the new one to be scraped.
SIDE_BY_SIDE_SECONDS = 5
Inject = Callable[[Scene], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault and the alert that names its cause; None where nothing may fire.

    `env`: settings of all processes. `beside`: alerts about what it also is, which may reach somebody as well.
    """

    name: str
    inject: Inject
    page: str | None
    env: Mapping[str, str] = field(default_factory=dict)
    beside: frozenset[str] = frozenset()


def kill(process: str, number: signal.Signals = signal.SIGKILL) -> Inject:
    async def inject(scene: Scene) -> None:
        scene.kill(process, number)

    return inject


def answer(latency_ms: int = 20, retry_after: int = 1, **modes: float) -> Inject:
    return lambda scene: scene.answer(latency_ms, retry_after, **modes)


def restart(process: str) -> Inject:
    return lambda scene: scene.restart(process)


def start(process: str, **env: str) -> Inject:
    return lambda scene: scene.start(process, **env)


def replace(process: str) -> Inject:
    """Starts a new process, and then stops the old one: a rolling deploy, and one of two that is taken away."""

    async def inject(scene: Scene) -> None:
        # Any free port: the API is the only one with a port of its own.
        await scene.start(f"{process}-2", HERALD_API_PORT="0")
        await asyncio.sleep(SIDE_BY_SIDE_SECONDS)
        await scene.take_away(process)

    return inject


def publish(queue: str) -> Inject:
    return lambda scene: scene.publish(queue, b'{"version": 1, "attempt": "one"}')


async def stall_database(scene: Scene) -> None:
    scene.database.stall()


async def stall_broker(scene: Scene) -> None:
    scene.broker.stall()


async def lock_messages(scene: Scene) -> asyncpg.Connection:
    """Holds a lock that every fold waits for, as long as the caller keeps the connection."""
    connection = await asyncpg.connect(scene.database_url)
    await connection.execute("BEGIN; LOCK TABLE messages IN EXCLUSIVE MODE")
    return connection


async def pause_to_the_end(scene: Scene) -> None:
    await scene.pause(await scene.add_mailing(lasts=1200))


async def too_much(scene: Scene) -> None:
    await scene.add_mailing(lasts=60)


async def window_behind_the_end(scene: Scene) -> None:
    hour = await scene.pool.fetchval("SELECT extract(hour FROM now() + interval '3 h')::int")
    await scene.pool.execute("UPDATE mailings SET end_at = now() + interval '1 h'")
    opens, closes = f"{hour:02}:00", f"{(hour + 1) % 24:02}:00"
    await scene.pool.execute(
        "UPDATE mailings SET window_from = $1::text::time, window_to = $2::text::time", opens, closes
    )
    for process in ("planner", "dispatcher"):
        await scene.restart(process)


async def crash_in_mid_request(scene: Scene) -> None:
    await scene.answer(latency_ms=1500)
    await asyncio.sleep(3)
    await scene.crash("dispatcher")
    await scene.answer()


FAULTS = (
    # Nothing may fire.
    Fault("nothing", lambda _: asyncio.sleep(0), None),
    Fault("the API is deployed", restart("api"), None),
    Fault("the planner is deployed", restart("planner"), None),
    Fault("the dispatcher is deployed", restart("dispatcher"), None),
    Fault("the reporter is deployed", restart("reporter"), None),
    Fault("a new API is started, and the old one stopped", replace("api"), None),
    Fault("a new planner is started, and the old one stopped", replace("planner"), None),
    Fault("a new dispatcher is started, and the old one stopped", replace("dispatcher"), None),
    Fault("a new reporter is started, and the old one stopped", replace("reporter"), None),
    Fault("a second API is added", start("api-2", HERALD_API_PORT="0"), None),
    Fault("a second planner is added", start("planner-2"), None),
    Fault("a second dispatcher is added", start("dispatcher-2"), None),
    Fault("a second reporter is added", start("reporter-2"), None),
    # Processes.
    Fault("the API is killed", kill("api"), "HeraldProcessDown"),
    Fault("the planner is killed", kill("planner"), "HeraldProcessDown"),
    Fault("the dispatcher is killed", kill("dispatcher"), "HeraldProcessDown"),
    Fault("the reporter is killed", kill("reporter"), "HeraldProcessDown"),
    Fault("the API is frozen", kill("api", signal.SIGSTOP), "HeraldProcessDown"),
    Fault("the planner is frozen", kill("planner", signal.SIGSTOP), "HeraldProcessDown"),
    Fault("the dispatcher is frozen", kill("dispatcher", signal.SIGSTOP), "HeraldProcessDown"),
    Fault("the reporter is frozen", kill("reporter", signal.SIGSTOP), "HeraldProcessDown"),
    Fault("the dispatcher dies in mid-request and is started again", crash_in_mid_request, "HeraldSweeperRepairs"),
    # The database.
    Fault("the database is away", lambda scene: scene.database.cut(), "HeraldDatabaseAway"),
    Fault("the database is silent", stall_database, "HeraldDatabaseAway"),
    Fault(
        "the database refuses connections",
        lambda scene: scene.on_database("ALTER DATABASE {name} WITH ALLOW_CONNECTIONS false"),
        "HeraldDatabaseAway",
    ),
    Fault(
        "the database takes no writes",
        lambda scene: scene.on_database("ALTER DATABASE {name} SET default_transaction_read_only TO on"),
        "HeraldDatabaseReadOnly",
    ),
    Fault("a table is locked", lock_messages, "HeraldFoldStuck"),
    # The broker.
    Fault("RabbitMQ is away", lambda scene: scene.broker.cut(), "HeraldBrokerAway"),
    Fault("RabbitMQ is silent", stall_broker, "HeraldBrokerAway"),
    Fault("rights of RabbitMQ vanish", lambda scene: scene.take_rights(), "HeraldBrokerAway"),
    Fault("dispatcher.jobs is purged", lambda scene: scene.purge("dispatcher.jobs"), "HeraldSweeperRepairs"),
    # Bodies of others.
    Fault("an unreadable body in dispatcher.jobs", publish("dispatcher.jobs"), "HeraldUnreadable"),
    Fault("an unreadable body in reporter.results", publish("reporter.results"), "HeraldUnreadable"),
    Fault("an unreadable body in planner.mailings", publish("planner.mailings"), "HeraldUnreadable"),
    # The provider.
    Fault("the provider is gone", kill("sandbox"), "HeraldBreakerOpen"),
    Fault("the provider hangs", answer(latency_ms=60_000), "HeraldBreakerOpen"),
    Fault("the provider answers 500", answer(error500=1.0), "HeraldBreakerOpen"),
    Fault("the provider answers HTML", answer(html=1.0), "HeraldBreakerOpen"),
    Fault("the provider refuses the token", answer(unauthorized=1.0), "HeraldTokenRefused"),
    Fault("the provider throttles", answer(too_many=1.0), "HeraldProviderThrottles"),
    Fault("the provider refuses every message", answer(reject400=1.0), "HeraldMessagesRejected"),
    Fault("the provider refuses one message in three", answer(ok=2.0, reject400=1.0), "HeraldMessagesRejected"),
    Fault("one reply in three is lost", answer(ok=2.0, lost_reply=1.0), "HeraldOutcomesUnknown"),
    Fault(
        "the attempts of some messages are used up",
        answer(ok=3.0, error500=1.0),
        "HeraldDeadLetters",
        env={"HERALD_MAX_ATTEMPTS": "1"},
    ),
    # Mailings.
    Fault(
        "a mailing burns, with HERALD_PAUSE_ON_REJECTED",
        answer(reject400=1.0),
        "HeraldMailingPaused",
        env={"HERALD_PAUSE_ON_REJECTED": "50%,20"},
    ),
    Fault("a paused mailing ends in 20 minutes", pause_to_the_end, "HeraldPausedNearEnd"),
    Fault("more than can be sent by the end", too_much, "HeraldDeadlineAtRisk"),
    Fault("a window opens after the end", window_behind_the_end, "HeraldDeadlineAtRisk"),
    # Settings.
    Fault(
        "other HERALD_RETRY_DELAYS in one dispatcher",
        start("dispatcher-2", HERALD_RETRY_DELAYS="3s,7s"),
        "HeraldSettingsDiffer",
    ),
    Fault(
        "another HERALD_MAX_ATTEMPTS in one dispatcher",
        start("dispatcher-2", HERALD_MAX_ATTEMPTS="2"),
        "HeraldSettingsDiffer",
    ),
)
