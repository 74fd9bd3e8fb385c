"""Writes the rules of Prometheus as a PrometheusRule: `make rules` after a change of deploy/prometheus/rules."""

from typing import Any

import yaml

from tests.support.monitoring.metrics_table import ROOT

SOURCES = sorted((ROOT / "deploy" / "prometheus" / "rules").glob("*.yml"))
TARGET = ROOT / "deploy" / "kubernetes" / "components" / "monitoring" / "rules.yaml"
HEAD = "# Written by `make rules` from deploy/prometheus/rules, and not to be edited.\n"


def prometheus_rule() -> dict[str, Any]:
    """Returns the manifest with all groups of all files."""
    groups = [group for path in SOURCES for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]]
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "herald", "labels": {"app.kubernetes.io/name": "herald"}},
        "spec": {"groups": groups},
    }


if __name__ == "__main__":
    TARGET.write_text(HEAD + yaml.safe_dump(prometheus_rule(), sort_keys=False, width=120), encoding="utf-8")
