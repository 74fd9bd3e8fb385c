"""herald demo: sends one mailing through a whole stack, and compares the statistics with the sandbox's ledger."""

import asyncio
import secrets
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
from rich.console import Console

from cli.connections.addresses import write_addresses
from cli.connections.api import ApiClient, Json, open_api
from cli.demo.reconciliation import Check, compare
from cli.demo.sample_clients import ADDRESSED, count_addressed, make_samples, to_csv
from cli.failure import Failure
from cli.run import run
from cli.settings import StackFolder, find_folder
from cli.stack.launch import RunningStack, StackOptions, environment, list_addresses, open_stack
from cli.stack.output import FileSink, announce
from cli.stack.signals import run_until_signal
from cli.terminal.progress import closing_bar, read_with_progress, transfer_bar, watch_mailing
from cli.terminal.tables import make_table, statistics_table
from shared import logs

TEXT = "Hello! This is Herald's demo. Your order is on its way."
# Long enough for the retries below, and short enough to wait for.
DURATION = timedelta(seconds=25)
# Few and short retries, so that the sandbox's faults end while the user watches.
SETTINGS = {"HERALD_RETRY_DELAYS": "1s,2s", "HERALD_MAX_ATTEMPTS": "3"}
CHECKS_FAILED = 1


def demo_command() -> None:
    """Send one mailing to 1,000 sample clients, and compare its statistics with the sandbox's ledger.

    Exits with 0 only if they agree. On a terminal the stack then keeps running until Ctrl-C.
    """
    run(_demo())


async def _demo() -> int:
    env = SETTINGS | environment()
    logs.configure("herald", level="error", json=False)
    if env.get("HERALD_PROVIDER_URL"):
        raise Failure("the demo reads the sandbox's ledger: unset HERALD_PROVIDER_URL", code=2)
    passed: list[bool] = []
    code = await run_until_signal(_run(env, passed), lambda: announce("stopping"))
    announce("stopped")
    if code is None:
        # On a terminal the demo ends with Ctrl-C after the comparison.
        return 0 if passed == [True] else CHECKS_FAILED
    return code


async def _run(env: dict[str, str], passed: list[bool]) -> int:
    home = find_folder()
    logs_folder = StackFolder(home.demo).logs
    options = StackOptions(home.demo, "herald_demo", fresh=True, flexible=True, cleared=logs_folder, home=home)
    announce(f"the logs of all processes are written to {logs_folder}/")
    async with open_stack(options, env, announce, FileSink(logs_folder)) as stack:
        write_addresses(stack.addresses(logs_folder), home)
        checks = await stack.supervisor.during(_send_and_compare(stack, home.demo / "clients.csv", Console()))
        passed.append(all(check.passed for check in checks))
        if sys.stdout.isatty():
            for line in list_addresses(stack, home):
                announce(line)
            await stack.supervisor.during(asyncio.Event().wait())
    return 0 if passed == [True] else CHECKS_FAILED


async def _send_and_compare(stack: RunningStack, file: Path, console: Console) -> list[Check]:
    tag = f"demo-{secrets.token_hex(3)}"
    async with open_api(stack.api_url, stack.token) as api, aiohttp.ClientSession(stack.sandbox_url) as sandbox:
        async with sandbox.delete("/ledger") as reply:
            reply.raise_for_status()
        matching = await _import_samples(api, tag, file, console)
        mailing = await api.post("/mailings", _mailing(tag))
        announce(f"mailing {mailing['id']} goes to {matching} of them")
        statistics = await watch_mailing(api, mailing["id"], console)
        async with sandbox.get("/ledger") as reply:
            ledger = await reply.json()
    checks = compare(statistics, ledger, matching)
    _show(console, statistics, ledger, checks)
    return checks


async def _import_samples(api: ApiClient, tag: str, file: Path, console: Console) -> int:
    """Imports the sample clients, and returns how many of them the mailing is for."""
    samples = make_samples(secrets.randbelow(10_000))
    await asyncio.to_thread(file.write_bytes, to_csv(samples, tag))
    with closing_bar(transfer_bar(console)) as progress:
        content = read_with_progress(file, progress)
        report = await api.upload("/clients/import", content, "text/csv", params={"on_conflict": "skip"})
    if report["created"] != len(samples):
        raise Failure(f"only {report['created']} of {len(samples)} sample clients were imported: {report}")
    announce(f"{report['created']} sample clients imported from {file}")
    return count_addressed(samples)


def _mailing(tag: str) -> Json:
    end_at = datetime.now(UTC) + DURATION
    return {"text": TEXT, "end_at": end_at.isoformat(), "filter": {"operator_codes": list(ADDRESSED), "tags": [tag]}}


def _show(console: Console, statistics: Json, ledger: Json, checks: list[Check]) -> None:
    console.print(statistics_table(statistics))
    console.print(make_table("the sandbox's ledger", ("entry", "count"), list(ledger.items())))
    rows = [(check.name, check.expected, check.found, "yes" if check.passed else "NO") for check in checks]
    console.print(make_table("statistics and ledger compared", ("check", "expected", "found", "passed"), rows))
