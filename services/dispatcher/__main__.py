"""Wires the dispatcher: jobs in, requests out, results on. Any number may run."""

import asyncio
import math
import random
import sys
from collections.abc import Coroutine
from typing import Any

from aiolimiter import AsyncLimiter
from prometheus_client import CollectorRegistry

from services.dispatcher import metrics, provider
from services.dispatcher.attempt import Attempts
from services.dispatcher.breaker import Breaker
from services.dispatcher.breaker_watch import BreakerWatch
from services.dispatcher.handler import Handler
from services.dispatcher.metrics import Meters
from services.dispatcher.result_buffer import Outbox
from services.dispatcher.retry import Policy
from services.dispatcher.settings import DispatcherSettings
from shared import database, process, topology
from shared.broker import Consumer, Publisher
from shared.database import Pool
from shared.health import Health
from shared.metrics import new_registry
from shared.ops import serve_ops

# Of the 25 s a process has to stop: for requests to end, then for results to be published.
ENDING_SECONDS, FLUSHING_SECONDS = 16, 4
TICK_SECONDS = 0.1
# A delivery must not wait here for long: other mailings wait behind it, and after 30 min the broker takes it back.
PREFETCH_SECONDS = 5


async def limiter(rate: float | None) -> AsyncLimiter | None:
    """Makes the rate limit, in steps of a tenth of a second or of one request; it starts empty, without a burst."""
    if rate is None:
        return None
    amount = max(rate * TICK_SECONDS, 1.0)
    made = AsyncLimiter(amount, amount / rate)
    await made.acquire(amount)
    return made


def prefetch(concurrency: int, rate: float | None) -> int:
    """Returns how many deliveries to hold: enough for every slot to find its next job, no more than are sent soon."""
    return 2 * concurrency if rate is None else min(2 * concurrency, math.ceil(PREFETCH_SECONDS * rate))


async def main(config: DispatcherSettings, stop: asyncio.Event) -> None:
    health, registry = Health(), new_registry()
    health.expect("database", "dispatcher.publish", "dispatcher.consume")
    table = topology.build(config.retry_delays) if config.declare else None
    urls, token = config.rabbitmq_url.get_secret_value(), config.provider_token.get_secret_value()
    async with (
        serve_ops(config.ops_host, config.ops_port, health, registry),
        database.connect(config.database_url.get_secret_value(), health, stop, size=4) as pool,
        provider.connect(config.provider_url, token) as send_api,
        Publisher(urls, "dispatcher.publish", health, table) as publisher,
    ):
        outbox = Outbox(publisher)
        breaker = Breaker(lambda: random.uniform(0.9, 1.1))  # noqa: S311 - jitter, not a secret
        watch = BreakerWatch(breaker, health, registry)
        handler = await _handler(config, pool, publisher, send_api, breaker, outbox, Meters(registry))
        _show(registry, config, handler, outbox)
        consumer = Consumer(
            urls,
            "dispatcher.consume",
            health,
            table,
            queue=topology.DISPATCHER_JOBS,
            prefetch=prefetch(config.dispatcher_concurrency, config.provider_rate),
            on_delivery=handler.take,
        )
        database.meter(pool, registry)
        consumer.meter(registry)
        for name, pulse in (("send", handler.pulse), ("beat", handler.beat_pulse), ("results", outbox.pulse)):
            health.watch(name, pulse)
        async with consumer:
            clock = asyncio.get_running_loop().time
            watches = (consumer.check(), publisher.check(), database.watch(pool, health), watch.run(clock))
            await _work(handler, outbox, consumer, stop, *watches)


async def _handler(
    config: DispatcherSettings,
    pool: Pool,
    publisher: Publisher,
    send_api: provider.Provider,
    breaker: Breaker,
    outbox: Outbox,
    counted: Meters,
) -> Handler:
    attempts = Attempts(
        pool,
        publisher,
        send_api,
        breaker,
        Policy(config.retry_delays, config.max_attempts),
        counted,
        timeout=config.provider_timeout,
        secret=config.provider_token.get_secret_value(),
        clock=asyncio.get_running_loop().time,
    )
    return Handler(
        pool,
        publisher,
        attempts,
        outbox,
        breaker,
        counted,
        concurrency=config.dispatcher_concurrency,
        shortest_retry=topology.retry_queue(config.retry_delays[0]),
        limiter=await limiter(config.provider_rate),
    )


def _show(registry: CollectorRegistry, config: DispatcherSettings, handler: Handler, outbox: Outbox) -> None:
    clock = asyncio.get_running_loop().time
    metrics.show(
        registry,
        in_flight=lambda: handler.in_flight,
        most=config.dispatcher_concurrency,
        held=lambda: handler.held,
        outstanding=lambda: outbox.outstanding,
        unconfirmed=lambda: outbox.behind(clock()),
    )


async def _work(
    handler: Handler, outbox: Outbox, consumer: Consumer, stop: asyncio.Event, *watches: Coroutine[Any, Any, None]
) -> None:
    """Sends until `stop`; then let requests end, and publish their results, before the connections close."""
    async with asyncio.TaskGroup() as group:
        background = [group.create_task(watch) for watch in (*watches, handler.beat(), outbox.run())]
        await handler.run(consumer, stop)
        await consumer.pause()
        await handler.finish(ENDING_SECONDS)
        for task in background:
            task.cancel()
        await outbox.flush(FLUSHING_SECONDS)


def run() -> int:
    return process.run("dispatcher", DispatcherSettings, main)


if __name__ == "__main__":
    sys.exit(run())
