"""A new user at /docs/: from an empty directory to a finished mailing, with nothing but the page."""

import os
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser import browse
from tests.conftest import MakeStack
from tests.stack import ADMIN_TOKEN

# Where pictures go that are worth keeping: HERALD_TEST_PICTURES=docs/images.
PICTURES = "HERALD_TEST_PICTURES"


class Docs:
    """Swagger UI as a user handles it."""

    def __init__(self, page: Page, pictures: Path) -> None:
        self._page, self._pictures = page, pictures

    async def open(self) -> None:
        await self._page.goto("/docs/")
        await expect(self._page.locator(".opblock").first).to_be_visible()

    async def authorize(self, token: str) -> None:
        await self._page.locator(".auth-wrapper .authorize").click()
        await self._page.locator(".modal-ux input").fill(token)
        await self._page.locator(".modal-ux button.authorize").click()
        await self._page.locator(".modal-ux .btn-done").click()

    async def execute(self, tag: str, operation: str) -> Any:
        """Send an operation with the values that the page shows, and return its block."""
        block = self._page.locator(f"#operations-{tag}-{operation}")
        if not await block.locator("button.execute").is_visible():
            await block.locator(".opblock-summary-control").click()
        await block.locator("button.execute").click()
        await expect(block.locator(".live-responses-table .response-col_status").last).to_be_visible()
        return block

    async def picture(self, name: str, of: Locator | None = None) -> None:
        path = self._pictures / f"{name}.png"
        await (self._page if of is None else of).screenshot(path=path)  # type: ignore[union-attr]


async def status_of(block: Locator) -> str:
    return (await block.locator(".live-responses-table .response-col_status").last.inner_text()).strip()


async def body_of(block: Locator) -> str:
    return await block.locator(".live-responses-table .highlight-code").first.inner_text()


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = Path(os.environ.get(PICTURES, tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


async def test_a_new_user_finishes_a_mailing_with_nothing_but_the_docs_page(
    make_stack: MakeStack, pictures: Path
) -> None:
    async with browse("http://unused") as _:
        pass
    stack = await make_stack()
    async with browse(stack.api_url) as browsed:
        docs = Docs(browsed.page, pictures)
        await docs.open()
        await docs.picture("docs")
        await docs.authorize(ADMIN_TOKEN)
        created = await docs.execute("clients", "createClient")
        assert await status_of(created) == "201"
        mailing = await docs.execute("mailings", "createMailing")
        assert await status_of(mailing) == "201"
        await docs.picture("mailing", mailing)
        for _ in range(60):
            statistics = await docs.execute("statistics", "showStatistics")
            if '"finished"' in await body_of(statistics):
                break
            await browsed.page.wait_for_timeout(500)
        await docs.picture("statistics", statistics)
        print(await body_of(statistics))
        await browsed.page.goto("/api/")
        await docs.picture("index")
        print(browsed.wrong)
        assert browsed.wrong == []
