"""What every row gets: a place of its own, and a way to hand its line to the table."""

from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from tests.chaos.arena import Place
from tests.chaos.line import Line
from tests.chaos.report import PROPERTY
from tests.chaos.row import Row, run
from tests.conftest import STACK
from tests.support.services.vhosts import Vhosts
from tests.support.stack import Stack

RunRow = Callable[[Row], Awaitable[Line]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begins with the rows that take longest, so that no worker is left alone with one of them in the end."""
    items.sort(key=lambda item: -_seconds(item))


def _seconds(item: pytest.Item) -> float:
    row = item.callspec.params.get("row") if isinstance(item, pytest.Function) and hasattr(item, "callspec") else None
    return row.seconds if isinstance(row, Row) else 0.0


@pytest.fixture
def place(database_url: str, broker_url: str, vhosts: Vhosts, tmp_path: Path, open_path: Path) -> Iterator[Place]:
    yield Place(database_url, broker_url, tmp_path, open_path)
    vhosts.remove_used()


@pytest.fixture
def show(request: pytest.FixtureRequest) -> Callable[[Stack], None]:
    """Have the logs of a stack shown when the test fails."""

    def remember(stack: Stack) -> None:
        request.node.stash[STACK] = stack

    return remember


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Callable[[Line], None]:
    """Puts a line into the table, and fail if it shows a broken promise."""

    def told(line: Line) -> None:
        record_property(PROPERTY, line.pack())
        assert not line.broken, "; ".join(line.broken)

    return told


@pytest.fixture
def run_row(place: Place, show: Callable[[Stack], None], tell: Callable[[Line], None]) -> RunRow:
    async def ran(row: Row) -> Line:
        line = await run(row, place, show)
        tell(line)
        return line

    return ran
