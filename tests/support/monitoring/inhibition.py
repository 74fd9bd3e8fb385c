"""Which alerts reach somebody, by the inhibit rules of deploy/prometheus/alertmanager.yml."""

import re
from collections.abc import Set
from typing import Any

import yaml

from tests.support.monitoring.metrics_table import ROOT

CONFIG = ROOT / "deploy" / "prometheus" / "alertmanager.yml"
RULES: list[dict[str, Any]] = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))["inhibit_rules"]
MATCHER = re.compile(r"alertname (=|=~) \"([A-Za-z|]+)\"")


def names(matchers: list[str]) -> set[str]:
    """Returns the alerts that the one matcher of a rule's side names."""
    [matcher] = matchers
    found = MATCHER.fullmatch(matcher)
    assert found, matcher
    return set(found[2].split("|"))


def paged(firing: Set[str]) -> set[str]:
    """Returns which of these alerts reach somebody while all of them fire."""
    silenced = set[str]()
    for rule in RULES:
        if firing & names(rule["source_matchers"]):
            silenced |= names(rule["target_matchers"]) - names(rule["source_matchers"])
    return set(firing) - silenced
