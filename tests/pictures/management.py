"""Takes pictures of RabbitMQ's management page for docs/operations.md.

Run it while a mailing is sent, and again while the provider is down:

    .venv/bin/python -m tests.pictures.management load   http://127.0.0.1:15672 admin admin-first-try
    .venv/bin/python -m tests.pictures.management outage http://127.0.0.1:15672 admin admin-first-try

The pictures are named after the moment, such as docs/images/management-load-overview.png. Both moments occur in
tests/chaos/test_observability.py when it is run with HERALD_TEST_PICTURES=docs/images.
"""

import argparse
import asyncio

from playwright.async_api import Page

from tests.pictures.shots import open_page, shoot

# The page refreshes every 5 s, and its charts need a few points.
SETTLED_MS = 11_000
PAGES = {"queues": "#/queues", "overview": "#/"}


async def take_pictures(moment: str, url: str, user: str, password: str) -> None:
    async with open_page() as page:
        await log_in(page, url, user, password)
        for name, path in PAGES.items():
            await page.goto(f"{url}/{path}")
            await page.wait_for_timeout(SETTLED_MS)
            await shoot(page, f"management-{moment}-{name}")


async def log_in(page: Page, url: str, user: str, password: str) -> None:
    await page.goto(url)
    await page.locator("input[name=username]").fill(user)
    await page.locator("input[name=password]").fill(password)
    await page.locator("input[type=submit]").click()
    await page.locator("#logout").wait_for()


def main() -> None:
    parser = argparse.ArgumentParser(description="Take pictures of RabbitMQ's management page.")
    parser.add_argument("moment", choices=["load", "outage"])
    parser.add_argument("url", help="URL of the management page, such as http://127.0.0.1:15672")
    parser.add_argument("user")
    parser.add_argument("password")
    given = parser.parse_args()
    asyncio.run(take_pictures(given.moment, given.url.rstrip("/"), given.user, given.password))


if __name__ == "__main__":
    main()
