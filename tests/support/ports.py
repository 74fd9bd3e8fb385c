"""Ports for tests that run beside each other."""

import os

from cli.native.ports import FREE_PORTS, free_port

SHARES = 4


def take_ports(count: int = 1) -> int:
    """Returns the first of `count` ports on which nobody listens, out of this worker's share.

    A port that is picked is free only until somebody else picks it too, so no worker picks another's.
    """
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    size = len(FREE_PORTS) // SHARES
    first = FREE_PORTS.start + int(worker) % SHARES * size
    return free_port(count, within=range(first, first + size))
