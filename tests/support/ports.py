"""Free TCP ports for tests that run at the same time."""

import os

from cli.native.ports import FREE_PORTS, free_port

SHARES = 4


def take_ports(count: int = 1) -> int:
    """Returns the first of `count` consecutive free ports from the share of this pytest worker.

    Each worker has a share of its own, because a port that is free now may be taken before it is used.
    """
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    size = len(FREE_PORTS) // SHARES
    first = FREE_PORTS.start + int(worker) % SHARES * size
    return free_port(count, within=range(first, first + size))
