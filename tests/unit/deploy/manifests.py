"""Renders the Kubernetes manifests, and finds parts of them."""

import base64
import functools
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "deploy" / "kubernetes"
OVERLAYS = ("dev", "production")
COMPONENTS = "components:\n  - ../../components/keda\n  - ../../components/monitoring\n"
NAME, COMPONENT = "app.kubernetes.io/name", "app.kubernetes.io/component"

Manifest = dict[str, Any]


@functools.cache
def render(overlay: str, *, components: bool = False) -> list[Manifest]:
    """Renders an overlay, with the example secrets if it needs secrets. Skips the test without kubectl."""
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed, and kustomize is in it")
    with tempfile.TemporaryDirectory() as temporary:
        copy = Path(temporary) / "kubernetes"
        shutil.copytree(FOLDER, copy, ignore=shutil.ignore_patterns("secrets"))
        target = copy / "overlays" / overlay
        if (target / "secrets.example").exists():
            shutil.copytree(target / "secrets.example", target / "secrets")
        if components:
            file = target / "kustomization.yaml"
            # As its comments describe: with KEDA, and without a number of dispatchers.
            lines = [line for line in file.read_text().splitlines() if "herald-dispatcher, count" not in line]
            file.write_text("\n".join(line for line in lines if line != "replicas:") + "\n" + COMPONENTS)
        done = subprocess.run(["kubectl", "kustomize", target], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return [document for document in yaml.load_all(done.stdout, Loader=yaml.CSafeLoader) if document]


def of_kind(manifests: list[Manifest], *kinds: str) -> list[Manifest]:
    return [manifest for manifest in manifests if manifest["kind"] in kinds]


def named(manifests: list[Manifest], kind: str, name: str) -> Manifest:
    (found,) = [each for each in of_kind(manifests, kind) if each["metadata"]["name"] == name]
    return found


def workloads(manifests: list[Manifest]) -> list[Manifest]:
    """Returns every manifest with pods."""
    return of_kind(manifests, "Deployment", "StatefulSet", "Job")


def processes(manifests: list[Manifest]) -> dict[str, Manifest]:
    """Returns the manifests of Herald's own processes by name."""
    return {each["metadata"]["labels"][COMPONENT]: each for each in of_kind(manifests, "Deployment")}


def labels_of(workload: Manifest) -> dict[str, str]:
    """Returns the labels of a workload's pods."""
    labels: dict[str, str] = workload["spec"]["template"]["metadata"]["labels"]
    return labels


def container_of(workload: Manifest) -> dict[str, Any]:
    (container,) = workload["spec"]["template"]["spec"]["containers"]
    assert isinstance(container, dict)
    return container


def matches(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    """Returns whether a label selector selects these labels. An empty one selects all."""
    exact = all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items())
    return exact and all(_holds(each, labels) for each in selector.get("matchExpressions", []))


def _holds(expression: dict[str, Any], labels: dict[str, str]) -> bool:
    assert expression["operator"] == "In", "only In is used here"
    return labels.get(expression["key"]) in expression["values"]


def environment_of(manifests: list[Manifest], workload: Manifest) -> dict[str, str]:
    """Returns the environment of a workload's container, from its config maps and secrets."""
    found: dict[str, str] = {}
    for source in container_of(workload).get("envFrom", []):
        if "configMapRef" in source:
            found |= named(manifests, "ConfigMap", source["configMapRef"]["name"])["data"]
        else:
            secret = named(manifests, "Secret", source["secretRef"]["name"])
            found |= {key: base64.b64decode(value).decode() for key, value in secret["data"].items()}
    return found
