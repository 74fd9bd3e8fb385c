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
from services.planner.rejections import RejectionGuard
from services.planner.report.sender import ReportSender
from services.planner.scheduler import Scheduler
from services.planner.settings import PlannerSettings
from services.planner.sweep import Sweeper
from services.planner.task_loop import repeat
from shared import database, process, topology
from shared.broker import Consumer, Publisher, Unpublished
from shared.checks.database import DatabaseCheck
from shared.checks.settings import SettingsCheck, read_delays, show_delays
from shared.health import Health, Pulse
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
            RejectionGuard(pool, config.pause_on_rejected, metrics),
            metrics,
        )
        reports = ReportSender(pool, config, partial(_count_dead_letters, publisher), registry)
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
        equal = {
            "HERALD_RETRY_DELAYS": show_delays(config.retry_delays),
            "HERALD_JOBS_HIGH_WATERMARK": str(config.jobs_high_watermark),
        }
        settings_check = SettingsCheck(pool, health, registry, "planner", equal)
        poll = MetricsPoll(pool, publisher, partial(_queues, table, settings_check), metrics, health)
        async with consumer, settings_check:
            tasks = handler.tasks(supervisor)
            for name, pulse in handler.pulses.items():
                health.watch(name, pulse)
            watches = (
                supervisor.supervise("check consumer", consumer.check),
                supervisor.supervise("check publisher", publisher.check),
                supervisor.supervise("check database", DatabaseCheck(pool, health, registry).run),
                supervisor.supervise("check settings", settings_check.run),
                supervisor.supervise("report", partial(_send_reports, reports)),
            )
            await process.until_stopped(stop, *watches, *poll.tasks(supervisor), *tasks)


def _queues(table: topology.Topology, check: SettingsCheck) -> list[str]:
    """Lists the queues of the topology, and the retry queues of processes with other HERALD_RETRY_DELAYS."""
    others = (delay for shown in check.elsewhere("HERALD_RETRY_DELAYS") for delay in read_delays(shown))
    return list(dict.fromkeys((*(queue.name for queue in table.queues), *map(topology.retry_queue, others))))


async def _count_dead_letters(publisher: Publisher) -> int | None:
    try:
        depths = await publisher.read_depths(topology.DEAD_QUEUES)
    except Unpublished:
        return None
    return sum(depth.ready for depth in depths.values())


async def _send_reports(reports: ReportSender) -> None:
    await repeat("report", reports.send_due, asyncio.Event(), Pulse())


def run() -> int:
    return process.run("planner", PlannerSettings, main)


if __name__ == "__main__":
    sys.exit(run())
