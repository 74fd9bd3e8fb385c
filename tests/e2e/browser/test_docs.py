"""A new user gets from an empty database to a finished mailing with the page /docs/ alone."""

import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.conftest import MakeStack
from tests.support.browser import Browsed, browse
from tests.support.polling import until
from tests.support.stack import ADMIN_TOKEN

# The folder for pictures: HERALD_TEST_PICTURES=docs/images renews those of the documentation.
PICTURES = "HERALD_TEST_PICTURES"


class Docs:
    """Operates Swagger UI as a user does."""

    def __init__(self, page: Page, pictures: Path) -> None:
        self._page = page
        self._pictures = pictures

    async def open(self, path: str) -> None:
        await self._page.goto(path)
        await expect(self._page.locator(".opblock, .index").first).to_be_visible()

    async def authorize(self, token: str) -> None:
        await self._page.locator(".auth-wrapper .authorize").click()
        await self._page.locator(".modal-ux input").fill(token)
        await self._page.locator(".modal-ux button.authorize").click()
        await self._page.locator(".modal-ux .btn-done").click()

    async def execute(self, tag: str, operation: str, status: int) -> Any:
        """Executes an operation with the example that the page shows, and returns the JSON of the response."""
        block = self._page.locator(f"#operations-{tag}-{operation}")
        if not await block.locator("button.execute").is_visible():
            await block.locator(".opblock-summary-control").click()
        await block.locator("button.execute").click()
        answer = block.locator(".live-responses-table")
        await expect(answer.locator("td.response-col_status").last).to_contain_text(str(status))
        return json.loads(await answer.locator("code.language-json").inner_text())

    async def picture(self, name: str, top: str | None = None) -> None:
        """Takes a picture of the visible part of the page, after scrolling to the element `top`."""
        if top is not None:
            await self._page.locator(top).evaluate("element => element.scrollIntoView()")
        await self._page.screenshot(path=self._pictures / f"{name}.png")


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = Path(os.environ.get(PICTURES, tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
async def browsed(make_stack: MakeStack) -> AsyncIterator[Browsed]:
    """A page of the browser on a stack with an empty database."""
    stack = await make_stack()
    async with browse(stack.api_url) as opened:
        yield opened


@pytest.fixture
def docs(browsed: Browsed, pictures: Path) -> Docs:
    return Docs(browsed.page, pictures)


async def test_a_mailing_is_finished_with_nothing_but_the_docs_page(docs: Docs, browsed: Browsed) -> None:
    await docs.open("/api/")
    await docs.picture("index")
    await docs.open("/docs/")
    await docs.picture("docs", ".scheme-container")
    await docs.authorize(ADMIN_TOKEN)
    client = await docs.execute("clients", "createClient", 201)
    mailing = await docs.execute("mailings", "createMailing", 201)
    await docs.picture("mailing", "#operations-mailings-createMailing .btn-group")
    assert (client["id"], mailing["id"]) == (1, 1)

    async def finished() -> bool:
        return bool((await docs.execute("statistics", "showStatistics", 200))["status"] == "finished")

    await until(finished, 30)
    statistics = await docs.execute("statistics", "showStatistics", 200)
    await docs.picture("statistics", "#operations-statistics-showStatistics .live-responses-table")
    assert (statistics["total"], statistics["by_status"]["sent"]) == (1, 1)
    assert browsed.wrong == []


async def test_without_a_token_the_docs_page_says_that_one_is_needed(docs: Docs) -> None:
    await docs.open("/docs/#/statistics/showTotals")
    problem = await docs.execute("statistics", "showTotals", 401)
    assert problem["detail"] == "Send a token: Authorization: Bearer TOKEN."


async def test_the_index_leads_to_the_operation_on_the_docs_page(docs: Docs, browsed: Browsed) -> None:
    await docs.open("/api/")
    await browsed.page.get_by_role("link", name="/api/v1/clients/export").click()
    opened = browsed.page.locator("#operations-clients-exportClients .opblock-body")
    await expect(opened).to_be_visible()
    assert browsed.wrong == []
