"""Runs the installed Chromium for the tests of pages, without network traffic of its own."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

# A page of seventy modules takes its time on a machine that runs other tests.
expect.set_options(timeout=20_000)

NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = (
    # Chromium's sandbox refuses to run as root, as tests in containers do.
    "--no-sandbox",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--no-first-run",
)
# Schemes of content that is part of the page.
INTERNAL = ("data:", "blob:")
VIEW = {"width": 1100, "height": 800}


def find() -> str:
    """Returns the path of the installed Chromium. Skips the test if there is none."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip("no Chromium is installed: apt-get install chromium")
    return found


class Browsed:
    """A page with a record of its console errors, its exceptions and its requests to other hosts."""

    def __init__(self, page: Page, home: str) -> None:
        self.page = page
        self.wrong: list[str] = []
        page.on("console", lambda message: self._record(message.type in {"error", "warning"}, message.text))
        page.on("pageerror", lambda error: self._record(True, str(error)))
        page.on("request", lambda request: self._record(not request.url.startswith((home, *INTERNAL)), request.url))

    def _record(self, wrong: bool, text: str) -> None:
        if wrong:
            self.wrong.append(text)


@asynccontextmanager
async def browse(home: str) -> AsyncIterator[Browsed]:
    """Opens an empty page. Requests to other hosts than `home` are recorded as wrong."""
    async with launch() as browser, page_of(browser, home) as opened:
        yield opened


@asynccontextmanager
async def launch() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=find(), args=ARGUMENTS)
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def page_of(browser: Browser, home: str, **options: Any) -> AsyncIterator[Browsed]:
    """Opens a page with storage of its own."""
    page = await browser.new_page(**{"base_url": home, "viewport": VIEW, **options})
    try:
        yield Browsed(page, home)
    finally:
        await page.close()
