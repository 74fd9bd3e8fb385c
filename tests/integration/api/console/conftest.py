"""The console in a browser, on the API alone: what other processes do is put into the tables."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest_asyncio
from playwright.async_api import expect

from tests.e2e.browser.console import REFUSED, Console
from tests.integration.api.fakes import ADMIN_TOKEN, Api
from tests.support.browser import launch, page_of

# The policy of the page would refuse axe-core, and colours that fade are none of the page's.
OPTIONS: Any = {"bypass_csp": True, "reduced_motion": "reduce"}


@pytest_asyncio.fixture
async def console(api: Api, pool: asyncpg.Pool, tmp_path: Path) -> AsyncIterator[Console]:
    """The console, signed in as an admin. Every error that the browser logs fails the test."""
    # A dispatcher runs, as far as the tables say.
    await pool.execute("INSERT INTO processes (id, beat_at) VALUES (gen_random_uuid(), 'infinity')")
    home = str(api.client.make_url("/")).rstrip("/")
    async with launch() as browser, page_of(browser, home, timezone_id="UTC", **OPTIONS) as browsed:
        opened = Console(browsed, tmp_path)
        opened.allow(REFUSED.format(503))
        await opened.open()
        await opened.sign_in(ADMIN_TOKEN)
        await expect(opened.heading("Overview")).to_be_visible()
        yield opened
        assert opened.wrong == []
