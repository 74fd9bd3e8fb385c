"""Wires the reporter: results in, statistics out. Several may run; the broker lets one of them fold."""

import asyncio
import sys

from services.reporter.handler import MAX_BODIES, Handler
from services.reporter.metrics import Metrics
from services.reporter.receipts.handler import MAX_BODIES as MAX_RECEIPT_BODIES
from services.reporter.receipts.handler import ReceiptHandler
from services.reporter.settings import ReporterSettings
from shared import database, process, topology
from shared.broker import Consumer, Publisher
from shared.checks.database import DatabaseCheck
from shared.checks.settings import SettingsCheck, show_delays
from shared.health import Health
from shared.metrics import new_registry
from shared.ops import serve_ops
from shared.task_supervisor import TaskSupervisor


async def main(config: ReporterSettings, stop: asyncio.Event) -> None:
    health, registry = Health(), new_registry()
    health.require("database", "reporter.consume", "reporter.receipts", "reporter.publish")
    table = topology.build(config.retry_delays) if config.declare else None
    urls = config.rabbitmq_url.get_secret_value()
    async with (
        serve_ops(config.ops_host, config.ops_port, health, registry),
        database.connect(
            config.database_url.get_secret_value(), health, stop, size=3, session=database.NO_SCANS
        ) as pool,
        Publisher(urls, "reporter.publish", health, table) as publisher,
    ):
        metrics = Metrics(registry)
        handler, receipts = Handler(pool, metrics), ReceiptHandler(pool, publisher, metrics.receipts)
        supervisor = TaskSupervisor(health, registry)
        health.watch("fold", handler.pulse)
        health.watch("receipts", receipts.pulse)
        consumer = Consumer(
            urls,
            "reporter.consume",
            health,
            table,
            queue=topology.REPORTER_RESULTS,
            prefetch=MAX_BODIES,
            on_delivery=handler.enqueue,
        )
        receipt_consumer = Consumer(
            urls,
            "reporter.receipts",
            health,
            table,
            queue=topology.REPORTER_RECEIPTS,
            prefetch=MAX_RECEIPT_BODIES,
            on_delivery=receipts.enqueue,
        )
        database.register_metrics(pool, registry)
        consumer.register_metrics(registry)
        publisher.register_metrics(registry)
        equal = {"HERALD_RETRY_DELAYS": show_delays(config.retry_delays)}
        settings_check = SettingsCheck(pool, health, registry, "reporter", equal)
        async with consumer, receipt_consumer, settings_check:
            await process.until_stopped(
                stop,
                consumer.check(),
                receipt_consumer.check(),
                publisher.check(),
                supervisor.supervise("receipts", lambda: receipts.run(receipt_consumer)),
                supervisor.supervise("fold", lambda: handler.run(consumer)),
                supervisor.supervise("database", DatabaseCheck(pool, health, registry).run),
                supervisor.supervise("settings", settings_check.run),
            )
            # What is not folded goes back in its order as the connection closes. Cancelling the consumer first would
            # hand what follows, a fence perhaps, to another reporter at once.


def run() -> int:
    return process.run("reporter", ReporterSettings, main)


if __name__ == "__main__":
    sys.exit(run())
