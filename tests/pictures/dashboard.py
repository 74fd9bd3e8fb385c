"""Takes a picture of the Grafana dashboard after an incident, for docs/operations.md.

Start the stack with the settings in ENV of tests/support/incident.py, and then play the incident, which takes three
minutes:

    docker compose --profile observability up --detach --wait
    .venv/bin/python -m tests.pictures.dashboard http://127.0.0.1:3000 admin grafana-first-try \\
        --api http://127.0.0.1:8080 --token herald-first-try --sandbox http://ADDRESS:8090

The program kills the dispatcher with docker compose. The sandbox has no port on this machine: ADDRESS is that of its
container. Without --api no incident is played. Panels with an error or without data are listed, and the exit code is 1.
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
# The height of all rows of the dashboard, because Grafana draws only visible panels.
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
class RemoteStack:
    """Sessions with a stack that runs elsewhere."""

    api: aiohttp.ClientSession
    sandbox: aiohttp.ClientSession


async def crash() -> None:
    """Kills the dispatcher while it has open requests, and starts it again."""
    for words in (("kill", "dispatcher"), ("up", "--detach", "--no-deps", "dispatcher")):
        process = await asyncio.create_subprocess_exec("docker", "compose", *words)
        assert await process.wait() == 0, words


async def play(api: str, token: str, sandbox: str) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession(api, headers=headers) as herald, aiohttp.ClientSession(sandbox) as provider:
        mailing_id = await incident.play_incident(Operator(RemoteStack(herald, provider)), crash, OUTAGE_SECONDS)
    print(f"mailing {mailing_id} is finished")  # noqa: T201 - the output of a program


def with_source_names(part: Any) -> Any:
    """Replaces references to data sources by their names."""
    if isinstance(part, list):
        return [with_source_names(one) for one in part]
    if isinstance(part, dict):
        if set(part) == {"type", "uid"}:
            return part["uid"]
        return {key: with_source_names(value) for key, value in part.items()}
    return part


async def find_dashboard(page: Page, url: str) -> str:
    """Returns the path of the dashboard. A Grafana before 8.3 gets a copy with names instead of references."""
    shown = await (await page.request.get(f"{url}/api/frontend/settings")).json()
    version = shown["buildInfo"]["version"]
    print(f"Grafana {version}")  # noqa: T201
    if tuple(int(part) for part in version.split("-")[0].split(".")[:2]) >= (8, 3):
        return "/d/herald/herald"
    dashboard = with_source_names(json.loads(DASHBOARD.read_text(encoding="utf-8")))
    dashboard |= {"uid": "herald-names", "title": "Herald for an older Grafana"}
    body = {"dashboard": dashboard, "overwrite": True}
    made = await page.request.post(f"{url}/api/dashboards/db", data=body)
    assert made.ok, await made.text()
    return "/d/herald-names/herald-for-an-older-grafana"


async def take_picture(url: str, user: str, password: str, since: str) -> list[str]:
    """Takes the picture, and returns a line for each panel with an error or without data."""
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


async def run(given: argparse.Namespace) -> list[str]:
    if given.api:
        await play(given.api, given.token, given.sandbox)
        # The planner reads the tables every 10 s, and Prometheus asks every 5 s.
        await asyncio.sleep(20)
    return await take_picture(given.url.rstrip("/"), given.user, given.password, given.since)


def main() -> None:
    parser = argparse.ArgumentParser(description="Take a picture of the dashboard.")
    parser.add_argument("url", help="URL of Grafana, such as http://127.0.0.1:3000")
    parser.add_argument("user")
    parser.add_argument("password")
    parser.add_argument("--api", help="URL of the API of a stack, to play an incident on it first")
    parser.add_argument("--token", help="an admin token of that API")
    parser.add_argument("--sandbox", help="URL of the sandbox of that stack")
    parser.add_argument("--since", default="5m", help="the time range of the dashboard (5m)")
    wrong = asyncio.run(run(parser.parse_args()))
    sys.exit("\n".join(wrong) or None)


if __name__ == "__main__":
    main()
