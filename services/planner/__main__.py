"""Wires the planner: expansion, release, closing and sweeping. Several may run; leases keep them apart."""

import asyncio
import sys
from functools import partial
from uuid import uuid4

from services.planner.closing.settler import Settler
from services.planner.flow_control import FlowControl
from services.planner.handler import Handler
from services.planner.metrics import Metrics
from services.planner.metrics_poll import MetricsPoll
from services.planner.scheduler import Scheduler
from services.planner.settings import PlannerSettings
from services.planner.sweep import Sweeper
from shared import database, process, topology
from shared.broker import Consumer, Publisher
from shared.health import Health
from shared.metrics import new_registry
from shared.ops import serve_ops
from shared.task_supervisor import TaskSupervisor

SESSION = {
    # A planner that stands still in a transaction must not hold anybody up.
    "idle_in_transaction_session_timeout": "1000",
    **database.NO_SCANS,
}


async def main(config: PlannerSettings, stop: asyncio.Event) -> None:
    # A wrong providers file stops every process that reads it.
    config.read_providers()
    health, registry, owner = Health(), new_registry(), uuid4()
    supervisor = TaskSupervisor(health, registry)
    health.require("database", "planner.publish", "planner.consume")
    table, metrics = topology.build(config.retry_delays), Metrics(registry)
    declared = table if config.declare else None
    urls = config.rabbitmq_url.get_secret_value()
    async with (
        serve_ops(config.ops_host, config.ops_port, health, registry),
        database.connect(config.database_url.get_secret_value(), health, stop, size=8, session=SESSION) as pool,
        Publisher(urls, "planner.publish", health, declared) as publisher,
    ):
        handler = Handler(
            pool,
            publisher,
            Scheduler(pool, publisher, owner, FlowControl(config.jobs_high_watermark), metrics),
            Settler(pool, metrics),
            Sweeper(pool, publisher, config.jobs_high_watermark, metrics),
            metrics,
        )
        poll = MetricsPoll(pool, publisher, [queue.name for queue in table.queues], metrics)
        consumer = Consumer(
            urls,
            "planner.consume",
            health,
            declared,
            queue=topology.PLANNER_MAILINGS,
            prefetch=100,
            on_delivery=handler.enqueue,
        )
        database.register_metrics(pool, registry)
        consumer.register_metrics(registry)
        publisher.register_metrics(registry)
        async with consumer:
            tasks = handler.tasks(supervisor)
            for name, pulse in handler.pulses.items():
                health.watch(name, pulse)
            watches = (
                supervisor.supervise("check consumer", consumer.check),
                supervisor.supervise("check publisher", publisher.check),
                supervisor.supervise("check database", partial(database.watch, pool, health)),
            )
            await process.until_stopped(stop, *watches, *poll.tasks(supervisor), *tasks)


def run() -> int:
    return process.run("planner", PlannerSettings, main)


if __name__ == "__main__":
    sys.exit(run())
