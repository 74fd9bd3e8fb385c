"""Assigns the ports of a stack, and fails with the name of the variable when one is taken. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from cli.failure import Failure, Occupied

LOOPBACK = "127.0.0.1"
FIRST_OPS_PORT = 9101
HIGHEST = 65_535


@dataclass(frozen=True, slots=True)
class Port:
    """A port of a stack.

    `use` is "api", "sandbox", or the ops port of a process such as "ops planner". `variable` is the setting that
    changes it, and `given` whether the user has set that.
    """

    use: str
    number: int
    variable: str
    given: bool
    host: str = LOOPBACK


def name_processes(workers: int) -> list[str]:
    """Returns the names of the processes with an ops port, in the order of their ports."""
    first = ["dispatcher"] if workers else []
    more = [f"dispatcher-{number}" for number in range(2, workers + 1)]
    return ["api", "planner", *first, "reporter", *more]


def read_ports(env: Mapping[str, str], workers: int, *, sandbox: bool) -> list[Port]:
    """Reads the ports from the environment, as the processes will. Raises Failure for an invalid one.

    HERALD_OPS_PORT is the first of a range with one port for each process.
    """
    api_host, ops_host = env.get("HERALD_API_HOST", LOOPBACK), env.get("HERALD_OPS_HOST", LOOPBACK)
    ports = [_read(env, "api", "HERALD_API_PORT", 8080, api_host)]
    if sandbox:
        sandbox_host = env.get("HERALD_SANDBOX_HOST", LOOPBACK)
        ports.append(_read(env, "sandbox", "HERALD_SANDBOX_PORT", 8090, sandbox_host))
    first = _read(env, "ops", "HERALD_OPS_PORT", FIRST_OPS_PORT, ops_host)
    processes = name_processes(workers)
    if first.number + len(processes) - 1 > HIGHEST:
        raise Failure(f"HERALD_OPS_PORT: {first.number} is too high for {len(processes)} ports in a row", code=2)
    for place, process in enumerate(processes):
        number = first.number and first.number + place
        ports.append(replace(first, use=f"ops {process}", number=number))
    return ports


def _read(env: Mapping[str, str], use: str, variable: str, default: int, host: str) -> Port:
    text = env.get(variable, str(default))
    if not text.isascii() or not text.isdigit() or int(text) > HIGHEST:
        raise Failure(f"{variable}: {text!r} is not a port", code=2)
    return Port(use, int(text), variable, variable in env, host)


def assign_ports(
    ports: Sequence[Port],
    is_free: Callable[[int, str], bool],
    pick: Callable[[], int],
    notify: Callable[[str], None],
    *,
    flexible: bool,
) -> dict[str, int]:
    """Returns the port of each use.

    A taken port is replaced if `flexible` allows it and the user has not set the variable; otherwise Occupied is
    raised, which names the port and its variable. An ops port of 0 stays 0, which switches it off.
    """
    assigned: dict[str, int] = {}
    for port in ports:
        number = port.number
        if number == 0:
            number = 0 if port.use.startswith("ops") else pick()
        elif not is_free(number, port.host):
            if port.given or not flexible:
                raise Occupied(f"port {number} is taken: free it, or set {port.variable} to another port")
            number = pick()
            notify(f"port {port.number} is taken: the {port.use} port is {number} instead")
        assigned[port.use] = number
    return assigned
