"""What the real processes serve at /metrics, beside docs/metrics.md: the same names, types and labels, both ways."""

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from tests.conftest import MakeStack
from tests.support.monitoring.metrics_table import PROCESSES, Metric, read_table
from tests.support.polling import until
from tests.support.stack import Stack

OWN_LABELS = {"histogram": {"le"}}


def documented(process: str) -> set[Metric]:
    return {row.metric for row in read_table() if process in row.processes}


async def served(stack: Stack, process: str) -> set[Metric]:
    url = stack.process(process).probe.replace("/readyz", "/metrics")
    async with aiohttp.ClientSession() as session, session.get(url) as reply:
        return read(await reply.text())


def read(text: str) -> set[Metric]:
    found = set()
    for family in text_string_to_metric_families(text):
        if family.name.startswith("herald_"):
            name = f"{family.name}_total" if family.type == "counter" else family.name
            labels = {label for sample in family.samples for label in sample.labels}
            found.add(Metric(name, family.type, frozenset(labels - OWN_LABELS.get(family.type, set()))))
    return found


async def test_what_every_process_serves_is_what_the_page_says(make_stack: MakeStack) -> None:
    stack = await make_stack()
    async with stack.api.get("/api/v1/statistics") as reply:
        assert reply.status == 200

    async def looked() -> bool:
        """Returns whether the planner has had its first look at the queues and at the tables."""
        labelled = {metric.name for metric in await served(stack, "planner") if metric.labels}
        return {"herald_queue_messages", "herald_mailings"} <= labelled

    await until(looked, 20)
    for process in PROCESSES:
        found = await served(stack, process)
        assert found - documented(process) == set(), f"not in docs/metrics.md: {process}"
        assert documented(process) - found == set(), f"not at /metrics: {process}"
