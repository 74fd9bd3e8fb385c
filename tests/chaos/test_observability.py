"""The dashboard shows an incident in which retries, refusals, an outage and a crash come together.

With HERALD_TEST_PICTURES=docs/images the provider is down long enough for alerts that wait for a minute, and the test
saves a picture of Prometheus' graphs as docs/images/prometheus.png.
"""

import json
import os
import signal
import time
from functools import partial
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.conftest import MakeStack
from tests.pictures.shots import open_page, shoot
from tests.support import incident
from tests.support.monitoring.metrics_table import PROCESSES, ROOT
from tests.support.monitoring.prometheus import Prometheus, open_prometheus
from tests.support.operator import Operator
from tests.support.polling import until
from tests.support.stack import Stack

PICTURES = "HERALD_TEST_PICTURES"
DASHBOARD = json.loads((ROOT / "deploy" / "grafana" / "dashboards" / "herald.json").read_text(encoding="utf-8"))
QUERIES = [(panel["title"], target["expr"]) for panel in DASHBOARD["panels"] for target in panel.get("targets", [])]
# RabbitMQ's metrics port is not open on every machine, and receipts need providers of a file.
ELSEWHERE = ("rabbitmq_", "receipt")
OURS = [(title, expr) for title, expr in QUERIES if not any(name in expr for name in ELSEWHERE)]

# Queries, and the least value that each must reach at some moment of the run.
SEEN = {
    'sum(increase(herald_messages_total{status="sent"}[5m]))': 2500,
    'sum(increase(herald_messages_total{status="retrying"}[5m]))': 50,
    'sum(increase(herald_messages_total{status="rejected"}[5m]))': 3,
    'sum(increase(herald_messages_total{status="exhausted"}[5m]))': 3,
    'sum(increase(herald_messages_total{status="expired"}[5m]))': 100,
    'sum(increase(herald_attempts_total{outcome="server_error"}[5m]))': 50,
    "sum(herald_breaker_openings_total)": 1,
    'max(herald_breaker{herald_breaker="open"})': 1,
    'max by (queue) (herald_queue_messages{queue="dispatcher.retry.1s"})': 1,
    'max by (queue) (herald_queue_messages{queue="dispatcher.dead"})': 3,
    'max(herald_messages_unsent{state="waiting"})': 1,
    # More than can be sent in 12 s at the provider's rate.
    "max(herald_messages_at_risk)": 100,
    "sum(herald_messages_in_flight)": 100,
    'ALERTS{alertname="HeraldMessagesExpired", alertstate="firing"}': 1,
    'ALERTS{alertname="HeraldDeadLetters", alertstate="firing"}': 1,
}
GRAPHS = (
    "sum by (status) (rate(herald_messages_total[15s])) > 0",
    "sum by (outcome) (rate(herald_attempts_total[15s])) > 0",
    'max by (queue) (herald_queue_messages{queue!="planner.mailings"}) > 0',
    "max by (state) (herald_messages_unsent)",
    'sum by (alertname) (ALERTS{alertstate="firing"})',
)
DRAWN_MS = 4000
# The planner reads the tables every 10 s, and Prometheus asks every second.
SEEN_SECONDS = 30


async def crash(stack: Stack) -> None:
    """Kills the dispatcher while it has open requests, and starts it again."""
    dispatcher = stack.process("dispatcher")
    dispatcher.kill(signal.SIGKILL)
    await dispatcher.wait()
    await dispatcher.start()


async def pause_one(operator: Operator) -> None:
    """Leaves a mailing paused in the middle."""
    await operator.import_numbered(300, tag="paused", first=5000)
    mailing_id = await operator.create_mailing(filter={"tags": ["paused"]}, lasts=3600)
    await operator.until_counts_begin(mailing_id)
    await operator.post(f"/mailings/{mailing_id}/pause")


def addresses(stack: Stack) -> dict[str, str]:
    urls = {name: stack.process(name).probe for name in PROCESSES}
    return {name: url.removeprefix("http://").removesuffix("/readyz") for name, url in urls.items()}


async def until_seen(prometheus: Prometheus, query: str, since: float, least: float) -> None:
    """Waits until a query has had at least this value at some moment since `since`."""

    async def seen() -> bool:
        values = [value for series in await prometheus.series(query, since, time.time()) for value in series]
        return max(values, default=0) >= least

    await until(seen, SEEN_SECONDS, f"{query} >= {least}")


async def until_shown(prometheus: Prometheus, title: str, expr: str, since: float) -> None:
    """Waits until a panel's query returns something."""

    async def shown() -> bool:
        return bool(await prometheus.series(expr.replace("$__rate_interval", "15s"), since, time.time()))

    await until(shown, SEEN_SECONDS, f"the panel {title} shows {expr}")


async def picture(prometheus: Prometheus, seconds: float) -> None:
    asked = {"tab": "0", "stacked": "1", "range_input": f"{round(seconds)}s"}
    fields = {f"g{place}.{key}": value for place in range(len(GRAPHS)) for key, value in asked.items()}
    fields |= {f"g{place}.expr": query for place, query in enumerate(GRAPHS)}
    async with open_page() as page:
        await page.goto(f"{prometheus.url}/graph?{urlencode(fields)}")
        # Otherwise the fixed header covers a part of a picture of the whole page.
        await page.add_style_tag(content=".fixed-top { position: absolute !important; }")
        await page.wait_for_timeout(DRAWN_MS)
        await shoot(page, "prometheus")


@pytest.mark.chaos
@pytest.mark.timeout(400)
async def test_an_incident_can_be_seen_on_the_dashboard(make_stack: MakeStack, tmp_path: Path, free_port: int) -> None:
    stack = await make_stack(env=incident.ENV)
    async with open_prometheus(addresses(stack), tmp_path, free_port) as prometheus:
        begun = time.time()
        outage_seconds = 90 if PICTURES in os.environ else 15
        operator = Operator(stack)
        await pause_one(operator)
        await incident.play_incident(operator, partial(crash, stack), outage_seconds)
        for query, least in SEEN.items():
            await until_seen(prometheus, query, begun, least)
        for title, expr in OURS:
            await until_shown(prometheus, title, expr, begun)
        if PICTURES in os.environ:
            await picture(prometheus, time.time() - begun)
