"""Which connections count as elsewhere, which of them are weak, and who may open one."""

import ast
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest

from services.dispatcher.settings import DispatcherSettings
from services.planner.report.settings import ReportSettings
from shared import transport
from shared.settings import BrokerSettings, DatabaseSettings, SettingsError, load
from shared.transport import Weakness
from tests.unit.shared import child

ROOT = Path(__file__).parents[3]
EVERYWHERE = "0.0.0.0"  # noqa: S104


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("localhost", True),
        ("::1", True),
        (EVERYWHERE, False),
        ("::", False),
        ("", False),
        ("127.1", False),
        ("192.168.0.1", False),
        ("localhost.example.org", False),
    ],
)
def test_which_hosts_are_this_machine(host: str, expected: bool) -> None:
    assert transport.is_loopback(host) is expected


@pytest.mark.parametrize(
    ("url", "env", "hosts", "elsewhere"),
    [
        ("postgresql://localhost/herald", {}, ("localhost",), ()),
        ("postgresql://u:p@127.0.0.1:5432/herald", {}, ("127.0.0.1",), ()),
        ("postgresql://[::1]:5432/herald", {}, ("::1",), ()),
        ("postgresql:///herald", {}, (), ()),
        ("postgresql://postgres@/herald?host=/run/postgresql", {}, ("/run/postgresql",), ()),
        ("postgresql://%2Frun%2Fpostgresql/herald", {}, ("/run/postgresql",), ()),
        ("postgresql://%2Frun%2F" + "a" * 80 + "/herald", {}, ("/run/" + "a" * 80,), ()),
        ("postgresql://my_db.internal.:5432/herald", {}, ("my_db.internal.",), ("my_db.internal.",)),
        ("postgresql://db/herald", {}, ("db",), ("db",)),
        ("postgresql://localhost,db:5433,[fd00::1]/herald", {}, ("localhost", "db", "fd00::1"), ("db", "fd00::1")),
        ("postgresql:///herald?host=localhost,db", {}, ("localhost", "db"), ("db",)),
        ("postgresql://localhost/herald?host=db", {}, ("localhost",), ()),
        ("postgresql:///herald", {"PGHOST": "db"}, ("db",), ("db",)),
        ("postgresql:///?service=herald", {"PGHOST": "localhost"}, ("service herald",), ("service herald",)),
        ("postgresql://localhost%3A5432.example/herald", {}, ("localhost:5432.example",), ("localhost:5432.example",)),
    ],
)
def test_the_hosts_of_a_database_are_those_that_asyncpg_takes(
    url: str, env: dict[str, str], hosts: tuple[str, ...], elsewhere: tuple[str, ...]
) -> None:
    target = transport.read_database_url(url, env)
    assert (target.hosts, target.elsewhere) == (hosts, elsewhere)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:hush@[::1/h",
        "postgresql://u:hush@db:99999/h",
        "postgresql://u:hush@db:0/h",
        "postgresql://u:hush@db:-1/h",
        "postgresql://u:hush@db:x/h",
        "postgresql://u:hush@localhost,db:70000/h",
        "postgresql://u:hush@a..b/h",
        "postgresql://u:hush@" + "a" * 300 + "/h",
        "postgresql://u:hush@db/a%00b",
    ],
)
def test_a_url_without_a_usable_host_is_refused_in_words(url: str) -> None:
    with pytest.raises(ValueError, match=r"no valid host and port|zero byte") as refused:
        transport.database_tls(url)
    assert "hush" not in str(refused.value)


@pytest.fixture
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PGHOST", "PGSSLMODE", "PGSSLROOTCERT"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("no_variables")
@pytest.mark.parametrize(
    "url",
    ["postgresql://db/h", "postgresql://localhost,db/h", "postgresql://db/h?sslmode=verify-full&sslrootcert=system"],
)
def test_a_database_elsewhere_is_verified_by_default(url: str) -> None:
    context = transport.database_tls(url)
    assert isinstance(context, ssl.SSLContext)
    assert (context.check_hostname, context.verify_mode) == (True, ssl.CERT_REQUIRED)


@pytest.mark.usefixtures("no_variables")
def test_the_authorities_of_the_url_are_left_to_asyncpg() -> None:
    assert transport.database_tls("postgresql://db/h?sslrootcert=/ca.pem") == "verify-full"


@pytest.mark.usefixtures("no_variables")
@pytest.mark.parametrize(
    "url", ["postgresql://localhost/h", "postgresql:///h?host=/run", "postgresql://db/h?sslmode=disable"]
)
def test_on_this_machine_and_with_a_mode_the_url_decides(url: str) -> None:
    assert transport.database_tls(url) is None


def test_a_client_certificate_that_cannot_be_read_is_named() -> None:
    with pytest.raises(ValueError, match="sslcert or sslkey: No such file"):
        transport.database_tls("postgresql://db/h?sslrootcert=system&sslcert=/nowhere.pem")


