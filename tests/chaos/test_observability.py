"""Everything bad in one run, and what somebody before the dashboard sees of it.

With HERALD_TEST_PICTURES=docs/images the provider is down for long enough that alerts fire, and Prometheus' own graphs
of the run are taken as prometheus.png.
"""

import asyncio
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
from tests.support.monitoring.prometheus import Prometheus, watching
from tests.support.operator import Operator
from tests.support.stack import Stack

PICTURES = "HERALD_TEST_PICTURES"
DASHBOARD = json.loads((ROOT / "deploy" / "grafana" / "dashboards" / "herald.json").read_text(encoding="utf-8"))
QUERIES = [(panel["title"], target["expr"]) for panel in DASHBOARD["panels"] for target in panel.get("targets", [])]
# RabbitMQ's own port is not there on every machine.
OURS = [(title, expr) for title, expr in QUERIES if "rabbitmq_" not in expr]

# What must be seen, and at least how much of it, at some moment of the run.
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
    # More than can be sent in 12 s at any rate that is allowed.
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


async def crash(stack: Stack) -> None:
    """Kills the dispatcher in the middle of its requests, and starts it again."""
    dispatcher = stack.process("dispatcher")
    dispatcher.kill(signal.SIGKILL)
    await dispatcher.wait()
    await dispatcher.start()


def addresses(stack: Stack) -> dict[str, str]:
    urls = {name: stack.process(name).probe for name in PROCESSES}
    return {name: url.removeprefix("http://").removesuffix("/readyz") for name, url in urls.items()}


async def picture(prometheus: Prometheus, seconds: float) -> None:
    asked = {"tab": "0", "stacked": "1", "range_input": f"{round(seconds)}s"}
    fields = {f"g{place}.{key}": value for place in range(len(GRAPHS)) for key, value in asked.items()}
    fields |= {f"g{place}.expr": query for place, query in enumerate(GRAPHS)}
    async with open_page() as page:
        await page.goto(f"{prometheus.url}/graph?{urlencode(fields)}")
        # The page's head would lie across a picture of the whole page.
        await page.add_style_tag(content=".fixed-top { position: absolute !important; }")
        await page.wait_for_timeout(DRAWN_MS)
        await shoot(page, "prometheus")


@pytest.mark.chaos
@pytest.mark.timeout(400)
async def test_a_bad_day_can_be_seen_on_the_dashboard(make_stack: MakeStack, tmp_path: Path, free_port: int) -> None:
    stack = await make_stack(env=incident.ENV)
    async with watching(addresses(stack), tmp_path, free_port) as prometheus:
        begun = time.time()
        outage_seconds = 90 if PICTURES in os.environ else 15
        await incident.play(Operator(stack), partial(crash, stack), outage_seconds)
        # The planner's next look at the tables, and the next question about it.
        await asyncio.sleep(12)
        ended = time.time()
        for query, least in SEEN.items():
            values = [value for series in await prometheus.series(query, begun, ended) for value in series]
            assert max(values, default=0) >= least, query
        for title, expr in OURS:
            found = await prometheus.series(expr.replace("$__rate_interval", "15s"), begun, ended)
            assert found, f"{title} shows nothing: {expr}"
        if PICTURES in os.environ:
            await picture(prometheus, ended - begun)
