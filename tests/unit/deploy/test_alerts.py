"""The alert rules are valid, are tested to fire and to keep quiet, and have a section in the runbook."""

import functools
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli.settings import StackFolder
from tests.support.monitoring.metrics_table import ROOT, documented_series, series_in
from tests.support.monitoring.promtool import promtool

FOLDER = ROOT / "deploy" / "prometheus"
RULES = sorted((FOLDER / "rules").glob("*.yml"))
TESTS = sorted((FOLDER / "tests").glob("*.yml"))
CALM_STORIES = ("all is well", "an hour in which all is well")
RUNBOOK = ROOT / "docs" / "operations.md"
RECORD = re.compile(r"\bherald:[a-z_]+:?\w*")


@functools.cache
def read(path: Path) -> Any:
    # A file of rules is read in a dozen tests, and PyYAML's parser in Python takes a tenth of a second for it.
    return yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)


ALL_RULES: list[dict[str, Any]] = [rule for path in RULES for group in read(path)["groups"] for rule in group["rules"]]
ALERTS = [rule for rule in ALL_RULES if "alert" in rule]
NAMES = [alert["alert"] for alert in ALERTS]


def expectations(path: Path) -> list[dict[str, Any]]:
    return [expected for test in read(path)["tests"] for expected in test["alert_rule_test"]]


def calm_expectations() -> list[dict[str, Any]]:
    stories = [story for path in TESTS for story in read(path)["tests"] if story.get("name") in CALM_STORIES]
    assert len(stories) == len(CALM_STORIES)
    return [expected for story in stories for expected in story["alert_rule_test"]]


def sections() -> set[str]:
    """Returns the anchors of the runbook, as GitHub and GitLab derive them from headings."""
    headings = re.findall(r"^#+ (.+)$", RUNBOOK.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_promtool_accepts_the_rules() -> None:
    promtool("check", "rules", *RULES)


@pytest.mark.parametrize("config", ["prometheus.yml", "native.yml"])
def test_promtool_accepts_the_configurations(config: str) -> None:
    promtool("check", "config", FOLDER / config)


def test_prometheus_reads_what_a_stack_on_this_machine_writes() -> None:
    (job,) = read(FOLDER / "native.yml")["scrape_configs"]
    ((path,),) = (found["files"] for found in job["file_sd_configs"])
    assert (FOLDER / path).resolve() == (FOLDER.parents[1] / StackFolder().targets).resolve()


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.stem)
def test_alerts_fire_when_they_must_and_only_then(path: Path) -> None:
    promtool("test", "rules", path)


@pytest.mark.parametrize("alert", ALERTS, ids=NAMES)
def test_an_alert_has_a_severity_a_description_and_a_section_of_the_runbook(alert: dict[str, Any]) -> None:
    assert alert["labels"]["severity"] in {"critical", "warning"}
    assert all(alert["annotations"][name] for name in ("summary", "description"))
    page, _, anchor = alert["annotations"]["runbook_url"].partition("#")
    assert (page, anchor) == ("docs/operations.md", alert["alert"].lower())
    assert anchor in sections()


def test_a_rule_reads_metrics_that_are_documented() -> None:
    read_by = {rule.get("alert", rule.get("record")): series_in(rule["expr"]) for rule in ALL_RULES}
    assert {
        name: series - documented_series() for name, series in read_by.items() if series - documented_series()
    } == {}


def test_an_alert_reads_records_that_there_are() -> None:
    recorded = {rule["record"] for rule in ALL_RULES if "record" in rule}
    assert {name for alert in ALERTS for name in RECORD.findall(alert["expr"])} <= recorded


@pytest.mark.parametrize("name", NAMES)
def test_an_alert_has_a_test_in_which_it_fires_and_one_in_which_it_does_not(name: str) -> None:
    expected = [one for path in TESTS for one in expectations(path) if one["alertname"] == name]
    assert any(one["exp_alerts"] for one in expected)
    assert any(not one["exp_alerts"] for one in calm_expectations() if one["alertname"] == name)


def test_the_calm_hour_is_calm() -> None:
    assert [one for one in calm_expectations() if one["exp_alerts"]] == []


def test_alerts_have_names_of_their_own() -> None:
    assert len(set(NAMES)) == len(NAMES) > 10