@pytest.mark.usefixtures("no_variables")
@pytest.mark.parametrize(
    ("judge", "urls", "weak"),
    [
        (transport.weaknesses_of_database, "postgresql://db/h", []),
        (transport.weaknesses_of_database, "postgresql://db/h?sslmode=verify-full", []),
        (transport.weaknesses_of_database, "postgresql://db/h?sslmode=verify_full", []),
        (transport.weaknesses_of_database, "postgresql://localhost/h?sslmode=disable", []),
        (transport.weaknesses_of_database, "postgresql:///h?host=/run&sslmode=disable", []),
        (transport.weaknesses_of_database, "postgresql://db/h?sslmode=require", ["db"]),
        (transport.weaknesses_of_database, "postgresql://db/h?sslmode=verify-ca", ["db"]),
        (transport.weaknesses_of_database, "postgresql://localhost,a,b/h?sslmode=prefer", ["a", "b"]),
        (transport.weaknesses_of_broker, "amqps://rabbit/", []),
        (transport.weaknesses_of_broker, "amqps://rabbit/?no_verify_ssl=0", []),
        (transport.weaknesses_of_broker, "amqp://localhost/,amqp://127.0.0.1/,amqp://[::1]/", []),
        (transport.weaknesses_of_broker, "amqps://localhost/?no_verify_ssl=1", []),
        (transport.weaknesses_of_broker, "amqps://rabbit/?no_verify_ssl=1", ["rabbit:5671"]),
        (transport.weaknesses_of_broker, "amqps://a/,amqp://b/,amqp://localhost/", ["b:5672"]),
    ],
)
def test_which_urls_are_weak(judge: Callable[[str], tuple[Weakness, ...]], urls: str, weak: list[str]) -> None:
    assert [weakness.host for weakness in judge(urls)] == weak


def test_the_mode_of_the_environment_counts_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGSSLMODE", "prefer")
    assert [weakness.host for weakness in transport.weaknesses_of_database("postgresql://db/h")] == ["db"]


@pytest.mark.parametrize(
    ("kind", "variable", "value", "peer"),
    [
        (DatabaseSettings, "HERALD_DATABASE_URL", "postgresql://herald:hush@db/h?sslmode=require", "database"),
        (BrokerSettings, "HERALD_RABBITMQ_URL", "amqp://herald:hush@rabbit/", "broker"),
        (BrokerSettings, "HERALD_RABBITMQ_URL", "amqps://herald:hush@rabbit/?no_verify_ssl=1", "broker"),
        (DispatcherSettings, "HERALD_PROVIDER_URL", "http://provider.example/v1", "provider"),
        (ReportSettings, "HERALD_SMTP_URL", "smtp://herald:hush@mail?starttls=off", "mail"),
    ],
)
def test_a_weak_url_is_refused_unless_its_peer_is_allowed(
    kind: type[DatabaseSettings], variable: str, value: str, peer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HERALD_PROVIDER_TOKEN", "hush")
    monkeypatch.setenv("HERALD_REPORT_TO", "a@example.org")
    monkeypatch.setenv("HERALD_REPORT_FROM", "herald@example.org")
    monkeypatch.setenv(variable, value)
    others = ",".join(sorted(set(transport.PEERS) - {peer}))
    for allowed in ("", others):
        monkeypatch.setenv("HERALD_INSECURE_TRANSPORT", allowed)
        with pytest.raises(
            SettingsError, match=f"^{variable}: .* allow it with HERALD_INSECURE_TRANSPORT={peer}"
        ) as caught:
            load(kind)
        assert "hush" not in str(caught.value)
    monkeypatch.setenv("HERALD_INSECURE_TRANSPORT", f"{others}, {peer}")
    assert [weakness.peer for weakness in load(kind).weaknesses()] == [peer]


def test_an_unknown_peer_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HERALD_INSECURE_TRANSPORT", "everything")
    with pytest.raises(SettingsError, match=r"HERALD_INSECURE_TRANSPORT: .*'everything' is none of database, broker"):
        load(DatabaseSettings)


def test_a_process_logs_one_line_of_what_is_weak_when_it_starts() -> None:
    env = {
        "HERALD_DATABASE_URL": "postgresql://herald:hush@127.1:1/h?sslmode=disable",
        "HERALD_RABBITMQ_URL": "amqp://herald:hush@127.1:1/",
        "HERALD_INSECURE_TRANSPORT": "database,broker",
        "HERALD_OPS_PORT": "0",
    }
    with child.started("-m", "services.reporter", **env) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(2)]
    assert "process started" in lines[0]
    assert "insecure transport" in lines[1]
    assert "database 127.1: sslmode=disable" in lines[1]
    assert "broker 127.1:1: amqp://" in lines[1]
    assert "hush" not in lines[1]


def test_every_connection_to_the_database_is_opened_where_tls_is_judged() -> None:
    """The server of cli/native listens on a Unix socket only."""
    allowed = {"shared/database/__init__.py", "cli/native/postgres.py"}
    openers = {
        str(path.relative_to(ROOT))
        for package in ("services", "shared", "cli", "bench")
        for path in (ROOT / package).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "asyncpg"
        if node.attr in ("connect", "create_pool")
    }
    assert openers == allowed
