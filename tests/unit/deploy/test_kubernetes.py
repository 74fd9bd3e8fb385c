"""The manifests are valid and consistent, and every process can load its settings."""

import json
import re
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from cli.commands.processes import PROCESSES as COMMANDS
from shared import settings
from shared.process import STOP_SECONDS
from tests.support.monitoring import kubernetes_rules
from tests.unit.deploy import variables
from tests.unit.deploy.manifests import (
    FOLDER,
    OVERLAYS,
    ROOT,
    Manifest,
    container_of,
    environment_of,
    labels_of,
    matches,
    named,
    of_kind,
    processes,
    render,
    workloads,
)

# The oldest version that is still in wide use, and the newest with schemas.
VERSIONS = ("1.29", kubernetes_validate.latest_version().rpartition(".")[0])
OWN_KINDS = ("ScaledObject", "TriggerAuthentication")
OUTSIDERS = frozenset({"postgres", "rabbitmq"})

every_overlay = pytest.mark.parametrize("overlay", OVERLAYS)


def problems(manifest: Manifest, version: str) -> str:
    try:
        kubernetes_validate.validate(manifest, version, strict=True)
    except kubernetes_validate.ValidationError as error:
        return f"{manifest['kind']} {manifest['metadata']['name']}: {error.message}"
    return ""


@every_overlay
@pytest.mark.parametrize("version", VERSIONS)
def test_every_manifest_is_valid(overlay: str, version: str) -> None:
    assert [text for each in render(overlay) if (text := problems(each, version))] == []


@pytest.mark.parametrize("file", sorted((FOLDER / "base").glob("*.yaml")), ids=lambda path: path.name)
def test_the_files_of_the_base_are_valid_without_kustomize(file: Path) -> None:
    documents = [each for each in yaml.safe_load_all(file.read_text()) if each["kind"] != "Kustomization"]
    assert [text for each in documents if (text := problems(each, VERSIONS[-1]))] == []


def test_an_unknown_field_would_be_found() -> None:
    manifest = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "x"}, "spec": {"prots": []}}
    assert "prots" in problems(manifest, VERSIONS[-1])


@every_overlay
def test_all_processes_are_there(overlay: str) -> None:
    wanted = set(COMMANDS) - (set() if overlay == "dev" else {"sandbox"})
    found = processes(render(overlay))
    assert set(found) == wanted
    assert all(container_of(each)["args"] == [name] for name, each in found.items())


@every_overlay
def test_every_process_can_load_its_settings(overlay: str, monkeypatch: pytest.MonkeyPatch) -> None:
    manifests = render(overlay)
    for name, workload in processes(manifests).items():
        with monkeypatch.context() as patch:
            for variable, value in environment_of(manifests, workload).items():
                patch.setenv(variable, value)
            settings.load(variables.PROCESSES[name])


@every_overlay
def test_every_variable_is_read_by_a_process(overlay: str) -> None:
    manifests = render(overlay)
    named_variables = {
        variable
        for workload in workloads(manifests)
        if not OUTSIDERS & set(labels_of(workload).values())
        for variable in environment_of(manifests, workload)
    }
    assert named_variables - variables.known() == set()


@every_overlay
def test_a_process_gets_its_own_secrets_only(overlay: str) -> None:
    manifests = render(overlay)
    users = {
        name: environment_of(manifests, workload)["HERALD_RABBITMQ_URL"].partition("://")[2].partition(":")[0]
        for name, workload in processes(manifests).items()
        if name != "sandbox"
    }
    assert users == {name: name for name in users}
    holders = [
        name for name, each in processes(manifests).items() if "HERALD_ADMIN_TOKEN" in environment_of(manifests, each)
    ]
    assert holders == ["api"]


