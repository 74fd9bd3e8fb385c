"""Commands find the stack of their folder, from every folder below it, and say what to do where there is none."""

from pathlib import Path

import pytest

from cli.connections.addresses import (
    StackAddresses,
    find_api,
    find_database,
    find_logs,
    find_token,
    read_addresses,
    write_addresses,
)
from cli.settings import StackFolder, find_folder
from cli.stack.second_stack import command_beside

RUNNING = StackAddresses("http://127.0.0.1:8081", "postgresql://own", "amqp://own", "http://127.0.0.1:8091", "/logs")


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("API_URL", "TOKEN", "ADMIN_TOKEN", "DATABASE_URL", "RABBITMQ_URL"):
        monkeypatch.delenv(f"HERALD_{name}", raising=False)


@pytest.fixture
def below(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder below that of a running stack, as the working directory."""
    folder = StackFolder(tmp_path / ".herald")
    write_addresses(RUNNING, folder)
    folder.token.write_text("its token\n")
    (tmp_path / "a" / "b").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "a" / "b")
    return tmp_path / "a" / "b"


def test_a_stack_is_found_from_the_folders_below_its_own(below: Path) -> None:
    assert (find_api().url, find_database().url, find_logs()) == (RUNNING.api_url, RUNNING.database_url, Path("/logs"))
    assert find_token(find_api().url) == "its token"


def test_the_addresses_are_for_their_owner_only(tmp_path: Path) -> None:
    folder = StackFolder(tmp_path / ".herald")
    write_addresses(RUNNING, folder)
    assert folder.addresses.stat().st_mode & 0o777 == 0o600
    assert read_addresses(folder) == RUNNING


def test_a_variable_wins(below: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HERALD_API_URL", "http://127.0.0.1:9999")
    monkeypatch.setenv("HERALD_DATABASE_URL", "postgresql://theirs")
    monkeypatch.setenv("HERALD_TOKEN", "theirs")
    assert (find_api().url, find_database().url) == ("http://127.0.0.1:9999", "postgresql://theirs")
    assert find_token("http://127.0.0.1:9999") == "theirs"
    monkeypatch.setenv("HERALD_TOKEN", "")
    monkeypatch.setenv("HERALD_ADMIN_TOKEN", "admin's")
    assert find_token("http://127.0.0.1:9999") == "admin's"


@pytest.mark.parametrize("url", ["http://herald.example", "https://10.0.0.1:8080", "http://127.0.0.1.example"])
def test_the_token_of_a_folder_goes_to_no_other_machine(below: Path, url: str) -> None:
    assert find_token(url) is None


def test_a_stack_that_ended_is_named_with_its_folder(below: Path) -> None:
    assert find_database().remedy == f"start `herald up` in {below.parents[1]}, or set HERALD_DATABASE_URL"


def test_elsewhere_the_remedy_says_where_to_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_api().url == "http://127.0.0.1:8080"
    assert "in the folder where `herald up` runs" in find_api().remedy
    assert find_token(find_api().url) is None


def test_no_command_leaves_its_checkout(below: Path) -> None:
    (below / ".git").mkdir()
    assert find_folder().path == Path(".herald")
    inner = below / "docs"
    inner.mkdir()
    assert find_folder(inner).path.resolve() == below / ".herald"


@pytest.mark.parametrize("text", ["", "nonsense", "[]", "{}", '{"api_url": "http://127.0.0.1"}'])
def test_damaged_addresses_are_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "stack.json").write_text(text)
    assert read_addresses(StackFolder(tmp_path)) is None


def test_a_stack_beside_others_gets_ports_that_are_free() -> None:
    taken = {8080, 8090, 9101, 8081, 9203}
    assert command_beside(1, {}, lambda port, _: port not in taken) == (
        "HERALD_API_PORT=8082 HERALD_SANDBOX_PORT=8092 HERALD_OPS_PORT=9301 herald up --private-broker"
    )
    assert command_beside(2, {}, lambda *_: True).endswith("herald up --private-broker --workers 2")
