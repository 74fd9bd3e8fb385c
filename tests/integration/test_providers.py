"""What the tables remember of providers: claims that are not repeated, choices, states, and folded costs."""

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from services.api.providers import store as api_store
from services.dispatcher.claims import store
from services.dispatcher.claims.claim import Claim
from services.dispatcher.claims.store import AskedJob, GivenBack
from services.dispatcher.providers import store as provider_store
from services.dispatcher.providers.store import ProviderChoice, ProviderReport
from services.reporter.fold import fold
from shared.messages import Result, Results
from tests.integration.test_claim import Scene, scene
from tests.support.builders import NOON

__all__ = ["scene"]


async def claim(scene: Scene, attempt: int = 1, **over: Any) -> Claim:
    job = AskedJob(scene.message_id, attempt, unsure=over.pop("unsure", False), refused=over.pop("refused", ()))
    (found,) = await store.claim(scene.pool, scene.worker, [job], **over)
    return found


async def fold_one(scene: Scene, **over: Any) -> None:
    usual: dict[str, Any] = {
        "message_id": scene.message_id,
        "mailing_id": scene.mailing_id,
        "client_id": scene.client_id,
        "number": 1,
        "status": "sent",
        "outcome": "accepted",
        "started_at": NOON,
        "duration_ms": 40,
        "provider": "smsc",
    }
    await scene.pool.execute("UPDATE mailing_counts SET total = 1, pending = 1 WHERE total = 0")
    await fold(scene.pool, [Results(results=[Result(**usual | over)])])


async def test_a_stale_claim_that_is_not_to_be_repeated_is_lost(scene: Scene) -> None:
    first = await claim(scene, provider="smsc", once=True)
    assert first.verdict == "send"
    await scene.silence(60, fence_after=18)
    found = await claim(scene)
    assert (found.verdict, found.number, found.provider) == ("lost", 1, "smsc")
    # Nothing was claimed: whoever asks next sees the same.
    assert (await claim(scene)).verdict == "lost"
    await fold_one(scene, status="exhausted", outcome="broken", reason="outcome unknown: its dispatcher stopped")
    row = await scene.pool.fetchrow(
        "SELECT status::text, reason, provider FROM messages WHERE id = $1", scene.message_id
    )
    assert row is not None
    assert tuple(row) == ("exhausted", "outcome unknown: its dispatcher stopped", "smsc")


async def test_a_stale_claim_at_a_provider_that_drops_doubles_is_taken_over_and_known_as_unsure(scene: Scene) -> None:
    await claim(scene, provider="smsc")
    await scene.silence(60, fence_after=18)
    found = await claim(scene)
    assert (found.verdict, found.number, found.provider, found.unsure) == ("send", 2, "smsc", True)


async def test_what_a_retry_job_knows_is_known_before_it_is_folded(scene: Scene) -> None:
    found = await claim(scene, unsure=True, refused=("a", "b"))
    assert (found.unsure, list(found.refused)) == (True, ["a", "b"])


async def test_a_choice_is_written_to_the_claim_it_is_about(scene: Scene) -> None:
    found = await claim(scene, once=True)
    choice = ProviderChoice(scene.message_id, found.number, "vonage", once=False)
    await provider_store.record_choices(scene.pool, uuid4(), [choice])
    assert (await scene.flight())["provider"] is None
    await provider_store.record_choices(scene.pool, scene.worker, [choice])
    flight = await scene.flight()
    assert (flight["provider"], flight["claimed_once"]) == ("vonage", False)


async def test_a_message_whose_provider_is_away_waits_in_the_table(scene: Scene) -> None:
    found = await claim(scene)
    given = GivenBack(scene.worker, scene.message_id, found.number, found.claimed_at)
    await provider_store.postpone(scene.pool, [given], [1], [30.0])
    flight = await scene.flight()
    assert (flight["released_at"], flight["claimed_number"], flight["asked_number"]) == (None, 0, 1)
    due = await scene.pool.fetchval("SELECT due_at > clock_timestamp() + interval '25 s' FROM flights")
    assert due is True


async def test_a_first_success_keeps_its_provider_and_counts_its_cost_once(scene: Scene) -> None:
    await claim(scene)
    for _ in range(2):
        await fold_one(scene, provider_id="x7", cost=Decimal("3.20"))
    row = await scene.pool.fetchrow("SELECT provider, provider_id, cost FROM messages WHERE id = $1", scene.message_id)
    assert row is not None
    assert tuple(row) == ("smsc", "x7", Decimal("3.200000"))
    counted = await scene.pool.fetch("SELECT provider, outcome, count, cost FROM provider_outcomes")
    assert [tuple(one) for one in counted] == [("smsc", "accepted", 1, Decimal("3.20"))]


async def test_a_refusal_and_then_a_success_elsewhere_are_counted_by_provider(scene: Scene) -> None:
    await claim(scene)
    await fold_one(scene, status="retrying", outcome="refused", refused=True, due_at=NOON)
    assert list((await scene.flight())["refused"]) == ["smsc"]
    assert (await claim(scene, 2)).verdict == "send"
    await fold_one(scene, number=2, provider="vonage", cost=Decimal("0.05"))
    counted = await scene.pool.fetch("SELECT provider, outcome, count FROM provider_outcomes ORDER BY 1")
    assert [tuple(one) for one in counted] == [("smsc", "refused", 1), ("vonage", "accepted", 1)]
    assert await scene.pool.fetchval("SELECT provider FROM messages WHERE id = $1", scene.message_id) == "vonage"


async def test_an_installation_keeps_its_id_until_it_lies_elsewhere(pool: asyncpg.Pool) -> None:
    first = await provider_store.read_installation(pool)
    assert await provider_store.read_installation(pool) == first
    await pool.execute("UPDATE installation SET place = 'another cluster'")
    assert await provider_store.read_installation(pool) != first


async def test_one_process_has_the_leave_of_a_trial_until_it_is_over(pool: asyncpg.Pool) -> None:
    first, second, lasts = uuid4(), uuid4(), timedelta(seconds=30)
    assert await provider_store.take_trial(pool, "smsc", first, lasts)
    assert not await provider_store.take_trial(pool, "smsc", second, lasts)
    assert await provider_store.take_trial(pool, "smsc", first, timedelta(seconds=-1))
    assert await provider_store.take_trial(pool, "smsc", second, lasts)


@pytest.mark.parametrize("drained", [False, True])
async def test_a_provider_is_shown_as_its_dispatchers_see_it(pool: asyncpg.Pool, drained: bool) -> None:
    for breaker, rate in (("closed", 30.0), ("open", 10.0)):
        found = ProviderReport("smsc", breaker, "no money", 2, rate, 0.5 if breaker == "open" else 0.1, False)
        await provider_store.report(pool, uuid4(), [found])
    assert await api_store.set_drained(pool, "smsc", drained=drained) is True
    [shown] = await api_store.list_all(pool)
    assert (shown.name, shown.state, shown.dispatchers) == ("smsc", "drained" if drained else "open", 2)
    assert (shown.in_flight, shown.per_second) == (4, 40)
    assert shown.failing == pytest.approx(0.2)
