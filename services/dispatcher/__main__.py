"""Wires the dispatcher: jobs in, requests out, results on. Any number may run."""

import asyncio
import math
import random
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from prometheus_client import CollectorRegistry

from services.dispatcher import metrics
from services.dispatcher.admission.adaptive_concurrency import AdaptiveConcurrency
from services.dispatcher.admission.admission import Admission
from services.dispatcher.admission.admission_watch import BreakerWatch, ConcurrencyWatch, watch_admission
from services.dispatcher.admission.breaker import Breaker
from services.dispatcher.admission.hold_up import HoldUp
from services.dispatcher.admission.rate_limit import make_limit, prefetch
from services.dispatcher.admission.slot_lease import SlotLease
from services.dispatcher.attempt import AttemptTools
from services.dispatcher.attempts import RunningAttempts
from services.dispatcher.claimer import Claimer
from services.dispatcher.claims.claim_size import ClaimSize
from services.dispatcher.claims.clock import read_clock
from services.dispatcher.claims.give_backs import GiveBacks
from services.dispatcher.claims.heartbeat import Heartbeat
from services.dispatcher.claims.held_claims import HeldClaims
from services.dispatcher.handler import Handler
from services.dispatcher.intake import Intake
from services.dispatcher.metrics import Metrics
from services.dispatcher.provider_api.http_client import HttpClient
from services.dispatcher.providers.announcer import Announcer
from services.dispatcher.providers.fleet import Fleet
from services.dispatcher.providers.fleet_view import FleetMetrics, FleetView
from services.dispatcher.providers.keeper import FleetKeeper, read_fleet
from services.dispatcher.providers.lane import Lane
from services.dispatcher.providers.leaser import Leaser
from services.dispatcher.providers.mapping import ProviderMapping, Surroundings
from services.dispatcher.providers.store import read_installation
from services.dispatcher.queued_retries import QueuedRetries
from services.dispatcher.requeue import Requeue
from services.dispatcher.result_buffer import ResultBuffer
from services.dispatcher.retry import RetryPolicy
from services.dispatcher.settings import DispatcherSettings
from shared import database, logs, process, topology
from shared.broker import Consumer, Publisher
from shared.checks.database import DatabaseCheck
from shared.checks.settings import SettingsCheck, show_delays
from shared.database import DATABASE_OUTAGES, Pool, describe
from shared.health import Health
from shared.metrics import new_registry
from shared.ops import serve_ops
from shared.task_supervisor import TaskSupervisor, Work
from shared.waiting import retry_through_outages

# For the beat, which keeps one; claims, a give-back, the watch and the count of retries share the others.
POOL_SIZE = 6
# Of the 25 s a process has to stop: for requests to end, for the others' claims to be given back, then for results to
# be published.
ENDING_SECONDS, GIVING_BACK_SECONDS, FLUSHING_SECONDS = 15, 2, 4


log = logs.get()


async def main(config: DispatcherSettings, stop: asyncio.Event) -> None:
    health, registry = Health(), new_registry()
    health.require("database", "dispatcher.publish", "dispatcher.consume")
    table = topology.build(config.retry_delays) if config.declare else None
    urls = config.rabbitmq_url.get_secret_value()
    # A wrong file is refused before anything else is tried.
    read_fleet(config, Surroundings())
    async with (
        serve_ops(config.ops_host, config.ops_port, health, registry),
        database.connect(
            config.database_url.get_secret_value(), health, stop, size=POOL_SIZE, session=database.NO_SCANS
        ) as pool,
        _fleet(config, pool, stop) as keeper,
        Publisher(urls, "dispatcher.publish", health, table) as publisher,
    ):
        counters = Metrics(registry)
        concurrency = config.dispatcher_concurrency
        intake, results, held = Intake(counters), ResultBuffer(publisher, concurrency), HeldClaims(read_clock)
        give_backs, retries = GiveBacks(pool, held.names, intake, counters), QueuedRetries(pool)

        def fleet() -> Fleet:
            return keeper.fleet

        heartbeat = Heartbeat(
            pool,
            held,
            provider_timeout=lambda: keeper.longest_timeout,
            clock=read_clock,
            obey=keeper.obey,
            reload=keeper.reload,
        )
        leaser = Leaser(pool, fleet, read_clock)
        announcer = Announcer(pool, keeper, lambda: heartbeat.process, read_clock)
        tools = AttemptTools(
            held=held,
            publisher=publisher,
            fleet=fleet,
            announce=announcer.announce,
            policy=RetryPolicy(config.retry_delays, config.max_attempts),
            retries=retries,
            metrics=counters,
            clock=read_clock,
        )
        attempts = RunningAttempts(tools, results, give_backs, intake, ClaimSize(), concurrency=concurrency)
        hold_up, requeue = HoldUp(health, registry, read_clock), Requeue(publisher, intake, config.retry_delays[0])
        claimer = Claimer(
            *(pool, intake, requeue, attempts, fleet, held, hold_up, counters),
            concurrency=concurrency,
            clock=read_clock,
        )
        handler = Handler(
            *(intake, requeue, claimer, attempts, results, fleet, held, heartbeat, hold_up),
            concurrency=concurrency,
            clock=read_clock,
        )
        consumer = Consumer(
            urls,
            "dispatcher.consume",
            health,
            table,
            queue=topology.DISPATCHER_JOBS,
            prefetch=prefetch(concurrency, keeper.fleet.rate),
            on_delivery=intake.enqueue,
        )
        counters.show_providers(keeper.fleet.lanes)
        view = FleetView(fleet)
        FleetMetrics(registry, fleet, read_clock)
        _register_gauges(registry, view, handler, intake, held, results, fleet)
        database.register_metrics(pool, registry)
        consumer.register_metrics(registry)
        publisher.register_metrics(registry)
        for task, pulse in (
            ("send", handler.pulse),
            ("beat", heartbeat.pulse),
            ("results", results.pulse),
            ("give back", give_backs.pulse),
        ):
            health.watch(task, pulse)
        settings_check = SettingsCheck(pool, health, registry, "dispatcher", _equal_settings(config), _limits(config))
        async with consumer, settings_check:
            breaker_watch, limit_watch = BreakerWatch(view, health, registry), ConcurrencyWatch(view, health)
            tasks: dict[str, Work] = {
                "beat": heartbeat.run,
                "results": results.run,
                "give back": give_backs.run,
                "hold-up": hold_up.run,
                "queued retries": retries.run,
                "admission": lambda: watch_admission(breaker_watch, limit_watch, read_clock),
                "database": DatabaseCheck(pool, health, registry).run,
                "settings": settings_check.run,
                "providers": announcer.run,
                "waiting attempts": attempts.start_in_time,
                "leases": leaser.run,
                "clients": keeper.close_left,
            }
            supervisor = TaskSupervisor(health, registry)
            watches = [supervisor.supervise(task, work) for task, work in tasks.items()]
            sending = supervisor.supervise("send", lambda: handler.run(consumer, stop))
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, keeper.reload)
            await _work(handler, sending, results, give_backs, consumer, consumer.check(), publisher.check(), *watches)
            await heartbeat.leave()
            await leaser.leave()


