"""Plans which processes a stack runs, and the environment of each. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from cli.stack.checkout import Checkout
from cli.stack.port_assignment import name_processes

WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """One process of a stack.

    `command` is the sub-command of herald, `probe` the URL that answers 200 when the process is ready, and `ops` the
    address of its metrics as host:port. `checkout` is another one whose code it runs.
    """

    name: str
    command: str
    env: dict[str, str] = field(repr=False)
    probe: str | None
    ops: str | None = None
    checkout: Checkout | None = None


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The addresses and secrets that the processes share. `sandbox_secret` is None if a real provider is used."""

    database_url: str
    broker_url: str
    token: str
    sandbox_secret: str | None = None
    sandbox_token: str = ""
    stop_list_key: str = ""


@dataclass(frozen=True, slots=True)
class StackPlan:
    """The processes of a stack, and the URLs of its API and its sandbox."""

    processes: tuple[ProcessSpec, ...]
    api_url: str
    sandbox_url: str | None


def plan_stack(
    env: Mapping[str, str],
    ports: Mapping[str, int],
    endpoints: Endpoints,
    workers: int,
    logs: Path | None = None,
    checkout: Checkout | None = None,
) -> StackPlan:
    """Returns the processes in the order in which they start, and their URLs.

    `logs` is a folder for the log lines of the processes. They run the code of `checkout`, if it is given; the sandbox
    runs that of this one, so that versions are compared at the same provider.
    """
    host = _reachable(env.get("HERALD_API_HOST", "127.0.0.1"))
    sandbox_host = _reachable(env.get("HERALD_SANDBOX_HOST", "127.0.0.1"))
    sandbox_url = f"http://{sandbox_host}:{ports['sandbox']}" if endpoints.sandbox_secret else None
    shared = dict(env) | _shared(ports, endpoints, sandbox_url)
    ops_host = _reachable(env.get("HERALD_OPS_HOST", "127.0.0.1"))
    processes = [_with_ops(name, shared, ports[f"ops {name}"], ops_host) for name in name_processes(workers)]
    if checkout is not None:
        processes = [replace(one, env=checkout.environment(one.env), checkout=checkout) for one in processes]
    if sandbox_url:
        processes.insert(
            0, ProcessSpec("sandbox", "sandbox", shared | {"HERALD_OPS_PORT": "0"}, f"{sandbox_url}/faults")
        )
    processes = [replace(spec, env=_with_log_file(spec, logs)) for spec in processes]
    return StackPlan(tuple(processes), f"http://{host}:{ports['api']}", sandbox_url)


def _with_log_file(spec: ProcessSpec, logs: Path | None) -> dict[str, str]:
    # One that the user has set would be the same for all processes.
    env = {name: value for name, value in spec.env.items() if name != "HERALD_LOG_FILE"}
    return env | ({"HERALD_LOG_FILE": str(logs / f"{spec.name}.log")} if logs else {})


def _shared(ports: Mapping[str, int], endpoints: Endpoints, sandbox_url: str | None) -> dict[str, str]:
    shared = {
        "PYTHONUNBUFFERED": "1",
        "HERALD_DATABASE_URL": endpoints.database_url,
        "HERALD_RABBITMQ_URL": endpoints.broker_url,
        "HERALD_ADMIN_TOKEN": endpoints.token,
        **({"HERALD_STOP_LIST_KEY": endpoints.stop_list_key} if endpoints.stop_list_key else {}),
        "HERALD_API_PORT": str(ports["api"]),
    }
    if sandbox_url and endpoints.sandbox_secret:
        shared |= {
            "HERALD_SANDBOX_PORT": str(ports["sandbox"]),
            "HERALD_SANDBOX_SECRET": endpoints.sandbox_secret,
            "HERALD_PROVIDER_URL": f"{sandbox_url}/v1",
            "HERALD_PROVIDER_TOKEN": endpoints.sandbox_token,
        }
    return shared


def _with_ops(name: str, shared: dict[str, str], port: int, host: str) -> ProcessSpec:
    ops = f"{host}:{port}" if port else None
    probe = f"http://{ops}/readyz" if ops else None
    return ProcessSpec(name, name.partition("-")[0], shared | {"HERALD_OPS_PORT": str(port)}, probe, ops)


def _reachable(host: str) -> str:
    return WILDCARDS.get(host, host)
