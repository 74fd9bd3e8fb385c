"""Takes the pictures of the console for docs/images, of a stack with a sandbox and an empty database.

    .venv/bin/herald up &
    .venv/bin/python -m tests.pictures.console http://127.0.0.1:8080 TOKEN http://127.0.0.1:9090

It makes clients and mailings, one of which is being sent while the pictures are taken.
"""

import argparse
import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import aiohttp
from playwright.async_api import Page

from tests.pictures.shots import open_page, shoot

CLIENTS = 4000
TEXTS = (
    "Your order is ready: come any day from 10 to 20.",
    "Ваш заказ готов, ждём вас.",
    "The shop is open on Sunday.",
)
WIDE, NARROW = {"width": 1300, "height": 900}, {"width": 375, "height": 800}
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


async def take_pictures(url: str, token: str, sandbox: str) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession(headers=headers) as session, open_page() as page:
        stack = Stack(session, url, sandbox)
        await stack.import_clients()
        await stack.set_faults(latency_ms=50, modes={"ok": 0.97, "reject400": 0.03})
        await stack.make_mailing(TEXTS[2], "Sunday", ["926"])
        await stack.make_mailing(TEXTS[1], "Заказы января", ["903"], starts=86_400)
        await asyncio.sleep(30)
        await stack.set_faults(latency_ms=2500, modes={"ok": 0.97, "reject400": 0.03})
        running = await stack.make_mailing(TEXTS[0], "Orders of January", ["916", "903"])
        await sign_in(page, url, token)
        await asyncio.sleep(20)
        await take(page, url, f"/mailings/{running}", "console-mailing")
        await take(page, url, "/", "console-overview")
        await take(page, url, "/mailings/new", "console-new")
        await take(page, url, f"/mailings/{running}", "console-dark", scheme="dark")
        await take(page, url, f"/mailings/{running}", "console-narrow", size=NARROW)


async def sign_in(page: Page, url: str, token: str) -> None:
    await page.goto(url)
    await page.get_by_label("Token").fill(token)
    await page.get_by_role("button", name="Sign in", exact=True).click()
    await page.get_by_role("heading", level=1, name="Overview").wait_for()


async def take(
    page: Page, url: str, address: str, name: str, *, scheme: Literal["light", "dark"] = "light", size: Any = WIDE
) -> None:
    await page.set_viewport_size(size)
    await page.emulate_media(color_scheme=scheme)
    await page.goto(f"{url}/#{address}")
    await page.wait_for_timeout(SETTLED_MS)
    await shoot(page, name)


def main() -> None:
    parser = argparse.ArgumentParser(description="Take pictures of the console.")
    parser.add_argument("url", help="URL of the API, such as http://127.0.0.1:8080")
    parser.add_argument("token")
    parser.add_argument("sandbox", help="URL of the sandbox, such as http://127.0.0.1:9090")
    given = parser.parse_args()
    asyncio.run(take_pictures(given.url.rstrip("/"), given.token, given.sandbox.rstrip("/")))


if __name__ == "__main__":
    main()
