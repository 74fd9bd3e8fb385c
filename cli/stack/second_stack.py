"""Finds the command that runs a stack beside one that has the usual ports and the broker of this machine. Pure."""

from collections.abc import Callable, Iterator, Mapping

from cli.stack.port_assignment import FIRST_OPS_PORT, name_processes

API_PORT, SANDBOX_PORT = 8080, 8090
# So many stacks may run beside each other before an API would take the port of a sandbox.
MOST = 9
OPS_STEP = 100


def command_beside(workers: int, env: Mapping[str, str], is_free: Callable[[int, str], bool]) -> str:
    """Returns the command of `herald up` with ports that are free, and a broker of its own."""
    host = env.get("HERALD_API_HOST", "127.0.0.1")
    for number in range(1, MOST + 1):
        ports = dict(_ports(number))
        wanted = [ports["HERALD_API_PORT"], ports["HERALD_SANDBOX_PORT"]]
        wanted += [ports["HERALD_OPS_PORT"] + place for place in range(len(name_processes(workers)))]
        if all(is_free(port, host) for port in wanted):
            break
    settings = " ".join(f"{variable}={port}" for variable, port in ports.items())
    more = f" --workers {workers}" if workers > 1 else ""
    unset = "env -u HERALD_RABBITMQ_URL " if env.get("HERALD_RABBITMQ_URL") else ""
    return f"{unset}{settings} herald up --private-broker{more}"


def _ports(number: int) -> Iterator[tuple[str, int]]:
    yield "HERALD_API_PORT", API_PORT + number
    yield "HERALD_SANDBOX_PORT", SANDBOX_PORT + number
    yield "HERALD_OPS_PORT", FIRST_OPS_PORT + number * OPS_STEP
