"""Takes contact sheets of the whole console: each page at three widths, in both schemes and both languages.

    .venv/bin/python -m tests.pictures.sheets http://127.0.0.1:8080 TOKEN FOLDER --mailing 3 --client 7

A sheet is one picture for each page: 375, 1024 and 1440 pixels wide, first light and English, then dark and Russian.
What is wider than its screen is listed, and so is every Latin word in Russian that is neither a name nor a value.
"""

import argparse
import asyncio
import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from playwright.async_api import Browser, Page

from tests.support.browser import launch

WIDTHS = (375, 1024, 1440)
HEIGHT = 900
# Longer pages are cut: below that come more rows of the same.
LONGEST = 2200
SETTLED_MS = 1500
STYLE = "zoom:.5;margin:8px;vertical-align:top"
# What may be Latin in Russian: names, formats, and what people or the provider wrote.
LATIN = re.compile(r"[A-Za-z]{3,}")
NAMES = frozenset({"Herald", "English", "RabbitMQ", "HTTP", "CSV", "NDJSON", "SMS", "API", "UTC", "JSON", "Enter"})
WIDER = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
# Values stand in elements of their own; texts of people and of the API are marked as such or stand in cells.
WORDS = """() => [...document.querySelectorAll('h1, h2, h3, th, dt, label, legend, button, small, p, nav a, option')]
  .filter((one) => !one.closest('[lang], td, code, .text, .session') && one.checkVisibility())
  .map((one) => one.textContent)"""


Shots = dict[str, list[bytes]]


@dataclass(frozen=True, slots=True)
class Shown:
    """A language of the console and a colour scheme of the browser."""

    language: Literal["en", "ru"]
    scheme: Literal["light", "dark"]


SHOWN = (Shown("en", "light"), Shown("ru", "dark"))


@dataclass(frozen=True, slots=True)
class Target:
    """The console that is pictured, and where its sheets go."""

    url: str
    token: str
    folder: Path


def addresses(mailing: int, client: int) -> dict[str, str]:
    """Returns the address of each page by its name."""
    return {
        "sign-in": "",
        "overview": "/",
        "mailings": "/mailings",
        "new-mailing": "/mailings/new",
        "mailing": f"/mailings/{mailing}",
        "clients": "/clients",
        "client": f"/clients/{client}",
        "import": "/clients/import",
        "segments": "/segments",
        "segment": "/segments/new",
        "stop-list": "/stop-list",
        "dead-letters": "/dead-letters",
        "settings": "/settings",
        "events": "/events",
        "not-found": "/nowhere",
    }


async def shoot_all(browser: Browser, target: Target, shown: Shown, pages: dict[str, str]) -> Shots:
    """Takes the pictures of all pages in one language and scheme, and prints what looks wrong."""
    page = await open_page(browser, target, shown)
    shots: Shots = {}
    for name, address in pages.items():
        if address and not await page.locator("#nav a").count():
            await sign_in(page, target)
        await page.evaluate("(address) => { location.hash = address; }", address)
        shots[name] = [await shoot_one(page, width, f"{name} in {shown.language}") for width in WIDTHS]
        if shown.language == "ru":
            for word in sorted(latin_words(await page.evaluate(WORDS))):
                print(f"{name}: {word}")  # noqa: T201 - the output of a program
    await page.context.close()
    return shots


async def shoot_one(page: Page, width: int, what: str) -> bytes:
    await page.set_viewport_size({"width": width, "height": HEIGHT})
    await page.wait_for_timeout(SETTLED_MS)
    if await page.evaluate(WIDER):
        print(f"{what}: wider than {width} px")  # noqa: T201 - the output of a program
    height = min(int(await page.evaluate("document.documentElement.scrollHeight")), LONGEST)
    await page.set_viewport_size({"width": width, "height": max(height, HEIGHT)})
    return await page.screenshot()


def latin_words(texts: Sequence[str]) -> set[str]:
    """Returns the words in Latin letters that are no names."""
    return {word for text in texts for word in LATIN.findall(text)} - NAMES


async def open_page(browser: Browser, target: Target, shown: Shown) -> Page:
    context = await browser.new_context(
        base_url=target.url,
        locale="ru-RU" if shown.language == "ru" else "en-GB",
        color_scheme=shown.scheme,
        viewport={"width": WIDTHS[0], "height": HEIGHT},
    )
    page = await context.new_page()
    await page.goto("/")
    await page.locator("main form").wait_for()
    return page


async def sign_in(page: Page, target: Target) -> None:
    await page.locator("input[type=password], main form input").first.fill(target.token)
    await page.locator("main form button[type=submit]").click()
    await page.locator("#nav a").first.wait_for()


async def paste(browser: Browser, shots: Sequence[bytes], path: Path) -> None:
    """Puts pictures side by side into one, at half their size."""
    images = "".join(
        f'<img src="data:image/png;base64,{base64.b64encode(shot).decode()}" style="{STYLE}">' for shot in shots
    )
    page = await browser.new_page(viewport={"width": 1500, "height": 400})
    await page.set_content(f'<body style="background:#888;margin:0">{images}</body>')
    await page.screenshot(path=path, full_page=True)
    await page.close()


async def take_sheets(target: Target, pages: dict[str, str]) -> None:
    target.folder.mkdir(parents=True, exist_ok=True)
    async with launch() as browser:
        taken = [await shoot_all(browser, target, shown, pages) for shown in SHOWN]
        for name in pages:
            await paste(browser, [shot for shots in taken for shot in shots[name]], target.folder / f"{name}.png")


def main() -> None:
    parser = argparse.ArgumentParser(description="Take contact sheets of the console.")
    parser.add_argument("url", help="URL of the API, such as http://127.0.0.1:8080")
    parser.add_argument("token", help="an admin token")
    parser.add_argument("folder", type=Path, help="where the sheets go")
    parser.add_argument("--mailing", type=int, default=1)
    parser.add_argument("--client", type=int, default=1)
    parser.add_argument("--only", nargs="*", help="names of pages")
    given = parser.parse_args()
    pages = addresses(given.mailing, given.client)
    chosen = {name: pages[name] for name in given.only or pages}
    asyncio.run(take_sheets(Target(given.url.rstrip("/"), given.token, given.folder), chosen))


if __name__ == "__main__":
    main()
