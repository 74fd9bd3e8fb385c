"""Wires the dispatcher: jobs in, requests out, results on. Any number may run."""

import asyncio
import random
import sys
from collections.abc import Coroutine
from typing import Any

from prometheus_client import CollectorRegistry

from services.dispatcher import metrics
from services.dispatcher.admission.breaker import Breaker
from services.dispatcher.admission.breaker_watch import BreakerWatch
from services.dispatcher.admission.rate_limit import make_limiter, prefetch
from services.dispatcher.attempt import AttemptRunner
from services.dispatcher.handler import Handler
from services.dispatcher.heartbeat import Heartbeat
from services.dispatcher.intake import Intake
from services.dispatcher.metrics import Metrics
from services.dispatcher.provider_api import provider
from services.dispatcher.result_buffer import ResultBuffer
from services.dispatcher.retry import RetryPolicy
from services.dispatcher.settings import DispatcherSettings
from services.dispatcher.worker_name import WorkerName
from shared import database, process, topology
from shared.broker import Consumer, Publisher
from shared.database import Pool
from shared.health import Health
from shared.metrics import new_registry
from shared.ops import serve_ops

# Of the 25 s a process has to stop: for requests to end, then for results to be published.
ENDING_SECONDS, FLUSHING_SECONDS = 16, 4


async def main(config: DispatcherSettings, stop: asyncio.Event) -> None:
    health, registry = Health(), new_registry()
    health.require("database", "dispatcher.publish", "dispatcher.consume")
    table = topology.build(config.retry_delays) if config.declare else None
    urls, token = config.rabbitmq_url.get_secret_value(), config.provider_token.get_secret_value()
    async with (
        serve_ops(config.ops_host, config.ops_port, health, registry),
        database.connect(config.database_url.get_secret_value(), health, stop, size=4) as pool,
        provider.connect(config.provider_url, token, most_open=config.dispatcher_concurrency) as send_api,
        Publisher(urls, "dispatcher.publish", health, table) as publisher,
    ):
        counters = Metrics(registry)
        intake, results, name = Intake(counters), ResultBuffer(publisher), WorkerName()
        breaker = Breaker(lambda: random.uniform(0.9, 1.1))  # noqa: S311 - jitter, not a secret
        runner = _runner(config, pool, publisher, send_api, breaker, counters)
        heartbeat = Heartbeat(pool, name, runner, config.provider_timeout)
        handler = Handler(
            pool,
            publisher,
            intake,
            runner,
            results,
            breaker,
            name,
            heartbeat,
            counters,
            concurrency=config.dispatcher_concurrency,
            shortest_retry=topology.retry_queue(config.retry_delays[0]),
            limiter=await make_limiter(config.provider_rate),
        )
        consumer = Consumer(
            urls,
            "dispatcher.consume",
            health,
            table,
            queue=topology.DISPATCHER_JOBS,
            prefetch=prefetch(config.dispatcher_concurrency, config.provider_rate),
            on_delivery=intake.enqueue,
        )
        _register_gauges(registry, config, handler, intake, results)
        database.register_metrics(pool, registry)
        consumer.register_metrics(registry)
        for task, pulse in (("send", handler.pulse), ("beat", heartbeat.pulse), ("results", results.pulse)):
            health.watch(task, pulse)
        async with consumer:
            watch = BreakerWatch(breaker, health, registry).run(asyncio.get_running_loop().time)
            watches = (consumer.check(), publisher.check(), database.watch(pool, health), watch)
            await _work(handler, results, consumer, stop, heartbeat.run(), *watches)


def _runner(
    config: DispatcherSettings,
    pool: Pool,
    publisher: Publisher,
    send_api: provider.Provider,
    breaker: Breaker,
    counters: Metrics,
) -> AttemptRunner:
    return AttemptRunner(
        pool,
        publisher,
        send_api,
        breaker,
        RetryPolicy(config.retry_delays, config.max_attempts),
        counters,
        timeout=config.provider_timeout,
        token=config.provider_token.get_secret_value(),
        clock=asyncio.get_running_loop().time,
    )


def _register_gauges(
    registry: CollectorRegistry, config: DispatcherSettings, handler: Handler, intake: Intake, results: ResultBuffer
) -> None:
    clock = asyncio.get_running_loop().time
    metrics.register_gauges(
        registry,
        in_flight=lambda: handler.in_flight,
        most=config.dispatcher_concurrency,
        held=lambda: intake.held,
        outstanding=lambda: results.outstanding,
        unconfirmed=lambda: results.behind(clock()),
    )


async def _work(
    handler: Handler,
    results: ResultBuffer,
    consumer: Consumer,
    stop: asyncio.Event,
    *watches: Coroutine[Any, Any, None],
) -> None:
    """Sends until `stop`, then lets requests end and publishes their results before the connections close."""
    async with asyncio.TaskGroup() as group:
        background = [group.create_task(watch) for watch in (*watches, results.run())]
        await handler.run(consumer, stop)
        await consumer.pause()
        await handler.finish(ENDING_SECONDS)
        for task in background:
            task.cancel()
        await results.flush(FLUSHING_SECONDS)


def run() -> int:
    return process.run("dispatcher", DispatcherSettings, main)


if __name__ == "__main__":
    sys.exit(run())
