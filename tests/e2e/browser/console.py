"""The console in a browser, by what an operator does with it."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.async_api import Locator, Page, expect

from tests.support.browser import Browsed

# What the browser logs of a request that was refused, and of one that got no answer.
REFUSED = "the server responded with a status of {}"
UNREACHABLE = "net::ERR_"


class Console:
    """One page of the console. Errors that the browser logs fail the test, except those that `allow` names."""

    def __init__(self, browsed: Browsed, pictures: Path) -> None:
        self.page: Page = browsed.page
        self.page.set_default_timeout(10_000)
        self._browsed = browsed
        self._pictures = pictures
        # Without a token, the console asks whether one is needed. Chromium gives up requests when the machine gets or
        # loses a network, such as one of containers.
        self._allowed = [REFUSED.format(401), "net::ERR_NETWORK_CHANGED"]

    def allow(self, *texts: str) -> None:
        self._allowed += texts

    @property
    def wrong(self) -> list[str]:
        """The errors that were not allowed."""
        return [text for text in self._browsed.wrong if not any(allowed in text for allowed in self._allowed)]

    async def open(self, path: str = "/") -> None:
        await self.page.goto(path)

    async def sign_in(self, token: str) -> None:
        await self.page.get_by_label("Token").fill(token)
        await self.button("Sign in").click()

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    def link(self, name: str) -> Locator:
        return self.page.get_by_role("link", name=name, exact=True)

    def heading(self, name: str | re.Pattern[str]) -> Locator:
        return self.page.get_by_role("heading", level=1, name=name)

    def region(self, name: str) -> Locator:
        """Finds a section by its heading."""
        return self.page.locator("section").filter(has=self.page.get_by_role("heading", name=name, exact=True))

    @property
    def dialog(self) -> Locator:
        return self.page.get_by_role("dialog")

    @property
    def state(self) -> Locator:
        """The state of the mailing that is shown."""
        return self.page.locator("h1 .badge")

    def figure(self, name: str) -> Locator:
        """Finds a number by what it counts."""
        group = self.page.locator(".figures > div").filter(has=self.page.locator("dt", has_text=name))
        return group.locator("dd").first

    def rows(self, table: str) -> Locator:
        return self.page.get_by_role("region", name=table, exact=True).locator("tbody tr")

    async def write_mailing(self, text: str, *, tag: str = "", lasts: float = 3600) -> None:
        """Fills the form of a new mailing and asks for its preview."""
        await self.open("/#/mailings/new")
        await self.page.get_by_label("Text", exact=True).fill(text)
        if tag:
            await self.page.get_by_label("Tags").fill(tag)
            await self.page.keyboard.press("Enter")
        await self.page.get_by_label("End", exact=True).fill(local(lasts))
        await self.button("Preview").click()

    async def create_mailing(self, clients: int) -> int:
        """Creates what was previewed, and returns its id once its page is shown."""
        noun = "client" if clients == 1 else "clients"
        await self.button(f"Create mailing for {clients} {noun}").click()
        await expect(self.heading(re.compile(r"Mailing \d+"))).to_be_visible()
        return int(self.page.url.rpartition("/")[2])

    async def drop_file(self, zone: Locator, name: str, content: bytes) -> None:
        """Drops a file on a place for files, as from a folder."""
        script = """([name, bytes]) => {
            const dropped = new DataTransfer();
            dropped.items.add(new File([new Uint8Array(bytes)], name, {type: 'text/csv'}));
            return dropped;
        }"""
        dropped = await self.page.evaluate_handle(script, [name, list(content)])
        await zone.dispatch_event("drop", {"dataTransfer": dropped})

    async def picture(self, name: str) -> None:
        await self.page.screenshot(path=self._pictures / f"{name}.png")


def local(seconds_ahead: float) -> str:
    """Formats a moment ahead as an input of local times takes it; the pages are in UTC."""
    return (datetime.now(UTC) + timedelta(seconds=seconds_ahead)).strftime("%Y-%m-%dT%H:%M")