@every_overlay
def test_every_process_has_probes_on_the_ops_port(overlay: str) -> None:
    for name, workload in processes(render(overlay)).items():
        container = container_of(workload)
        assert {"name": "ops", "containerPort": 9100} in [
            {key: port[key] for key in ("name", "containerPort")} for port in container["ports"]
        ]
        paths = {
            kind: container[f"{kind}Probe"]["httpGet"]["path"].partition("?")[0]
            for kind in ("startup", "liveness", "readiness")
        }
        assert paths == {"startup": "/livez", "liveness": "/livez", "readiness": "/readyz"}, name
        assert {container[f"{kind}Probe"]["httpGet"]["port"] for kind in paths} == {"ops"}


def test_the_port_of_the_probes_is_that_of_the_image() -> None:
    assert "HERALD_OPS_PORT=9100" in (ROOT / "Dockerfile").read_text()


@every_overlay
def test_a_process_has_the_time_that_it_takes_to_stop(overlay: str) -> None:
    for workload in processes(render(overlay)).values():
        assert workload["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] >= STOP_SECONDS + 5


@every_overlay
def test_pods_have_no_rights_that_they_do_not_need(overlay: str) -> None:
    for workload in workloads(render(overlay)):
        pod, container = workload["spec"]["template"]["spec"], container_of(workload)
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] > 0
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        own = container["securityContext"]
        assert own["allowPrivilegeEscalation"] is False
        assert own["capabilities"] == {"drop": ["ALL"]}
        assert own.get("readOnlyRootFilesystem") is True or container["name"] == "rabbitmq"
        assert {"cpu", "memory"} <= set(container["resources"]["requests"])
        # A quota of processor time would stop a process in the middle of requests.
        assert set(container["resources"]["limits"]) == {"memory"}


@every_overlay
def test_every_selector_finds_pods(overlay: str) -> None:
    manifests = render(overlay)
    pods = [labels_of(each) for each in workloads(manifests)]
    for service in of_kind(manifests, "Service"):
        assert any(matches({"matchLabels": service["spec"]["selector"]}, pod) for pod in pods), service["metadata"]
    for each in of_kind(manifests, "PodDisruptionBudget"):
        assert any(matches(each["spec"]["selector"], pod) for pod in pods), each["metadata"]
    for each in of_kind(manifests, "NetworkPolicy"):
        assert any(matches(each["spec"]["podSelector"], pod) for pod in pods), each["metadata"]
    for each in of_kind(manifests, "Deployment", "StatefulSet"):
        assert matches(each["spec"]["selector"], labels_of(each)), each["metadata"]


