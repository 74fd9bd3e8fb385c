"""Launches the whole stack in order, and stops it again."""

import asyncio
import os
import secrets
import shutil
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from cli.connections.addresses import StackAddresses
from cli.connections.database import apply_migrations
from cli.native.ports import free_port, is_free
from cli.native.provisioning import Notify
from cli.settings import FOLDER, StackFolder
from cli.stack.backing_services import BackingServices, open_backing_services
from cli.stack.checkout import Checkout, migrate
from cli.stack.output import LineSink
from cli.stack.plan import Endpoints, plan_stack
from cli.stack.port_assignment import assign_ports, read_ports
from cli.stack.state import find_or_create_token, lock_folder, prometheus_targets
from cli.stack.supervisor import Supervisor


@dataclass(frozen=True, slots=True)
class StackOptions:
    """How to launch a stack.

    `folder` holds the files of PostgreSQL and RabbitMQ, `database` is the name of the database, `workers` is the number
    of dispatchers, `fresh` deletes earlier data first, and `flexible` replaces taken ports. With `logs`, the processes
    write their log lines to files in this folder. `home` is the folder with the lock, the token and the addresses.
    `cleared` is a folder that is deleted once nobody else can use it. The processes run the code of `checkout`, if it
    is given.
    """

    folder: Path = FOLDER
    database: str = "herald"
    workers: int = 1
    fresh: bool = False
    flexible: bool = False
    private_broker: bool = False
    cleared: Path | None = None
    home: StackFolder = field(default_factory=StackFolder)
    logs: Path | None = None
    checkout: Checkout | None = None


@dataclass(frozen=True, slots=True)
class RunningStack:
    """A launched stack: its processes, its addresses and its tokens."""

    supervisor: Supervisor
    api_url: str
    sandbox_url: str | None
    token: str
    database_url: str
    broker_url: str
    provider_token: str

    def addresses(self, logs: Path) -> StackAddresses:
        """Returns the addresses that other commands use."""
        return StackAddresses(
            self.api_url, self.database_url, self.broker_url, self.sandbox_url or "", str(logs.resolve())
        )


@asynccontextmanager
async def open_stack(
    options: StackOptions, env: Mapping[str, str], notify: Notify, sink: LineSink
) -> AsyncIterator[RunningStack]:
    """Runs PostgreSQL, RabbitMQ and all processes while the block runs. Raises Failure when one of them cannot run.

    `notify` gets a line for each step, and `sink` the output of the processes.
    """
    sandbox = not env.get("HERALD_PROVIDER_URL")
    with lock_folder(options.home.path):
        if options.cleared is not None:
            await asyncio.to_thread(shutil.rmtree, options.cleared, ignore_errors=True)
        wanted = read_ports(env, options.workers, sandbox=sandbox)
        ports = assign_ports(wanted, is_free, free_port, notify, flexible=options.flexible)
        services = open_backing_services(
            options.folder,
            options.database,
            env,
            notify,
            fresh=options.fresh,
            private_broker=options.private_broker,
        )
        async with services as found:
            if options.checkout is not None:
                await migrate(options.checkout, env, found.database_url)
            else:
                notify(f"migrations: {_sum_up(await apply_migrations(found.database_url))}")
            token = find_or_create_token(env.get("HERALD_ADMIN_TOKEN"), options.home.token)
            key = find_or_create_token(env.get("HERALD_STOP_LIST_KEY"), options.home.stop_list_key)
            endpoints = replace(_endpoints(found, token, env, sandbox=sandbox), stop_list_key=key)
            plan = plan_stack(env, ports, endpoints, options.workers, options.logs, options.checkout)
            with prometheus_targets(plan.processes, options.home.targets):
                async with Supervisor(plan, sink) as supervisor:
                    notify("starting " + ", ".join(spec.name for spec in plan.processes))
                    await supervisor.until_ready()
                    provider_token = endpoints.sandbox_token or env.get("HERALD_PROVIDER_TOKEN", "")
                    yield RunningStack(
                        supervisor,
                        plan.api_url,
                        plan.sandbox_url,
                        endpoints.token,
                        endpoints.database_url,
                        endpoints.broker_url,
                        provider_token,
                    )


def _sum_up(applied: Sequence[str]) -> str:
    return f"{len(applied)} applied, up to {applied[-1]}" if applied else "nothing to do"


def _endpoints(found: BackingServices, token: str, env: Mapping[str, str], *, sandbox: bool) -> Endpoints:
    if not sandbox:
        return Endpoints(found.database_url, found.broker_url, token)
    # Imported here, so that no other command loads code of the sandbox.
    from services.sandbox.token import make_token

    secret = env.get("HERALD_SANDBOX_SECRET") or secrets.token_urlsafe(32)
    return Endpoints(found.database_url, found.broker_url, token, secret, make_token(secret))


def environment() -> dict[str, str]:
    """Returns the environment of the stack: that of this process, with JSON logs unless HERALD_LOG_FORMAT is set."""
    return {"HERALD_LOG_FORMAT": "json", **os.environ}


def list_addresses(stack: RunningStack, home: StackFolder) -> list[str]:
    """Returns the lines that `herald up` and `herald demo` show when everything is ready."""
    lines = [
        "everything is ready",
        f"console           {stack.api_url}/",
        f"API               {stack.api_url}/api/v1",
        f"token             in {home.token}",
        f"database          {stack.database_url}",
    ]
    if stack.sandbox_url:
        lines.append(f"sandbox's ledger  {stack.sandbox_url}/ledger")
    return [*lines, "Ctrl-C stops everything"]