def _equal_settings(config: DispatcherSettings) -> dict[str, str]:
    return {
        "HERALD_RETRY_DELAYS": show_delays(config.retry_delays),
        "HERALD_MAX_ATTEMPTS": str(config.max_attempts),
    }


def _limits(config: DispatcherSettings) -> dict[str, str]:
    limits = {"HERALD_DISPATCHER_CONCURRENCY": str(config.dispatcher_concurrency)}
    if config.providers_file is not None:
        return limits | {"HERALD_PROVIDERS_FILE": str(config.providers_file)}
    rate = "unlimited" if config.provider_rate is None else f"{config.provider_rate:g}"
    return limits | {"HERALD_PROVIDER_RATE": rate, "HERALD_PROVIDER_TIMEOUT": f"{config.provider_timeout:g}"}


@asynccontextmanager
async def _fleet(config: DispatcherSettings, pool: Pool, stop: asyncio.Event) -> AsyncIterator[FleetKeeper]:
    """Makes the fleet, and closes its clients. Raises SettingsError for a wrong file."""
    installation = ""
    if config.providers_file is not None:

        def note(error: BaseException) -> None:
            log.warning("installation not read", detail=describe(error))

        installation = await retry_through_outages(lambda: read_installation(pool), DATABASE_OUTAGES, note, stop)
    keeper = FleetKeeper(config, Surroundings(installation, config.public_url), partial(_make_lane, config))
    try:
        yield keeper
    finally:
        await keeper.close()


def _make_lane(config: DispatcherSettings, mapping: ProviderMapping) -> Lane:
    named, concurrency = config.providers_file is not None, mapping.config.concurrency
    most = min(concurrency or config.dispatcher_concurrency, config.dispatcher_concurrency)
    breaker = Breaker(lambda: random.uniform(0.9, 1.1))  # noqa: S311 - jitter, not a secret
    return Lane(
        mapping,
        HttpClient(mapping.origin, most_open=most, clock=read_clock),
        Admission(breaker, AdaptiveConcurrency(most)),
        make_limit(mapping.config.rate, read_clock),
        SlotLease(concurrency, most, read_clock) if named and concurrency is not None else None,
        label=mapping.name if named else None,
    )


def _register_gauges(
    registry: CollectorRegistry,
    view: FleetView,
    handler: Handler,
    intake: Intake,
    held: HeldClaims,
    results: ResultBuffer,
    fleet: Callable[[], Fleet],
) -> None:
    clock = asyncio.get_running_loop().time
    metrics.register_gauges(
        registry,
        in_flight=lambda: handler.in_flight,
        most=lambda: view.limit,
        held=lambda: intake.held,
        unbegun=lambda: len(held),
        outstanding=lambda: results.outstanding,
        unconfirmed=lambda: results.behind(clock()),
        rate=lambda: math.inf if (rate := fleet().rate) is None else rate,
    )


async def _work(
    handler: Handler,
    sending: Coroutine[Any, Any, None],
    results: ResultBuffer,
    give_backs: GiveBacks,
    consumer: Consumer,
    *watches: Coroutine[Any, Any, None],
) -> None:
    """Sends until `sending` ends, then lets requests end and publishes their results before the connections close."""
    async with asyncio.TaskGroup() as group:
        background = [group.create_task(watch) for watch in watches]
        await sending
        await consumer.pause()
        await handler.finish(ENDING_SECONDS)
        await give_backs.flush(GIVING_BACK_SECONDS)
        for task in background:
            task.cancel()
        await results.flush(FLUSHING_SECONDS)


def run() -> int:
    return process.run("dispatcher", DispatcherSettings, main)


if __name__ == "__main__":
    sys.exit(run())
