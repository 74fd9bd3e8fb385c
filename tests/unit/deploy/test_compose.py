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
from shared.transport import VARIABLE
from tests.unit.deploy import variables
from tests.unit.deploy.manifests import ROOT

MAIN = ROOT / "docker-compose.yml"
PROVIDER, BROKER = ROOT / "docker-compose.override.example.yml", ROOT / "deploy" / "compose" / "external-broker.yml"
FILES = (MAIN, PROVIDER, BROKER)
# Variables that only compose reads, not a process.
OF_COMPOSE = {"HERALD_IMAGE", "HERALD_EXTERNAL_RABBITMQ_URL", "HERALD_PUBLISH_ADDRESS", "HERALD_DATABASE_PASSWORD"}
SECRETS = re.compile(r"\$\{(\w*(?:PASSWORD|TOKEN|SECRET|KEY))\b")

every_file = pytest.mark.parametrize("file", FILES, ids=lambda path: path.name)


def services_of(file: Path) -> dict[str, dict[str, Any]]:
    services: dict[str, dict[str, Any]] = yaml.safe_load(file.read_text())["services"]
    return services


def interpolated(text: str) -> set[str]:
    """Returns the variables that compose interpolates, and those that it passes on without a value."""
    return set(re.findall(r"(?<!\$)\$\{(\w+)", text)) | set(
        re.findall(r"^ +((?:HERALD|OTEL)_\w+):$", text, re.MULTILINE)
    )


