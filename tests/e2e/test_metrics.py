"""/metrics of the real processes and docs/metrics.md have the same names, types and labels."""

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
        return read(await reply.text(), {metric.name: metric for metric in documented(process)})


def read(text: str, rows: dict[str, Metric]) -> set[Metric]:
    """Reads what is served. A metric that counts nothing yet shows no labels, and is taken for its row of the page."""
    found = set()
    for family in text_string_to_metric_families(text):
        if family.name.startswith("herald_"):
            name = f"{family.name}_total" if family.type == "counter" else family.name
            labels = {label for sample in family.samples for label in sample.labels}
            served = Metric(name, family.type, frozenset(labels - OWN_LABELS.get(family.type, set())))
            found.add(served if family.samples else rows.get(name, served))
    return found


async def test_every_process_serves_exactly_what_the_page_documents(make_stack: MakeStack) -> None:
    stack = await make_stack()
    async with stack.api.get("/api/v1/statistics") as reply:
        assert reply.status == 200

    async def observed() -> bool:
        """Returns whether the planner has read the queues and the tables once."""
        labelled = {metric.name for metric in await served(stack, "planner") if metric.labels}
        return {"herald_queue_messages", "herald_mailings"} <= labelled

    await until(observed, 20)
    for process in PROCESSES:
        found = await served(stack, process)
        assert found - documented(process) == set(), f"not in docs/metrics.md: {process}"
        assert documented(process) - found == set(), f"not at /metrics: {process}"
