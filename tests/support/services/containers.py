"""Runs PostgreSQL and RabbitMQ in containers, if a Docker engine answers and has or pulls their images."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

# The reaper would be one more image to pull; the host process stops the containers itself.
os.environ.setdefault("TESTCONTAINERS_RYUK_DISABLED", "true")
POSTGRES = "postgres:17"
RABBITMQ = "rabbitmq:4-management"
PULL_SECONDS = 90


def available(image: str) -> bool:
    """Returns whether a container of this image can be started. Pulls a missing image."""
    if not _docker("version", "--format", "{{.Server.Version}}", seconds=10):
        return False
    return _docker("image", "inspect", image, seconds=10) or _docker("pull", "--quiet", image, seconds=PULL_SECONDS)


def _docker(*arguments: str, seconds: float) -> bool:
    try:
        done = subprocess.run(["docker", *arguments], capture_output=True, timeout=seconds, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


@contextmanager
def postgres() -> Iterator[str]:
    """Runs PostgreSQL without durability, which tests do not need, and yields its URL."""
    from testcontainers.community.postgres import PostgresContainer

    container = PostgresContainer(POSTGRES, username="postgres", dbname="postgres", driver=None)
    container.with_command(
        "postgres -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=400"
    )
    with container as running:
        yield running.get_connection_url()


@contextmanager
def rabbitmq() -> Iterator[tuple[str, str]]:
    """Runs RabbitMQ and yields its AMQP URL and its management URL."""
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.wait_strategies import HttpWaitStrategy

    container = DockerContainer(RABBITMQ).with_exposed_ports(5672, 15672)
    ready = HttpWaitStrategy(15672, "/api/overview").with_basic_credentials("guest", "guest").for_status_code(200)
    with container.waiting_for(ready) as running:
        host = running.get_container_host_ip()
        amqp, management = running.get_exposed_port(5672), running.get_exposed_port(15672)
        yield f"amqp://guest:guest@{host}:{amqp}/", f"http://{host}:{management}"