def offered() -> set[str]:
    """Returns the variables that .env.example sets, or shows in a comment."""
    return set(re.findall(r"^#?([A-Z]\w+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))


@every_file
def test_every_variable_is_read_by_a_process_or_by_compose(file: Path) -> None:
    named = set(re.findall(r"\bHERALD_\w+", file.read_text()))
    assert named - variables.known() - OF_COMPOSE == set()


def test_the_example_of_the_environment_is_complete_and_has_nothing_else() -> None:
    arguments = set(services_of(MAIN)["check-secrets"]["build"]["args"])
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


def test_ports_are_published_on_the_loopback_and_can_be_changed_and_only_the_api_elsewhere() -> None:
    ports = {name: service["ports"] for name, service in services_of(MAIN).items() if "ports" in service}
    assert ports.pop("api") == ["${HERALD_PUBLISH_ADDRESS:-127.0.0.1}:${HERALD_API_PORT:-8080}:8080"]
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


def test_every_container_is_hardened() -> None:
    for name, service in services_of(MAIN).items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
    # The others have a user in their image.
    assert {name: services_of(MAIN)[name]["user"] for name in ("postgres", "rabbitmq")} == {
        "postgres": "postgres",
        "rabbitmq": "rabbitmq",
    }


def test_every_public_image_has_its_digest_in_a_file() -> None:
    def public(file: Path) -> dict[str, str]:
        images = {name: service.get("image", "herald") for name, service in services_of(file).items()}
        return {name: image for name, image in images.items() if "herald" not in image.lower()}

    pinned = public(ROOT / "deploy" / "compose" / "digests.yml")
    assert pinned.keys() == public(MAIN).keys()
    for name, image in public(MAIN).items():
        # A tag of the same line of versions, and its digest.
        repository, tag = image.split(":")
        assert re.fullmatch(rf"{repository}:{tag.split('-')[0]}[\w.-]*@sha256:[0-9a-f]{{64}}", pinned[name])


def test_herald_is_not_the_superuser_of_its_database() -> None:
    postgres = services_of(MAIN)["postgres"]
    assert postgres["environment"]["POSTGRES_USER"] == "postgres"
    url = services_of(MAIN)["api"]["environment"]["HERALD_DATABASE_URL"]
    assert url.startswith("postgresql://herald:${POSTGRES_PASSWORD:-")
    assert postgres["environment"]["HERALD_DATABASE_PASSWORD"] == "${POSTGRES_PASSWORD:-herald-first-try}"
    assert "./deploy/postgres/role.sql:/docker-entrypoint-initdb.d/10-role.sql:ro" in postgres["volumes"]


def allowed_by(file: Path) -> dict[str, set[str]]:
    """Returns the peers to which each service may do without TLS, where a file says so."""
    environments = {name: service.get("environment", {}) for name, service in services_of(file).items()}
    named = {name: each[VARIABLE] for name, each in environments.items() if VARIABLE in each}
    return {name: set(value.split(",")) for name, value in named.items()}


def test_a_process_may_do_without_tls_only_to_the_services_of_the_file() -> None:
    both = {"database", "broker"}
    assert allowed_by(MAIN) == {
        "migrate": {"database"},
        "topology": {"broker"},
        "api": both,
        "planner": both,
        "reporter": both,
        "dispatcher": both | {"provider"},
        "bench": {"api"},
    }
    assert allowed_by(PROVIDER) == {"dispatcher": both}
    assert services_of(BROKER)["api"]["environment"][VARIABLE] == "${HERALD_INSECURE_TRANSPORT:-database,provider}"


def own_secrets() -> dict[str, str]:
    secrets = services_of(MAIN)["check-secrets"]["environment"]
    names = {name for name in secrets if name.endswith(("PASSWORD", "TOKEN", "KEY"))}
    return dict.fromkeys(names, "of-my-own")


def check_secrets(**env: str) -> tuple[int, str]:
    """Runs the script of the job, with the environment that docker-compose.yml gives it and what differs."""
    defaults = services_of(MAIN)["check-secrets"]["environment"]
    usual = {name: value.partition(":-")[2].rstrip("}") for name, value in defaults.items() if value}
    script = ROOT / "deploy" / "compose" / "check-secrets.sh"
    done = subprocess.run(["sh", script], env=usual | env, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


def test_public_secrets_are_for_a_first_try_on_this_machine() -> None:
    code, err = check_secrets()
    assert code == 0
    assert "public secrets are in use, for a first try on this machine: HERALD_ADMIN_TOKEN POSTGRES_PASSWORD" in err


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("HERALD_PROVIDER_URL", "https://provider.example/v1"),
        ("HERALD_PROVIDERS_FILE", "/etc/herald/providers.yaml"),
        ("HERALD_PUBLISH_ADDRESS", "0.0.0.0"),  # noqa: S104
        ("HERALD_PUBLISH_ADDRESS", "192.168.0.2"),
        ("HERALD_PUBLISH_ADDRESS", ""),
        ("HERALD_TRUSTED_PROXIES", "172.16.0.0/12"),
    ],
)
def test_public_secrets_are_refused_with_a_real_provider_and_where_others_reach_the_api(
    variable: str, value: str
) -> None:
    code, err = check_secrets(**{variable: value})
    assert (code, err.startswith(f"refused: {variable}")) == (1, True)
    assert check_secrets(**own_secrets() | {variable: value}) == (0, "")


@pytest.mark.parametrize("secret", sorted(own_secrets()))
def test_one_public_secret_is_enough_to_refuse(secret: str) -> None:
    usual = {"HERALD_PROVIDER_URL": "https://provider.example/v1"}
    example = dict(re.findall(r"^(\w+)=(.+)$", (ROOT / ".env.example").read_text(), re.MULTILINE))
    # The example leaves the key of the stop list out, for which docker-compose.yml has a value.
    for value in ("", example.get(secret, "herald-first-try")):
        code, err = check_secrets(**own_secrets() | usual | {secret: value})
        assert (code, secret in err) == (1, True)


def test_every_secret_of_the_example_is_checked_and_nothing_starts_before() -> None:
    example = set(re.findall(r"^(\w+)=.+-first-try$", (ROOT / ".env.example").read_text(), re.MULTILINE))
    # Grafana is published on the loopback only.
    assert set(own_secrets()) == example - {"GRAFANA_ADMIN_PASSWORD"} | {"HERALD_STOP_LIST_KEY"}
    services = services_of(MAIN)
    optional = {"check-secrets", "prometheus", "grafana"}

    def waits(name: str) -> bool:
        needs = services[name].get("depends_on", {})
        direct = needs.get("check-secrets") == {"condition": "service_completed_successfully"}
        return direct or any(waits(other) for other in needs)

    assert [name for name in services if name not in optional and not waits(name)] == []


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
