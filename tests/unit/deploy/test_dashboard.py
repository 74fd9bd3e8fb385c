"""Grafana's dashboard queries existing metrics, and its panels do not overlap."""

import itertools
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.monitoring.metrics_table import ROOT, documented_series, read_table, series_in
from tests.support.monitoring.promtool import promtool

FOLDER = ROOT / "deploy" / "grafana"
DASHBOARDS: dict[str, dict[str, Any]] = {
    path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted((FOLDER / "dashboards").glob("*.json"))
}
QUERIES = [
    (f"{name}: {panel['title']}", target["expr"])
    for name, dashboard in DASHBOARDS.items()
    for panel in dashboard["panels"]
    for target in panel.get("targets", [])
]
RULES = ROOT / "deploy" / "prometheus" / "rules"
RECORD = re.compile(r"\bherald:[a-z_]+:?\w*")
GRID_WIDTH = 24
SOURCE = {"type": "prometheus", "uid": "${datasource}"}


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


every_dashboard = pytest.mark.parametrize("name", DASHBOARDS)


@every_dashboard
def test_panels_have_ids_of_their_own_and_a_title(name: str) -> None:
    panels = DASHBOARDS[name]["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert all(panel["title"] for panel in panels)


def test_dashboards_have_ids_of_their_own() -> None:
    assert {name: dashboard["uid"] for name, dashboard in DASHBOARDS.items()} == {name: name for name in DASHBOARDS}


@every_dashboard
def test_panels_stay_on_the_grid_and_do_not_overlap(name: str) -> None:
    places = [panel["gridPos"] for panel in DASHBOARDS[name]["panels"]]
    assert all(place["x"] >= 0 and place["x"] + place["w"] <= GRID_WIDTH for place in places)
    for one, other in itertools.combinations(places, 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        below = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or below, (one, other)


@every_dashboard
def test_every_panel_asks_the_chosen_prometheus_with_queries_of_their_own_names(name: str) -> None:
    for panel in DASHBOARDS[name]["panels"]:
        if panel["type"] == "row":
            continue
        names = [target["refId"] for target in panel["targets"]]
        assert len(set(names)) == len(names) > 0, panel["title"]
        assert [panel["datasource"], *(target["datasource"] for target in panel["targets"])] == [SOURCE] * (
            len(names) + 1
        )
    [variable] = DASHBOARDS[name]["templating"]["list"]
    assert (variable["name"], variable["type"], variable["query"]) == ("datasource", "datasource", "prometheus")


@pytest.mark.parametrize(("title", "expr"), QUERIES)
def test_a_query_reads_metrics_that_are_documented(title: str, expr: str) -> None:
    assert series_in(expr) - documented_series() == set(), title
    recorded = {found for path in RULES.glob("*.yml") for found in RECORD.findall(path.read_text(encoding="utf-8"))}
    assert set(RECORD.findall(expr)) <= recorded, title


def test_every_metric_is_somewhere_on_a_dashboard() -> None:
    shown = {name for _, expr in QUERIES for name in series_in(expr)}
    unseen = [row.metric.name for row in read_table() if not any(name.startswith(row.metric.name) for name in shown)]
    assert unseen == []


def test_promtool_accepts_every_query(tmp_path: Path) -> None:
    rules = [
        {"record": f"query:{place}", "expr": expr.replace("$__rate_interval", "1m")}
        for place, (_, expr) in enumerate(QUERIES)
    ]
    path = tmp_path / "queries.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}), encoding="utf-8")
    assert f"{len(QUERIES)} rules found" in promtool("check", "rules", path)


def test_grafana_is_given_the_dashboard_and_the_prometheus_of_the_compose_file() -> None:
    services = read(ROOT / "docker-compose.yml")["services"]
    mounts = dict(mount.split(":")[:2] for mount in services["grafana"]["volumes"])
    [provider] = read(FOLDER / "provisioning" / "dashboards" / "herald.yml")["providers"]
    assert mounts["./deploy/grafana/dashboards"] == provider["options"]["path"]
    assert mounts["./deploy/grafana/provisioning"] == "/etc/grafana/provisioning"
    [source] = read(FOLDER / "provisioning" / "datasources" / "prometheus.yml")["datasources"]
    assert source["url"] == "http://prometheus:9090"
    assert "prometheus" in services


def test_prometheus_asks_the_processes_of_the_compose_file() -> None:
    services = read(ROOT / "docker-compose.yml")["services"]
    jobs = {job["job_name"]: job for job in read(ROOT / "deploy" / "prometheus" / "prometheus.yml")["scrape_configs"]}
    [found] = jobs["herald"]["dns_sd_configs"]
    assert {process for row in read_table() for process in row.processes} == set(found["names"])
    assert set(found["names"]) <= set(services)
    assert "./deploy/prometheus:/etc/prometheus:ro" in services["prometheus"]["volumes"]


@pytest.mark.parametrize("name", ["prometheus", "grafana"])
def test_what_watches_is_only_there_when_asked_for_and_only_for_this_machine(name: str) -> None:
    service = read(ROOT / "docker-compose.yml")["services"][name]
    assert service["profiles"] == ["observability"]
    assert all(port.startswith("127.0.0.1:${") for port in service["ports"])
    assert service["read_only"]
    assert {"healthcheck", "logging", "restart"} <= set(service)
