"""Grafana's dashboard queries existing metrics, and its panels do not overlap."""

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.monitoring.metrics_table import ROOT, documented_series, read_table, series_in
from tests.support.monitoring.promtool import promtool

FOLDER = ROOT / "deploy" / "grafana"
DASHBOARD: dict[str, Any] = json.loads((FOLDER / "dashboards" / "herald.json").read_text(encoding="utf-8"))
PANELS: list[dict[str, Any]] = DASHBOARD["panels"]
QUERIES = [(panel["title"], target["expr"]) for panel in PANELS for target in panel.get("targets", [])]
GRID_WIDTH = 24
SOURCE = {"type": "prometheus", "uid": "${datasource}"}


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def test_panels_have_ids_of_their_own_and_a_title() -> None:
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
    assert all(panel["title"] for panel in PANELS)


def test_panels_stay_on_the_grid_and_do_not_overlap() -> None:
    places = [panel["gridPos"] for panel in PANELS]
    assert all(place["x"] >= 0 and place["x"] + place["w"] <= GRID_WIDTH for place in places)
    for one, other in itertools.combinations(places, 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        below = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or below, (one, other)


def test_every_panel_asks_the_chosen_prometheus_with_queries_of_their_own_names() -> None:
    for panel in PANELS:
        if panel["type"] == "row":
            continue
        names = [target["refId"] for target in panel["targets"]]
        assert len(set(names)) == len(names) > 0, panel["title"]
        assert [panel["datasource"], *(target["datasource"] for target in panel["targets"])] == [SOURCE] * (
            len(names) + 1
        )
    [variable] = DASHBOARD["templating"]["list"]
    assert (variable["name"], variable["type"], variable["query"]) == ("datasource", "datasource", "prometheus")


@pytest.mark.parametrize(("title", "expr"), QUERIES)
def test_a_query_reads_metrics_that_are_documented(title: str, expr: str) -> None:
    assert series_in(expr) - documented_series() == set(), title


def test_every_metric_is_somewhere_on_the_dashboard() -> None:
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
