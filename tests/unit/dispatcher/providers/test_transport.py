"""Providers of the file without TLS need HERALD_INSECURE_TRANSPORT, at the start and when the file is read again."""

from pathlib import Path

import pytest
import structlog.testing

from services.dispatcher.providers.keeper import FleetKeeper
from services.dispatcher.providers.lane import Lane
from services.dispatcher.providers.mapping import ProviderMapping, Surroundings
from services.dispatcher.settings import DispatcherSettings
from shared.settings import SettingsError, load
from tests.support.fakes import FakeProvider
from tests.unit.dispatcher.lanes import a_lane

FILE = """
version: 1
providers:
  ours:
    insecure: {insecure}
    request: {{url: "{scheme}://sms.example/send", json: {{to: "{{{{phone}}}}", text: "{{{{text}}}}"}}}}
    reply: [{{when: {{status: 200}}, verdict: accepted}}]
"""
PLAIN, SAFE = FILE.format(insecure="true", scheme="http"), FILE.format(insecure="false", scheme="https")


def make_lane(mapping: ProviderMapping) -> Lane:
    return a_lane(FakeProvider(), mapping)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "providers.yaml"
    monkeypatch.setenv("HERALD_PROVIDERS_FILE", str(path))
    return path


def test_a_process_does_not_start_with_a_plain_provider_that_is_not_allowed(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text(PLAIN)
    with pytest.raises(SettingsError, match=r"^providers\.ours\.request\.url: .*HERALD_INSECURE_TRANSPORT=provider"):
        load(DispatcherSettings)
    monkeypatch.setenv("HERALD_INSECURE_TRANSPORT", "provider")
    assert [str(weakness) for weakness in load(DispatcherSettings).weaknesses()] == [
        "provider sms.example: http:// does not encrypt"
    ]


@pytest.mark.parametrize("allowed", [False, True])
def test_a_plain_provider_that_comes_later_is_refused_or_said(
    file: Path, monkeypatch: pytest.MonkeyPatch, *, allowed: bool
) -> None:
    if allowed:
        monkeypatch.setenv("HERALD_INSECURE_TRANSPORT", "provider")
    file.write_text(SAFE)
    keeper = FleetKeeper(load(DispatcherSettings), Surroundings(), make_lane)
    file.write_text(PLAIN)
    with structlog.testing.capture_logs() as lines:
        assert keeper.reload() is allowed
    said = "insecure transport" if allowed else "providers file refused"
    assert said in [line["event"] for line in lines]
