"""Chromium for the tests of pages: the one that is installed, without any traffic of its own."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from playwright.async_api import Browser, Page, async_playwright

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
# Addresses of what a page holds itself.
INTERNAL = ("data:", "blob:")
VIEW = {"width": 1100, "height": 800}


def find() -> str:
    """Returns the path of the installed Chromium, or skip the test."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip("no Chromium is installed: apt-get install chromium")
    return found


class Browsed:
    """A page, and what went wrong in it: console errors, exceptions, and requests to other hosts."""

    def __init__(self, page: Page, home: str) -> None:
        self.page, self.wrong = page, list[str]()
        page.on("console", lambda message: self._say(message.type in {"error", "warning"}, message.text))
        page.on("pageerror", lambda error: self._say(True, str(error)))
        page.on("request", lambda request: self._say(not request.url.startswith((home, *INTERNAL)), request.url))

    def _say(self, wrong: bool, text: str) -> None:
        if wrong:
            self.wrong.append(text)


@asynccontextmanager
async def browse(home: str) -> AsyncIterator[Browsed]:
    """Opens an empty page that is meant to stay on `home`."""
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
    """Opens a page that shares nothing with others, such as what they store."""
    page = await browser.new_page(**{"base_url": home, "viewport": VIEW, **options})
    try:
        yield Browsed(page, home)
    finally:
        await page.close()