@every_overlay
def test_ports_are_referred_to_by_existing_names(overlay: str) -> None:
    manifests = render(overlay)
    for service in of_kind(manifests, "Service"):
        (workload,) = [
            each
            for each in workloads(manifests)
            if matches({"matchLabels": service["spec"]["selector"]}, labels_of(each))
        ]
        known = {port["name"] for port in container_of(workload)["ports"]}
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= known
    (ingress,) = of_kind(manifests, "Ingress")
    backend = ingress["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]
    ports = named(manifests, "Service", backend["name"])["spec"]["ports"]
    assert backend["port"]["name"] in {port["name"] for port in ports}


@every_overlay
def test_every_process_but_the_sandbox_may_lose_one_pod_at_a_time(overlay: str) -> None:
    manifests = render(overlay)
    budgets = of_kind(manifests, "PodDisruptionBudget")
    for name, workload in processes(manifests).items():
        covered = [each for each in budgets if matches(each["spec"]["selector"], labels_of(workload))]
        assert len(covered) == (name != "sandbox")
        assert all(each["spec"]["maxUnavailable"] == 1 for each in covered)


@every_overlay
def test_the_autoscaler_has_the_api_to_itself(overlay: str) -> None:
    manifests = render(overlay)
    (scaler,) = of_kind(manifests, "HorizontalPodAutoscaler")
    target = named(manifests, "Deployment", scaler["spec"]["scaleTargetRef"]["name"])
    assert "replicas" not in target["spec"], "every apply would reset the number of pods"
    assert scaler["spec"]["minReplicas"] >= 2


@every_overlay
def test_herald_has_one_image_and_its_jobs_are_named_by_its_tag(overlay: str) -> None:
    manifests = render(overlay)
    own = [each for each in workloads(manifests) if not OUTSIDERS & set(labels_of(each).values())]
    images = {container_of(each)["image"] for each in own}
    assert len(images) == 1
    tag = images.pop().rpartition(":")[2]
    jobs = {each["metadata"]["name"] for each in of_kind(manifests, "Job")}
    assert jobs == {f"herald-migrate-{tag}", f"herald-topology-{tag}"}


def test_the_operator_scrapes_the_pods_under_the_names_that_the_rules_use() -> None:
    manifests = render("production", components=True)
    (monitor,) = of_kind(manifests, "PodMonitor")
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    found = {
        name for name, each in processes(manifests).items() if matches(monitor["spec"]["selector"], labels_of(each))
    }
    assert found == {"api", "planner", "dispatcher", "reporter"}
    for each in processes(manifests).values():
        assert endpoint["port"] in {port["name"] for port in container_of(each)["ports"]}
    renamed = {relabel.get("targetLabel"): relabel.get("replacement") for relabel in endpoint["relabelings"]}
    assert renamed["job"] == "herald"
    assert "process" in renamed


def test_the_rules_of_kubernetes_are_those_of_prometheus() -> None:
    (rule,) = of_kind(render("production", components=True), "PrometheusRule")
    assert rule["spec"] == kubernetes_rules.prometheus_rule()["spec"], "run `make rules`"


def test_keda_counts_what_is_unsent_and_has_the_dispatcher_to_itself() -> None:
    manifests = render("production", components=True)
    assert "replicas" not in named(manifests, "Deployment", "herald-dispatcher")["spec"]
    scaled, authentication = (of_kind(manifests, kind)[0] for kind in OWN_KINDS)
    assert scaled["spec"]["scaleTargetRef"]["name"] == "herald-dispatcher"
    reference: dict[str, Any] = authentication["spec"]["secretTargetRef"][0]
    assert reference["key"] in named(manifests, "Secret", reference["name"])["data"]


def test_no_real_secret_is_committed() -> None:
    example = "\n".join(path.read_text() for path in (FOLDER / "overlays/production/secrets.example").glob("*.env"))
    passwords = set(re.findall(r"://[^:]+:([^@]+)@", example)) | set(re.findall(r"_TOKEN=(.*)", example))
    assert passwords == {"PASSWORD", "TOKEN"}
    assert (FOLDER / "overlays/production/.gitignore").read_text() == "secrets/\n"


def test_rabbitmq_has_the_users_and_the_settings_that_it_has_in_compose() -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    content = compose["services"]["rabbitmq"]["environment"]["BROKER_DEFINITIONS"]
    defaults = re.sub(r"\$\{[A-Z_]+:-([^}]*)\}", r"\1", content).replace("$$", "$")
    dev = FOLDER / "overlays" / "dev"
    assert json.loads((dev / "definitions.json").read_text()) == json.loads(defaults)
    assert (dev / "herald.conf").read_text() == (ROOT / "deploy/rabbitmq/herald.conf").read_text()


def test_postgres_gives_herald_a_role_of_its_own_as_in_compose() -> None:
    dev = FOLDER / "overlays" / "dev"
    assert (dev / "role.sql").read_text() == (ROOT / "deploy/postgres/role.sql").read_text()
    manifests = render("dev")
    (workload,) = [each for each in of_kind(manifests, "StatefulSet") if each["metadata"]["name"] == "postgres"]
    assert {"name": "POSTGRES_USER", "value": "postgres"} in container_of(workload)["env"]


def test_in_production_every_connection_is_verified() -> None:
    manifests = render("production")
    for name, workload in processes(manifests).items():
        environment = environment_of(manifests, workload)
        assert "HERALD_INSECURE_TRANSPORT" not in environment, name
        assert environment["HERALD_DATABASE_URL"].endswith("?sslmode=verify-full")
        assert "amqp://" not in environment["HERALD_RABBITMQ_URL"]
