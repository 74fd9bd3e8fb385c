"""A picture of the dashboard in Grafana after a bad day, for docs/operations.md.

Start the stack with the settings in ENV of tests/support/incident.py, and then run the incident, which takes three
minutes:

    docker compose --profile observability up --detach --wait
    .venv/bin/python -m tests.pictures.dashboard http://127.0.0.1:3000 admin grafana-first-try \\
        --api http://127.0.0.1:8080 --token herald-first-try --sandbox http://ADDRESS:8090

The dispatcher is killed by docker compose. The sandbox has no port on this machine: ADDRESS is that of its container.
Without --api the dashboard is taken as it is. A panel that shows an error or nothing is named, and the exit is 1.
"""

import argparse
import asyncio
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from playwright.async_api import Page

from tests.pictures.shots import open_page, shoot
from tests.support import incident
from tests.support.operator import Operator

DASHBOARD = Path(__file__).parents[2] / "deploy" / "grafana" / "dashboards" / "herald.json"
# As high as all rows of the dashboard: Grafana draws only what can be seen.
HEIGHT = 4080
DRAWN_MS = 12_000
# Long enough for alerts that wait for a minute.
OUTAGE_SECONDS = 90
PANEL_STATES = """() => [...document.querySelectorAll('.panel-container')].map((panel) => ({
  title: panel.querySelector('.panel-title, h2, h6')?.textContent ?? '',
  text: panel.textContent,
  error: panel.querySelector('.panel-info-corner--error, [data-testid*="error" i]') !== null,
}))"""


@dataclass(slots=True)
class Elsewhere:
    """A stack that somebody else started."""

    api: aiohttp.ClientSession
    sandbox: aiohttp.ClientSession


async def crash() -> None:
    """Kills the dispatcher in the middle of its requests, and starts it again."""
    for words in (("kill", "dispatcher"), ("up", "--detach", "--no-deps", "dispatcher")):
        process = await asyncio.create_subprocess_exec("docker", "compose", *words)
        assert await process.wait() == 0, words


async def play(api: str, token: str, sandbox: str) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession(api, headers=headers) as herald, aiohttp.ClientSession(sandbox) as provider:
        mailing_id = await incident.play_incident(Operator(Elsewhere(herald, provider)), crash, OUTAGE_SECONDS)
    print(f"mailing {mailing_id} is finished")  # noqa: T201 - a command for people


def in_names(part: Any) -> Any:
    """Puts names in the place of references to data sources."""
    if isinstance(part, list):
        return [in_names(one) for one in part]
    if isinstance(part, dict):
        if set(part) == {"type", "uid"}:
            return part["uid"]
        return {key: in_names(value) for key, value in part.items()}
    return part


async def find_dashboard(page: Page, url: str) -> str:
    """Returns the dashboard's path. A Grafana before 8.3, which knows no references, is given a copy with names."""
    shown = await (await page.request.get(f"{url}/api/frontend/settings")).json()
    version = shown["buildInfo"]["version"]
    print(f"Grafana {version}")  # noqa: T201
    if tuple(int(part) for part in version.split("-")[0].split(".")[:2]) >= (8, 3):
        return "/d/herald/herald"
    dashboard = in_names(json.loads(DASHBOARD.read_text(encoding="utf-8")))
    dashboard |= {"uid": "herald-names", "title": "Herald for an older Grafana"}
    body = {"dashboard": dashboard, "overwrite": True}
    made = await page.request.post(f"{url}/api/dashboards/db", data=body)
    assert made.ok, await made.text()
    return "/d/herald-names/herald-for-an-older-grafana"


async def take(url: str, user: str, password: str, since: str) -> list[str]:
    """Takes the picture; returns what is wrong with which panel."""
    async with open_page(HEIGHT) as page:
        answer = await page.request.post(f"{url}/login", data={"user": user, "password": password})
        assert answer.ok, await answer.text()
        path = await find_dashboard(page, url)
        await page.goto(f"{url}{path}?kiosk&from=now-{since}&to=now")
        await page.wait_for_timeout(DRAWN_MS)
        await shoot(page, "grafana")
        panels = await page.evaluate(PANEL_STATES)
    wrong = [f"{panel['title']}: an error" for panel in panels if panel["error"]]
    return wrong + [f"{panel['title']}: nothing" for panel in panels if "No data" in panel["text"]]


async def work(given: argparse.Namespace) -> list[str]:
    if given.api:
        await play(given.api, given.token, given.sandbox)
        # The planner's next look at the tables, and Prometheus' next question about it.
        await asyncio.sleep(20)
    return await take(given.url.rstrip("/"), given.user, given.password, given.since)


def main() -> None:
    parser = argparse.ArgumentParser(description="Take a picture of the dashboard.")
    parser.add_argument("url", help="where Grafana is, like http://127.0.0.1:3000")
    parser.add_argument("user")
    parser.add_argument("password")
    parser.add_argument("--api", help="play a bad day first, on the stack whose API this is")
    parser.add_argument("--token", help="of that API, with every right")
    parser.add_argument("--sandbox", help="of that stack")
    parser.add_argument("--since", default="5m", help="how far back the dashboard looks (5m)")
    wrong = asyncio.run(work(parser.parse_args()))
    sys.exit("\n".join(wrong) or None)


if __name__ == "__main__":
    main()
