"""Brings the whole stack up, in order, and takes it down again."""

import os
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from cli.migrate import apply_migrations
from cli.native.ports import free_port, is_free
from cli.settings import FOLDER, TARGETS_FILE, TOKEN_FILE
from cli.stack import services
from cli.stack.crew import Crew
from cli.stack.output import Sink
from cli.stack.plan import Connections, make_plan
from cli.stack.ports import read_ports, settle_ports
from cli.stack.state import keep_token, list_targets, locked

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Options:
    """`folder` holds the services' files; `flexible` lets taken ports be replaced."""

    folder: Path = FOLDER
    database: str = "herald"
    workers: int = 1
    fresh: bool = False
    flexible: bool = False


@dataclass(frozen=True, slots=True)
class Stack:
    crew: Crew
    api_url: str
    sandbox_url: str | None
    token: str
    database_url: str
    broker_url: str
    provider_token: str


@asynccontextmanager
async def open_stack(options: Options, env: Mapping[str, str], say: Say, sink: Sink) -> AsyncIterator[Stack]:
    """Runs everything while the block runs. Raises Failure when something cannot be had."""
    sandbox = not env.get("HERALD_PROVIDER_URL")
    with locked(FOLDER):
        wanted = read_ports(env, options.workers, sandbox=sandbox)
        ports = settle_ports(wanted, is_free, free_port, say, flexible=options.flexible)
        async with services.obtain(options.folder, options.database, env, say, fresh=options.fresh) as found:
            say("migrations: " + (", ".join(await apply_migrations(found.database_url)) or "nothing to do"))
            to = _connect(found, keep_token(env.get("HERALD_ADMIN_TOKEN"), TOKEN_FILE), env, sandbox=sandbox)
            plan = make_plan(env, ports, to, options.workers)
            with list_targets(plan.parts, TARGETS_FILE):
                async with Crew(plan, sink) as crew:
                    say("starting " + ", ".join(part.name for part in plan.parts))
                    await crew.until_ready()
                    provider_token = to.sandbox_token or env.get("HERALD_PROVIDER_TOKEN", "")
                    yield Stack(
                        crew, plan.api_url, plan.sandbox_url, to.token, to.database_url, to.broker_url, provider_token
                    )


def _connect(found: services.Services, token: str, env: Mapping[str, str], *, sandbox: bool) -> Connections:
    if not sandbox:
        return Connections(found.database_url, found.broker_url, token)
    # Imported here, so that no other command loads code of the sandbox.
    from services.sandbox.token import make_token

    secret = env.get("HERALD_SANDBOX_SECRET") or secrets.token_urlsafe(32)
    return Connections(found.database_url, found.broker_url, token, secret, make_token(secret))


def environment() -> dict[str, str]:
    """Takes this process's environment for the stack's; its logs are JSON unless somebody says otherwise."""
    return {"HERALD_LOG_FORMAT": "json", **os.environ}
