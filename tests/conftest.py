"""Shared fixtures: a database and a virtual host for each test, and a stack of real processes."""

import asyncio
import contextlib
import os
import tempfile
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio
from hypothesis import settings as hypothesis_settings

from tests.chaos.harness.report import print_results
from tests.support import skips
from tests.support.forking import forks
from tests.support.ports import take_ports
from tests.support.services import run
from tests.support.services.databases import ReusedDatabases
from tests.support.services.run import RUN_VARIABLE, ServiceMissing, need
from tests.support.services.vhosts import Vhosts, find_admin
from tests.support.stack import Stack

# An example must not fail because the machine is loaded.
hypothesis_settings.register_profile("herald", deadline=None)
hypothesis_settings.load_profile("herald")

ROOT = Path(__file__).parent.parent
SLOW = ("chaos", "contract", "e2e", "integration/cli")
RUN = pytest.StashKey[Path]()
STACK = pytest.StashKey[Stack]()
# pytest finds this hook here, because the controller of xdist loads no conftest of a subfolder.
__all__ = ["pytest_terminal_summary"]
MakeStack = Callable[..., Awaitable[Stack]]


def pytest_configure(config: pytest.Config) -> None:
    for name in [name for name in os.environ if name.startswith("HERALD_") and not name.startswith("HERALD_TEST_")]:
        # Variables that the user exported for another Herald must not change the tests.
        del os.environ[name]
    if not hasattr(config, "workerinput"):
        config.stash[RUN] = run.begin_run()


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """Returns the number of workers of `-n auto`: two for each processor, as the tests wait half of their time."""
    if config.option.numprocesses != "auto":
        return None
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return 2 * processors


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Has each worker begin with its share of the tests that run stacks, which wait most of their time.

    xdist gives each worker a run of neighbours: one would get all of them, and be the last to end.
    """
    workers = getattr(config, "workerinput", {}).get("workercount", 1)
    slow: dict[Path, list[pytest.Item]] = defaultdict(list)
    rest = deque[pytest.Item]()
    for item in items:
        (slow[item.path] if is_slow(item.path) else rest).append(item)
    shares: list[list[pytest.Item]] = [[] for _ in range(workers)]
    for path in sorted(slow, key=lambda path: (-len(slow[path]), path)):
        min(shares, key=len).extend(slow[path])
    left, ordered = len(items), list[pytest.Item]()
    for place, share in enumerate(shares):
        size = left // (workers - place)
        ordered += share
        ordered += [rest.popleft() for _ in range(min(max(size - len(share), 0), len(rest)))]
        left -= max(size, len(share))
    items[:] = [*ordered, *rest]


def is_slow(path: Path) -> bool:
    """Returns whether the tests of a file run stacks or commands, mostly."""
    return any(path.is_relative_to(ROOT / "tests" / folder) for folder in SLOW)


def pytest_unconfigure(config: pytest.Config) -> None:
    forks.end_server()
    if RUN in config.stash:
        run.end_run(config.stash[RUN])


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    # After the report of coverage, so that only the names of failed tests and the closing line follow.
    print_results(terminalreporter)
    for kind, origin in run.list_origins(config.stash[RUN]):
        terminalreporter.write_line(f"{kind} of the tests: {origin}")
    for line in skips.describe(terminalreporter.stats.get("skipped", [])):
        terminalreporter.write_line(line, yellow=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report: pytest.TestReport = yield  # type: ignore[assignment]
    if skips.are_forbidden():
        skips.forbid(report)
    if report.failed and STACK in item.stash:
        report.sections.extend(item.stash[STACK].logs())
    return report  # type: ignore[return-value]


@pytest.fixture(scope="session")
def run_prefix(request: pytest.FixtureRequest) -> str:
    """The prefix of the names of all databases and virtual hosts that this worker creates."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    return f"{Path(os.environ[RUN_VARIABLE]).name}_{worker}"


@pytest.fixture(scope="session")
def databases(run_prefix: str) -> Iterator[ReusedDatabases]:
    found = _need("database")
    made = ReusedDatabases(found["url"], found["template"], run_prefix)
    yield made
    asyncio.run(made.drop_all())


@pytest_asyncio.fixture
async def database_url(databases: ReusedDatabases) -> AsyncIterator[str]:
    """The URL of a database with the current schema, and no rows."""
    taken = await databases.take()
    yield taken.url
    await databases.give_back(taken)


@pytest_asyncio.fixture
async def pool(database_url: str) -> AsyncIterator[asyncpg.Pool]:
    """A connection pool of the test's own database."""
    settings = {"timezone": "UTC", "jit": "off"}
    async with asyncpg.create_pool(database_url, min_size=1, max_size=10, server_settings=settings) as opened:
        yield opened


@pytest.fixture(scope="session")
def vhosts(run_prefix: str) -> Iterator[Vhosts]:
    found = _need("broker")
    admin = find_admin(found["url"], found["management_url"] or None)
    assert admin is not None
    made = Vhosts(admin, found["url"], run_prefix)
    yield made
    made.remove_all()


@pytest.fixture
def broker_url(vhosts: Vhosts) -> str:
    """The URL of an empty virtual host."""
    return vhosts.take()


@pytest.fixture
def free_port() -> int:
    """A free TCP port."""
    return take_ports()


@pytest.fixture
def open_path() -> Iterator[Path]:
    """A temporary folder for an embedded PostgreSQL, which runs as another user if this process is root's.

    tmp_path cannot be used, because pytest makes its parent folder inaccessible to other users at every start.
    """
    with tempfile.TemporaryDirectory(prefix="herald_test_", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest_asyncio.fixture
async def make_stack(
    request: pytest.FixtureRequest, database_url: str, broker_url: str, tmp_path: Path
) -> AsyncIterator[MakeStack]:
    """Starts processes with the test's own database and virtual host: `await make_stack("api", "planner")`.

    Their logs are shown when the test fails, and all are killed at its end.
    """
    async with contextlib.AsyncExitStack() as opened:

        async def make(*processes: str, env: Mapping[str, str] | None = None) -> Stack:
            stack = await opened.enter_async_context(Stack(tmp_path, database_url, broker_url, env or {}))
            request.node.stash[STACK] = stack
            await stack.start(*processes)
            return stack

        yield make


def _need(kind: run.Kind) -> dict[str, str]:
    try:
        return need(kind)
    except ServiceMissing as error:
        pytest.fail(str(error), pytrace=False)
