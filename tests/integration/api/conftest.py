"""The API with the test's own database, on a port of its own."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import CollectorRegistry

from services.api.metrics import Metrics
from services.api.web.server import ProblemRunner
from tests.integration.api.fakes import Api, MakeApi, RecordingHints, an_app, an_open_gate
from tests.integration.api.rows import Rows


class ProblemTestServer(TestServer):
    """Serves as the API's listener does."""

    async def _make_runner(self, **kwargs: Any) -> web.AppRunner:
        return ProblemRunner(self.app, **kwargs)


@pytest.fixture
def rows(pool: asyncpg.Pool) -> Rows:
    """Puts rows into the tables as the other processes would."""
    return Rows(pool)


@pytest_asyncio.fixture
async def make_api(pool: asyncpg.Pool) -> AsyncIterator[MakeApi]:
    """Starts the API with its database and without a broker: `await make_api(timeouts=...)`."""
    async with AsyncExitStack() as opened:

        async def make(**parts: Any) -> Api:
            hints, metrics = RecordingHints(), Metrics.on(CollectorRegistry())
            defaults = {"database": an_open_gate(pool), "planner_hints": hints, "metrics": metrics}
            client = await opened.enter_async_context(TestClient(ProblemTestServer(an_app(**defaults | parts))))
            return Api(client, hints, metrics)

        yield make


@pytest_asyncio.fixture
async def api(make_api: MakeApi) -> Api:
    """The API as it is by default."""
    return await make_api()
