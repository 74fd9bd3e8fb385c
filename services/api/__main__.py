"""The API process: wires the listener, the database and the event queue."""

import asyncio
import sys

from services.api import app
from services.api.access.authenticate import Authenticator
from services.api.access.rate_limit import RateLimits, policy_of
from services.api.access.token_bucket import TokenBuckets
from services.api.clients import zones
from services.api.dead_letters.queues import DeadQueues
from services.api.listener import listen
from services.api.mailings.default_window import parse_window
from services.api.mailings.planner_hints import HintQueue
from services.api.metrics import Metrics
from services.api.receipts.mappings import ReceiptMappings
from services.api.settings import ApiSettings
from services.api.sign_in.wiring import make_sign_in
from services.api.stop_list.adding import follow_opt_outs
from services.api.stop_list.keys import StopListKey
from services.api.web.database import DatabaseGate
from services.api.web.timeouts import Timeouts
from shared import database, logs, process, topology
from shared.broker import Publisher
from shared.checks.database import DatabaseCheck
from shared.checks.settings import SettingsCheck, show_delays
from shared.database import DATABASE_OUTAGES, Pool, describe
from shared.health import Health
from shared.metrics import new_registry
from shared.ops import serve_ops
from shared.task_supervisor import TaskSupervisor
from shared.waiting import retry_through_outages

POOL_SIZE = 10
PUBLISHER = "api.publish"
# Until the time zones are read from the database, every request is answered with 503.
ZONES = "time zones"
OWN_TOKEN = "copy .env.example to .env and set secrets of your own"  # noqa: S105
# An event is a hint: there is no point in waiting long for its confirm.
PUBLISH_TIMEOUT = 2.0


async def main(config: ApiSettings, stop: asyncio.Event) -> None:
    """Serves until `stop`. The port answers 503 while the database is away, from the first moment on.

    The port comes before the connections, so that a port in use ends the start at once. Stopping goes the other way:
    requests are finished, then the pool closes, then events are flushed.
    """
    # A wrong providers file stops every process that reads it.
    receipt_mappings = ReceiptMappings(config.providers_file)
    health, registry = Health(), new_registry()
    if config.has_default_token:
        logs.get().warning("default admin token in use", variable="HERALD_ADMIN_TOKEN", remedy=OWN_TOKEN)
    health.require("database", ZONES)
    # The API works without the broker: the planner finds changes by itself.
    health.add_optional(PUBLISHER)
    declared = topology.build(config.retry_delays) if config.declare else None
    broker_url, database_url = config.rabbitmq_url.get_secret_value(), config.database_url.get_secret_value()
    publisher = Publisher(broker_url, PUBLISHER, health, declared, timeout=PUBLISH_TIMEOUT)
    supervisor = TaskSupervisor(health, registry)
    hints = HintQueue(publisher, supervise=supervisor.supervise)
    health.watch("planner hints", hints.pulse)
    gate, key, callers = DatabaseGate(), stop_list_key(config), authenticator(config)
    application = app.build(
        database=gate,
        metrics=Metrics.on(registry),
        timeouts=Timeouts(),
        authenticator=callers,
        rate_limits=rate_limits(config),
        planner_hints=hints,
        dead_queues=DeadQueues(broker_url, publisher),
        default_zone=config.default_timezone,
        stop_list_key=key,
        default_window=parse_window(config.default_window),
        sign_in=make_sign_in(config),
        queues=publisher,
        receipt_mappings=receipt_mappings,
        receipt_publisher=publisher,
    )
    async with (
        serve_ops(config.ops_host, config.ops_port, health, registry),
        listen(application, config.api_host, config.api_port) as runner,
        publisher,
        hints,
        database.connect(database_url, health, stop, size=POOL_SIZE, warm=True) as pool,
    ):
        gate.open(pool, await _zones(pool, config.default_timezone, stop))
        health.set(ZONES, True)
        database.register_metrics(pool, registry)
        publisher.register_metrics(registry)
        equal = {"HERALD_RETRY_DELAYS": show_delays(config.retry_delays)}
        settings_check = SettingsCheck(pool, health, registry, "api", equal, _limits(config))
        try:
            async with settings_check:
                await process.until_stopped(
                    stop,
                    supervisor.supervise("check database", DatabaseCheck(pool, health, registry).run),
                    supervisor.supervise("check settings", settings_check.run),
                    supervisor.supervise("check publisher", publisher.check),
                    supervisor.supervise("token use", lambda: callers.use.run(pool)),
                    supervisor.supervise("opt-outs", lambda: follow_opt_outs(pool, key)),
                )
        finally:
            await runner.cleanup()


def _limits(config: ApiSettings) -> dict[str, str]:
    rate = "unlimited" if config.api_rate is None else f"{config.api_rate:g}"
    return {"HERALD_API_RATE": rate, "HERALD_DEFAULT_WINDOW": config.default_window}


def authenticator(config: ApiSettings) -> Authenticator:
    admin = config.admin_token
    return Authenticator(required=config.auth, admin_token=None if admin is None else admin.get_secret_value())


def stop_list_key(config: ApiSettings) -> StopListKey | None:
    return None if config.stop_list_key is None else StopListKey(config.stop_list_key.get_secret_value())


def rate_limits(config: ApiSettings) -> RateLimits:
    return RateLimits(
        per_token=None if config.api_rate is None else TokenBuckets(policy_of(config.api_rate)),
        trusted_proxies=config.trusted_proxies,
    )


async def _zones(pool: Pool, default_zone: str, stop: asyncio.Event) -> frozenset[str]:
    def waiting(error: BaseException) -> None:
        logs.get().warning("waiting for the database", detail=describe(error))

    return await retry_through_outages(lambda: zones.load(pool, default_zone), DATABASE_OUTAGES, waiting, stop)


def run() -> int:
    return process.run("api", ApiSettings, main, background=False)


if __name__ == "__main__":
    sys.exit(run())
