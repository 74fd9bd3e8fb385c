"""Runs a Prometheus that scrapes the processes of a stack. Tests are skipped if it is not installed."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from cli.native import child
from tests.support.monitoring.metrics_table import ROOT
from tests.support.polling import until

RULES = ROOT / "deploy" / "prometheus" / "rules" / "*.yml"


class Prometheus:
    """A running Prometheus that answers queries."""

    def __init__(self, session: aiohttp.ClientSession, url: str, targets: Path) -> None:
        self._session = session
        self._targets = targets
        self.url = url

    async def scrape(self, targets: Mapping[str, str]) -> None:
        """Has it scrape these processes from now on, and no others."""
        await asyncio.to_thread(_write_targets, self._targets, targets)

    async def scraped(self, number: int) -> bool:
        """Returns whether it has scraped so many processes: what a counter counts after that, it sees."""
        async with self._session.get(f"{self.url}/api/v1/query", params={"query": "count(up == 1)"}) as reply:
            body: dict[str, Any] = await reply.json()
        return [one["value"][1] for one in body["data"]["result"]] == [str(number)]

    async def ready(self) -> bool:
        try:
            async with self._session.get(f"{self.url}/-/ready") as reply:
                return reply.status == 200
        except aiohttp.ClientError:
            return False

    async def firing(self) -> set[str]:
        """Returns the names of the alerts that fire."""
        async with self._session.get(f"{self.url}/api/v1/alerts") as reply:
            body: dict[str, Any] = await reply.json()
        return {one["labels"]["alertname"] for one in body["data"]["alerts"] if one["state"] == "firing"}

    async def series(self, query: str, since: float, until: float) -> list[list[float]]:
        """Returns the values of each series between two moments in epoch seconds, without NaN."""
        params = {"query": query, "start": str(since), "end": str(until), "step": "2"}
        async with self._session.get(f"{self.url}/api/v1/query_range", params=params) as reply:
            body: dict[str, Any] = await reply.json()
        assert body["status"] == "success", (query, body)
        found = [[float(value) for _, value in one["values"] if value != "NaN"] for one in body["data"]["result"]]
        return [values for values in found if values]


def _write_targets(file: Path, targets: Mapping[str, str]) -> None:
    """Writes which processes are scraped, by name: `dispatcher-2` is a dispatcher."""
    jobs = [{"targets": [address], "labels": {"process": name.partition("-")[0]}} for name, address in targets.items()]
    new = file.with_suffix(".new")
    new.write_text(json.dumps(jobs), encoding="utf-8")
    new.replace(file)


def _config(targets: Path, rules: Path) -> str:
    """Returns a configuration that scrapes each process at its address every two seconds."""
    found = [{"files": [str(targets)], "refresh_interval": "1s"}]
    text: str = yaml.safe_dump(
        {
            "global": {"scrape_interval": "2s", "scrape_timeout": "2s", "evaluation_interval": "1s"},
            "rule_files": [str(rules)],
            "scrape_configs": [{"job_name": "herald", "file_sd_configs": found}],
        }
    )
    return text


@asynccontextmanager
async def open_prometheus(
    targets: Mapping[str, str], folder: Path, port: int, rules: Path = RULES
) -> AsyncIterator[Prometheus]:
    """Runs Prometheus while the block runs. `targets` maps processes to host:port; `rules` are files, as a pattern."""
    program = shutil.which("prometheus")
    if program is None:
        pytest.skip("Prometheus is not installed: apt-get install prometheus")
    config, scraped = folder / "prometheus.yml", folder / "targets.json"
    await asyncio.to_thread(_write_targets, scraped, targets)
    await asyncio.to_thread(config.write_text, _config(scraped, rules), encoding="utf-8")
    command = [
        program,
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'series'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with (folder / "prometheus.log").open("ab") as output:
        process = await child.start(command, output=output, env={})
    try:
        async with aiohttp.ClientSession() as session:
            found = Prometheus(session, f"http://127.0.0.1:{port}", scraped)
            await until(found.ready, 30, "Prometheus is ready")
            yield found
    finally:
        await child.stop(process)
