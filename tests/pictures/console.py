"""Takes the pictures of the console for docs/images, of a stack with a sandbox and an empty database.

    .venv/bin/herald up &
    .venv/bin/herald report --date 2026-11-28 --html report.html
    .venv/bin/python -m tests.pictures.console http://127.0.0.1:8080 TOKEN http://127.0.0.1:9090 --report report.html

It makes clients and mailings, one of which is being sent while the pictures are taken; with --again it only takes the
pictures. Where HERALD_OIDC_ISSUER is set, the sign-in offers the company's account. The report is pictured where its
file is given.
"""

import argparse
import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import aiohttp
from playwright.async_api import Page, ViewportSize

from tests.pictures.shots import open_page, shoot

CLIENTS = 4000
TEXTS = (
    "Your order is ready: come any day from 10 to 20.",
    "Ваш заказ готов, ждём вас.",
    "The shop is open on Sunday.",
)
WIDE: ViewportSize = {"width": 1200, "height": 980}
SHORT: ViewportSize = {"width": 1200, "height": 480}
NARROW: ViewportSize = {"width": 375, "height": 800}
PAGE: ViewportSize = {"width": 1100, "height": 800}
REPORT: ViewportSize = {"width": 800, "height": 400}
SETTLED_MS = 4000


class Stack:
    """The API and the sandbox of the stack that is pictured."""

    def __init__(self, session: aiohttp.ClientSession, api: str, sandbox: str) -> None:
        self._session = session
        self._api = f"{api}/api/v1"
        self._sandbox = sandbox

    async def import_clients(self) -> None:
        rows = (f"7916{number:07},{('916', '903', '926')[number % 3]},vip,Europe/Moscow" for number in range(CLIENTS))
        body = "\n".join(["phone,operator_code,tag,timezone", *rows])
        await self._post("/clients/import", data=body, headers={"Content-Type": "text/csv"})

    async def make_mailing(self, text: str, name: str, codes: list[str], *, starts: float = 0) -> int:
        now = datetime.now(UTC)
        made = await self._post(
            "/mailings",
            json={
                "text": text,
                "name": name,
                "filter": {"operator_codes": codes},
                "start_at": (now + timedelta(seconds=starts)).isoformat(),
                "end_at": (now + timedelta(seconds=starts, hours=3)).isoformat(),
            },
        )
        return int(made["id"])

    async def set_faults(self, **faults: Any) -> None:
        async with self._session.put(f"{self._sandbox}/faults", json=faults) as reply:
            reply.raise_for_status()

    async def _post(self, path: str, **request: Any) -> Any:
        async with self._session.post(self._api + path, **request) as reply:
            reply.raise_for_status()
            return await reply.json()


async def take_pictures(given: argparse.Namespace) -> None:
    headers = {"Authorization": f"Bearer {given.token}"}
    async with aiohttp.ClientSession(headers=headers) as session, open_page() as page:
        await page.set_viewport_size(SHORT)
        await page.goto(given.url)
        await page.get_by_label("Token").wait_for()
        await shoot(page, "console-sign-in", whole=False)
        running = given.again or await send(Stack(session, given.url, given.sandbox))
        await sign_in(page, given.url, given.token)
        await page.wait_for_timeout(given.wait * 1000)
        await take(page, given.url, f"/mailings/{running}", "console-mailing")
        await take(page, given.url, "/", "console-overview")
        await take(page, given.url, f"/mailings/{running}", "console-dark", scheme="dark")
        await take(page, given.url, f"/mailings/{running}", "console-narrow", size=NARROW)
        await take(page, given.url, "/mailings/new", "console-new")
        await take(page, given.url, "/settings", "console-settings")
        await take(page, given.url, "/events", "console-events")
        await page.get_by_label("Language").select_option("ru")
        await take(page, given.url, "/", "console-russian")
        await take_api(page, given.url)
        if given.report is not None:
            await page.set_viewport_size(REPORT)
            await page.goto(given.report.absolute().as_uri())
            await shoot(page, "report")


async def take_api(page: Page, url: str) -> None:
    """Takes the pictures of Swagger UI, at the operations of mailings, and of the index of the API."""
    await page.set_viewport_size(PAGE)
    await page.goto(f"{url}/docs/")
    await page.wait_for_timeout(SETTLED_MS)
    await page.locator("#operations-tag-mailings").evaluate("(tag) => tag.scrollIntoView()")
    await shoot(page, "docs", whole=False)
    await page.goto(f"{url}/api/")
    await shoot(page, "index", whole=False)


async def send(stack: Stack) -> int:
    """Makes clients, and mailings of which one is sent, one is of tomorrow, and one is being sent. Returns its id."""
    await stack.import_clients()
    await stack.set_faults(latency_ms=50, modes={"ok": 0.97, "reject400": 0.03})
    await stack.make_mailing(TEXTS[2], "Sunday", ["926"])
    await stack.make_mailing(TEXTS[1], "Заказы января", ["903"], starts=86_400)
    await asyncio.sleep(30)
    await stack.set_faults(latency_ms=2500, modes={"ok": 0.97, "reject400": 0.03})
    return await stack.make_mailing(TEXTS[0], "Orders of January", ["916", "903"])


async def sign_in(page: Page, url: str, token: str) -> None:
    await page.goto(url)
    await page.get_by_label("Token").fill(token)
    await page.get_by_role("button", name="Sign in", exact=True).click()
    await page.get_by_role("heading", level=1, name="Overview").wait_for()


async def take(
    page: Page,
    url: str,
    address: str,
    name: str,
    *,
    scheme: Literal["light", "dark"] = "light",
    size: ViewportSize = WIDE,
) -> None:
    await page.set_viewport_size(size)
    await page.emulate_media(color_scheme=scheme)
    await page.goto(f"{url}/#{address}")
    await page.wait_for_timeout(SETTLED_MS)
    await shoot(page, name, whole=False)


def main() -> None:
    parser = argparse.ArgumentParser(description="Take pictures of the console.")
    parser.add_argument("url", help="URL of the API, such as http://127.0.0.1:8080")
    parser.add_argument("token", help="an admin token")
    parser.add_argument("sandbox", help="URL of the sandbox, such as http://127.0.0.1:9090")
    parser.add_argument("--again", type=int, metavar="ID", help="send nothing, and picture this mailing")
    parser.add_argument("--report", type=Path, metavar="FILE", help="what `herald report --html` wrote")
    parser.add_argument(
        "--wait", type=float, default=20, metavar="SECONDS", help="before the first picture of a mailing"
    )
    given = parser.parse_args()
    asyncio.run(take_pictures(given))


if __name__ == "__main__":
    main()
