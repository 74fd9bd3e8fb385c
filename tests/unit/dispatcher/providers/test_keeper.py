"""The file is read again while requests are open: what changes, what stays, and what a wrong file does."""

from pathlib import Path

import pytest

from services.dispatcher.admission.rate_limit import NoLimit
from services.dispatcher.admission.slot_lease import SlotLease
from services.dispatcher.claims.store import ProviderState
from services.dispatcher.provider_api.replies import Classification
from services.dispatcher.providers.keeper import FleetKeeper
from services.dispatcher.providers.lane import Lane
from services.dispatcher.providers.mapping import ProviderMapping, Surroundings
from services.dispatcher.settings import DispatcherSettings
from tests.support.fakes import FakeProvider
from tests.unit.dispatcher.lanes import a_lane

FILE = """
version: 1
providers:
  a:
    request: {url: "https://a.example/send", form: {to: "{{phone}}", text: "{{text}}"}}
    reply: [{when: {status: 200}, verdict: accepted}]
    rate: 100/s
    concurrency: 10
  b:
    request: {url: "https://b.example/send", form: {to: "{{phone}}", text: "{{text}}"}}
    reply: [{when: {status: 200}, verdict: accepted}]
    timeout: 20s
"""
ACCEPTED = Classification("accepted", "accepted", "accepted")


def make_lane(mapping: ProviderMapping) -> Lane:
    lane = a_lane(FakeProvider(), mapping, rate=mapping.config.rate)
    if mapping.config.concurrency is not None:
        lane.slots = SlotLease(mapping.config.concurrency, 100, lambda: 0.0)
        lane.slots.lease(mapping.config.concurrency, mapping.config.concurrency, 0.0)
    return lane


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "providers.yaml"
    path.write_text(FILE)
    return path


@pytest.fixture
async def keeper(file: Path) -> FleetKeeper:
    return FleetKeeper(DispatcherSettings(providers_file=file), Surroundings("house"), make_lane)


async def test_a_wrong_file_is_refused_and_the_old_one_stays(keeper: FleetKeeper, file: Path) -> None:
    before = keeper.fleet
    file.write_text(FILE.replace("{{phone}}", "{{fone}}"))
    assert not keeper.reload()
    assert keeper.fleet is before
    file.unlink()
    assert not keeper.reload()
    assert keeper.fleet is before


async def test_what_did_not_change_stays_as_it_is(keeper: FleetKeeper, file: Path) -> None:
    before = dict(keeper.fleet.lanes)
    file.write_text(FILE.replace("timeout: 20s", "timeout: 5s"))
    assert keeper.reload()
    assert keeper.fleet.lanes["a"] is before["a"]
    assert keeper.fleet.lanes["b"] is not before["b"]
    # Requests of before may be open for as long as they might then.
    assert keeper.longest_timeout == 20


async def test_tokens_and_slots_go_on_with_a_changed_provider(keeper: FleetKeeper, file: Path) -> None:
    old = keeper.fleet.lanes["a"]
    old.trial = False
    ticket, grant = old.begin(0.0, "x")
    file.write_text(FILE.replace("100/s", "50/s").replace("concurrency: 10", "concurrency: 4"))
    assert keeper.reload()
    new = keeper.fleet.lanes["a"]
    assert (new is old, new.limiter is old.limiter, new.slots is old.slots) == (False, True, True)
    assert new.slots is not None
    assert (new.limiter.total, new.slots.total) == (50, 4)
    # The open request has its slot until it ends.
    assert new.slots.available() == 3
    old.record(0.0, ticket, grant, 0.1, ACCEPTED)
    assert new.slots.available() == 4


async def test_a_rate_that_is_new_in_the_file_holds(keeper: FleetKeeper, file: Path) -> None:
    file.write_text(FILE.replace("    rate: 100/s\n", ""))
    assert keeper.reload()
    assert isinstance(keeper.fleet.lanes["a"].limiter, NoLimit)
    file.write_text(FILE)
    assert keeper.reload()
    assert keeper.fleet.lanes["a"].limiter.total == 99


async def test_a_provider_that_comes_back_into_the_file_has_its_tokens_and_its_slots_still(
    keeper: FleetKeeper, file: Path
) -> None:
    old = keeper.fleet.lanes["a"]
    old.trial = False
    old.begin(0.0, "x")
    file.write_text(FILE.replace("  a:", "  c:"))
    assert keeper.reload()
    file.write_text(FILE.replace("100/s", "50/s"))
    assert keeper.reload()
    new = keeper.fleet.lanes["a"]
    assert (new.limiter is old.limiter, new.slots is old.slots) == (True, True)
    # As it was, it is the same again, and its client stays open.
    file.write_text(FILE.replace("  a:", "  c:").replace("100/s", "50/s"))
    assert keeper.reload()
    file.write_text(FILE.replace("100/s", "50/s"))
    assert keeper.reload()
    assert keeper.fleet.lanes["a"] is new
    assert keeper.longest_timeout == 20


async def test_a_trial_goes_on_while_nothing_of_the_mapping_changes(keeper: FleetKeeper, file: Path) -> None:
    file.write_text(FILE.replace("100/s", "50/s"))
    assert keeper.reload()
    assert keeper.fleet.lanes["a"].trial


async def test_a_changed_mapping_is_tried_with_one_message_until_one_reply_is_understood(
    keeper: FleetKeeper, file: Path
) -> None:
    recognised = [
        ProviderState(name, drained=False, held=0.0, slowed=0.0, recognised=lane.mapping.fingerprint)
        for name, lane in keeper.fleet.lanes.items()
    ]
    assert all(lane.trial for lane in keeper.fleet.lanes.values())
    keeper.obey(recognised, 0.0)
    assert not any(lane.trial for lane in keeper.fleet.lanes.values())
    file.write_text(FILE.replace('form: {to: "{{phone}}"', 'form: {phone: "{{phone}}"').replace("100/s", "50/s"))
    assert keeper.reload()
    assert all(lane.trial for lane in keeper.fleet.lanes.values())
    # The old one is known already.
    file.write_text(FILE)
    assert keeper.reload()
    assert not any(lane.trial for lane in keeper.fleet.lanes.values())


async def test_what_all_obey_goes_over_to_a_changed_provider(keeper: FleetKeeper, file: Path) -> None:
    keeper.obey([ProviderState("b", drained=True, held=30.0, slowed=0.0, recognised=None)], 0.0)
    file.write_text(FILE.replace("timeout: 20s", "timeout: 5s"))
    assert keeper.reload()
    assert keeper.fleet.lanes["b"].state(1.0) == "drained"
    keeper.obey([ProviderState("b", drained=False, held=0.0, slowed=0.0, recognised=None)], 1.0)
    assert keeper.fleet.lanes["b"].state(1.0) == "held"
