"""Takes pictures of pages in a browser for docs/images."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Page, async_playwright

from tests.support.browser import ARGUMENTS, find

FOLDER = Path(__file__).parents[2] / "docs" / "images"
WIDTH = 1300


@asynccontextmanager
async def open_page(height: int = 900) -> AsyncIterator[Page]:
    """Opens an empty page of this height in pixels."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=find(), args=ARGUMENTS)
        try:
            yield await browser.new_page(viewport={"width": WIDTH, "height": height})
        finally:
            await browser.close()


async def shoot(page: Page, name: str, *, whole: bool = True) -> None:
    """Saves a picture of the whole page, or of what its window shows, under its name in docs/images."""
    await page.screenshot(path=FOLDER / f"{name}.png", full_page=whole)
    print(FOLDER / f"{name}.png")  # noqa: T201 - the output of a program
