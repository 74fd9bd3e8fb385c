"""The compose files name existing variables, publish ports only on the loopback, and run every process."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli.commands.processes import PROCESSES
from services.api.settings import DEFAULT_ADMIN_TOKEN
from shared.process import STOP_SECONDS
from tests.unit.deploy import variables
from tests.unit.deploy.manifests import ROOT

MAIN = ROOT / "docker-compose.yml"
PROVIDER, BROKER = ROOT / "docker-compose.override.example.yml", ROOT / "deploy" / "compose" / "external-broker.yml"
FILES = (MAIN, PROVIDER, BROKER)
# Variables that only compose reads, not a process.
OF_COMPOSE = {"HERALD_IMAGE", "HERALD_EXTERNAL_RABBITMQ_URL"}
SECRETS = re.compile(r"\$\{(\w*(?:PASSWORD|TOKEN|SECRET))\b")

every_file = pytest.mark.parametrize("file", FILES, ids=lambda path: path.name)


def services_of(file: Path) -> dict[str, dict[str, Any]]:
    services: dict[str, dict[str, Any]] = yaml.safe_load(file.read_text())["services"]
    return services


def interpolated(text: str) -> set[str]:
    """Returns the variables that compose interpolates, and those that it passes on without a value."""
    return set(re.findall(r"(?<!\$)\$\{(\w+)", text)) | set(re.findall(r"^ +(HERALD_\w+):$", text, re.MULTILINE))


def offered() -> set[str]:
    """Returns the variables that .env.example sets, or shows in a comment."""
    return set(re.findall(r"^#?([A-Z]\w+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))


@every_file
def test_every_variable_is_read_by_a_process_or_by_compose(file: Path) -> None:
    named = set(re.findall(r"\bHERALD_\w+", file.read_text()))
    assert named - variables.known() - OF_COMPOSE == set()


def test_the_example_of_the_environment_is_complete_and_has_nothing_else() -> None:
    arguments = set(services_of(MAIN)["migrate"]["build"]["args"])
    wanted = set().union(*(interpolated(file.read_text()) for file in FILES)) | arguments
    assert offered() == wanted


def test_every_process_runs_with_a_health_check() -> None:
    services = services_of(MAIN)
    for name in PROCESSES:
        assert services[name]["command"] == [name]
        assert "healthcheck" not in services[name], "the health check of the image serves every process"
        assert services[name]["restart"] == "unless-stopped"
        assert services[name]["stop_grace_period"] == f"{STOP_SECONDS + 5}s"
    assert "HEALTHCHECK" in (ROOT / "Dockerfile").read_text()
    assert all("test" in services[name]["healthcheck"] for name in ("postgres", "rabbitmq"))


def test_every_service_is_bounded_and_its_log_as_well() -> None:
    for name, service in services_of(MAIN).items():
        assert "max-size" in service["logging"]["options"], name
        assert {"memory", "pids"} <= set(service["deploy"]["resources"]["limits"]), name


def test_every_process_may_be_scaled() -> None:
    assert all("container_name" not in service for service in services_of(MAIN).values())
    assert "ports" not in services_of(MAIN)["dispatcher"]


def test_two_ports_are_published_on_the_loopback_and_can_be_changed() -> None:
    ports = {name: service["ports"] for name, service in services_of(MAIN).items() if "ports" in service}
    assert ports["api"] == ["127.0.0.1:${HERALD_API_PORT:-8080}:8080"]
    assert ports["rabbitmq"] == ["127.0.0.1:${RABBITMQ_MANAGEMENT_PORT:-15672}:15672"]
    every = [port for published in ports.values() for port in published]
    assert all(re.fullmatch(r"127\.0\.0\.1:\$\{\w+:-\d+\}:\d+", port) for port in every)


def test_the_token_of_a_first_try_is_the_one_that_the_api_warns_of() -> None:
    assert (
        services_of(MAIN)["api"]["environment"]["HERALD_ADMIN_TOKEN"]
        == f"${{HERALD_ADMIN_TOKEN:-{DEFAULT_ADMIN_TOKEN}}}"
    )


def test_with_a_real_provider_no_secret_has_a_default() -> None:
    demanded = set(re.findall(r"\$\{(\w+):\?", PROVIDER.read_text()))
    # The profile of Grafana is meant for a first try and for a private machine.
    secrets = set(SECRETS.findall(MAIN.read_text())) - {"HERALD_SANDBOX_SECRET", "GRAFANA_ADMIN_PASSWORD"}
    assert demanded == secrets | {"HERALD_PROVIDER_URL"}


@pytest.mark.parametrize(("file", "left_out"), [(PROVIDER, "sandbox"), (BROKER, "rabbitmq")])
def test_no_other_service_requires_what_an_override_leaves_out(file: Path, left_out: str) -> None:
    assert services_of(file)[left_out] == {"profiles": ["never"]}
    needing = [
        name
        for name, service in services_of(MAIN).items()
        if service.get("depends_on", {}).get(left_out, {}).get("required", True)
        and left_out in service.get("depends_on", {})
    ]
    assert needing == []


def test_the_bench_waits_for_the_stack_and_runs_only_when_asked_for() -> None:
    bench = services_of(MAIN)["bench"]
    assert bench["profiles"] == ["bench"]
    assert bench["entrypoint"][-2:] == ["bench", "--running"]
    assert all(each["condition"] == "service_healthy" for each in bench["depends_on"].values())


@pytest.mark.parametrize(
    ("token", "shown"),
    [("", DEFAULT_ADMIN_TOKEN), ("that of HERALD_ADMIN_TOKEN in .env", "that of HERALD_ADMIN_TOKEN in .env")],
)
def test_the_last_lines_say_where_everything_is_and_show_no_secret(token: str, shown: str) -> None:
    ready = services_of(MAIN)["ready"]
    assert set(ready["depends_on"]) == {"api", "planner", "dispatcher", "reporter"}
    # ${NAME:+words} stands for the words, and never for the value of the variable.
    assert ready["environment"]["SHOWN"].startswith("${HERALD_ADMIN_TOKEN:+")
    env = {"API_PORT": "8080", "MANAGEMENT_PORT": "15672", "SHOWN": token}
    script = ready["command"][0].replace("$$", "$")
    done = subprocess.run([*ready["entrypoint"], script], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[1:4] == [
        "console  http://127.0.0.1:8080/",
        "API      http://127.0.0.1:8080/api/v1",
        f"token    {shown}",
    ]
