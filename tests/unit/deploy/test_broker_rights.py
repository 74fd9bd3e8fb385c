"""Each user of RabbitMQ may do what its process does, and docs say the same."""

import json
import re
from datetime import timedelta

import pytest

from shared import topology
from tests.support.markdown import read, table_rows
from tests.unit.deploy.manifests import ROOT

DEFINITIONS = json.loads((ROOT / "deploy/kubernetes/overlays/dev/definitions.json").read_text())
RIGHTS = {one["user"]: one for one in DEFINITIONS["permissions"]}
PROCESSES = ("api", "planner", "dispatcher", "reporter")
BUILT = topology.build([timedelta(seconds=5)])
# Where bodies wait to expire: RabbitMQ itself takes them out.
DELAYED = {queue.name for queue in BUILT.queues if "x-message-ttl" in queue.arguments}


def named_in(process: str, use: str) -> set[str]:
    """Returns the exchanges or queues that the code of a process names where it publishes or consumes."""
    texts = [path.read_text() for path in (ROOT / "services" / process).rglob("*.py")]
    return {getattr(topology, name) for text in texts for name in re.findall(use, text)}


def may(process: str, right: str, name: str) -> bool:
    return re.search(RIGHTS[process][right], name) is not None


@pytest.mark.parametrize("process", PROCESSES)
def test_a_process_may_publish_and_consume_what_its_code_does(process: str) -> None:
    exchanges = named_in(process, r"Outgoing\(\s*topology\.([A-Z_]+)")
    queues = named_in(process, r"queue=topology\.([A-Z_]+)")
    assert exchanges
    assert {name for name in exchanges if not may(process, "write", name)} == set()
    assert {name for name in queues if not may(process, "read", name)} == set()
    assert not any(may(process, "configure", queue.name) for queue in BUILT.queues)


def test_somebody_may_write_to_every_exchange_and_read_every_queue() -> None:
    unwritten = {e.name for e in BUILT.exchanges if not any(may(process, "write", e.name) for process in PROCESSES)}
    unread = {q.name for q in BUILT.queues if not any(may(process, "read", q.name) for process in PROCESSES)}
    assert (unwritten, unread) == (set(), DELAYED)


def test_the_page_lists_these_rights() -> None:
    rows = [[cell.strip("`") for cell in row] for row in table_rows(read("deploy/README.md")) if row[0] in RIGHTS]
    listed = {user: (configure, write, seen) for user, configure, write, seen in rows}
    assert listed == {
        user: (one["configure"], one["write"], one["read"]) for user, one in RIGHTS.items() if user != "admin"
    }
