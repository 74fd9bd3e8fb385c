import zoneinfo
from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import CollectorRegistry

from services.api import app
from services.api.access.authenticate import Authenticator
from services.api.metrics import Meters
from services.api.web.context import Backing, State
from tests.integration.api.fakes import ADMIN_TOKEN, Api, NoBroker, RecordingEvents
from tests.integration.api.rows import Rows


@pytest.fixture
def rows(pool: asyncpg.Pool) -> Rows:
    """Puts rows into the tables as the other processes would."""
    return Rows(pool)


@pytest_asyncio.fixture
async def api(pool: asyncpg.Pool) -> AsyncIterator[Api]:
    """The API on a port of its own, with its database and without a broker."""
    events = RecordingEvents()
    state = State(
        authenticator=Authenticator(required=True, admin_token=ADMIN_TOKEN),
        events=events,
        default_zone="UTC",
        dead_queues=NoBroker(),
        meters=Meters.on(CollectorRegistry()),
        backing=Backing(pool, frozenset(zoneinfo.available_timezones())),
    )
    async with TestClient(TestServer(app.build(state))) as client:
        yield Api(client, events, state)
