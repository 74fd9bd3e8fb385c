"""The claim and all its verdicts, against a real PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from services.dispatcher.claims import store
from services.dispatcher.claims.claim import Claim
from services.dispatcher.claims.heard_edits import HeardEdit
from services.dispatcher.claims.store import AskedJob, BeatAnswer, GivenBack
from tests.support.mailing_rows import add_clients, add_mailing


class Scene:
    """One running mailing to one client, its message released and in flight."""

    def __init__(self, pool: asyncpg.Pool, mailing_id: int, client_id: int, message_id: int) -> None:
        self.pool = pool
        self.mailing_id = mailing_id
        self.client_id = client_id
        self.message_id = message_id
        self.worker = uuid4()

    async def claim(
        self,
        attempt: int = 1,
        *,
        redelivered: bool = False,
        worker: UUID | None = None,
        failures: int | None = None,
    ) -> Claim:
        job = AskedJob(self.message_id, attempt, redelivered, failures)
        (claim,) = await store.claim(self.pool, worker or self.worker, [job])
        return claim

    async def verdict(self, attempt: int = 1, *, redelivered: bool = False) -> str:
        return (await self.claim(attempt, redelivered=redelivered)).verdict

    async def give_back(self, claim: Claim, *, worker: UUID | None = None) -> int:
        name = worker or self.worker
        return await store.give_back(self.pool, [GivenBack(name, claim.message_id, claim.number, claim.claimed_at)])

    async def flight(self) -> asyncpg.Record:
        row = await self.pool.fetchrow("SELECT * FROM flights WHERE message_id = $1", self.message_id)
        assert row is not None
        return row

    async def set_mailing(self, assignment: str) -> None:
        await self.pool.execute(f"UPDATE mailings SET {assignment}")

    async def silence(self, seconds: int, *, fence_after: int | None) -> None:
        """Makes the worker silent for so long, and the newest fence that much later than its last beat."""
        beat_at = datetime.now(UTC) - timedelta(seconds=seconds)
        await self.pool.execute("INSERT INTO workers VALUES ($1, $2, true, '17 s')", self.worker, beat_at)
        if fence_after is not None:
            await self.pool.execute("UPDATE fence SET folded_at = $1", beat_at + timedelta(seconds=fence_after))


@pytest.fixture
async def scene(pool: asyncpg.Pool) -> Scene:
    (client_id,) = await add_clients(pool, 1)
    mailing_id = await add_mailing(pool)
    await pool.execute("UPDATE mailings SET status = 'running', started_at = now()")
    message_id = await pool.fetchval(
        "INSERT INTO messages (mailing_id, client_id) VALUES ($1, $2) RETURNING id", mailing_id, client_id
    )
    await pool.execute(
        "INSERT INTO flights (message_id, mailing_id, client_id, released_at) VALUES ($1, $2, $3, now())",
        message_id,
        mailing_id,
        client_id,
    )
    return Scene(pool, mailing_id, client_id, message_id)


async def many_flights(pool: asyncpg.Pool, number: int) -> list[int]:
    """Releases messages of a running mailing to so many clients, and returns their ids."""
    client_ids = await add_clients(pool, number)
    mailing_id = await add_mailing(pool)
    await pool.execute("UPDATE mailings SET status = 'running', started_at = now()")
    await pool.execute(
        """
        WITH m AS (
            INSERT INTO messages (mailing_id, client_id) SELECT $1, unnest($2::bigint[]) RETURNING id, client_id
        ) INSERT INTO flights (message_id, mailing_id, client_id, released_at) SELECT id, $1, client_id, now() FROM m
        """,
        mailing_id,
        client_ids,
    )
    return [row["message_id"] for row in await pool.fetch("SELECT message_id FROM flights")]


async def test_a_fresh_job_is_sent_with_the_live_text_and_phone(scene: Scene) -> None:
    await scene.set_mailing("text = 'edited'")
    await scene.pool.execute("UPDATE clients SET phone = '79990001122'")
    claim = await scene.claim()
    assert (claim.verdict, claim.number, claim.text, claim.phone) == ("send", 1, "edited", "79990001122")
    assert claim.failures == 0
    assert claim.request_id == "test-request"
    assert 590 < claim.seconds_left <= 600
    flight = await scene.flight()
    assert (flight["claimed_number"], flight["claimed_by"]) == (1, scene.worker)


@pytest.mark.parametrize(
    "assignment",
    [
        "status = 'cancelled'",
        "status = 'finished', finished_at = now()",
        "status = 'cancelled', deleted_at = now()",
        "end_at = now() + interval '0.9 s'",
        "start_at = now() - interval '2 h', end_at = now() - interval '1 h'",
        "status = 'scheduled'",
    ],
)
async def test_a_job_that_is_no_longer_wanted_is_over(scene: Scene, assignment: str) -> None:
    await scene.set_mailing(assignment)
    claim = await scene.claim()
    assert (claim.verdict, claim.text, claim.phone) == ("over", "", "")
    assert (await scene.flight())["claimed_number"] == 0


async def test_a_job_of_a_deleted_client_is_over(scene: Scene) -> None:
    await scene.pool.execute("UPDATE clients SET phone = NULL, deleted_at = now()")
    assert await scene.verdict() == "over"


async def test_a_job_of_a_settled_message_is_over(scene: Scene) -> None:
    await scene.pool.execute("DELETE FROM flights")
    assert await scene.verdict() == "over"


async def test_a_job_of_a_paused_mailing_goes_back_to_the_table(scene: Scene) -> None:
    await scene.set_mailing("status = 'paused'")
    claim = await scene.claim()
    assert (claim.verdict, claim.shut) == ("put back", False)
    flight = await scene.flight()
    assert flight["released_at"] is None
    assert flight["due_at"] <= datetime.now(UTC)
    assert flight["asked_number"] == 1


async def test_a_retry_that_is_put_back_leaves_the_number_that_it_asked_for(scene: Scene) -> None:
    await scene.claim()
    await scene.set_mailing("status = 'paused'")
    assert await scene.verdict(2) == "put back"
    flight = await scene.flight()
    assert (flight["claimed_number"], flight["asked_number"]) == (1, 2)


async def test_a_job_outside_its_window_goes_back_to_the_table_to_be_judged_there(scene: Scene) -> None:
    local = datetime.now(UTC)
    opens, closes = (local + timedelta(hours=2)).time(), (local + timedelta(hours=3)).time()
    await scene.pool.execute("UPDATE mailings SET window_from = $1, window_to = $2", opens, closes)
    claim = await scene.claim()
    assert (claim.verdict, claim.shut) == ("put back", True)
    flight = await scene.flight()
    assert flight["released_at"] is None
    # Not the opening that this claim saw: an edit that came meanwhile would be overlooked.
    assert flight["due_at"] - local < timedelta(seconds=30)


async def test_the_window_is_judged_in_the_clients_own_time(scene: Scene) -> None:
    # Kathmandu is 5:45 ahead of UTC, the whole year.
    local = (datetime.now(UTC) + timedelta(hours=5, minutes=45)).time()
    near = [time((local.hour + hours) % 24, local.minute) for hours in (-1, 1)]
    await scene.pool.execute("UPDATE mailings SET window_from = $1, window_to = $2", *near)
    await scene.pool.execute("UPDATE clients SET timezone = 'Asia/Kathmandu'")
    assert await scene.verdict() == "send"


async def test_a_second_job_of_the_same_attempt_is_busy_while_the_claim_is_open(scene: Scene) -> None:
    assert await scene.verdict() == "send"
    assert await scene.verdict() == "busy"


async def test_a_second_job_of_a_folded_attempt_is_over(scene: Scene) -> None:
    await scene.claim()
    await scene.pool.execute("UPDATE flights SET folded_number = 1, failures = 1")
    assert await scene.verdict() == "over"


async def test_the_retry_is_sent_though_the_result_before_it_is_not_folded(scene: Scene) -> None:
    await scene.claim()
    claim = await scene.claim(2)
    assert (claim.verdict, claim.number, claim.failures) == ("send", 2, 1)


async def test_attempts_that_were_not_taken_spend_no_budget_before_they_are_folded(scene: Scene) -> None:
    await scene.claim()
    await scene.claim(2, failures=0)
    claim = await scene.claim(3, failures=1)
    assert (claim.verdict, claim.number, claim.failures) == ("send", 3, 1)


async def test_of_the_failures_of_the_job_and_the_flight_the_greater_counts(scene: Scene) -> None:
    await scene.claim()
    await scene.pool.execute("UPDATE flights SET folded_number = 1, failures = 4")
    assert (await scene.claim(2, failures=1)).failures == 4


async def test_a_claim_of_a_living_worker_is_never_taken_over(scene: Scene) -> None:
    await scene.claim()
    await scene.silence(2, fence_after=60)
    assert await scene.verdict() == "busy"


async def test_a_claim_is_not_stale_before_a_later_fence_is_folded(scene: Scene) -> None:
    await scene.claim()
    await scene.silence(60, fence_after=16)
    assert await scene.verdict() == "busy"


async def test_a_stale_claim_is_taken_over_as_the_next_number(scene: Scene) -> None:
    await scene.claim()
    await scene.silence(60, fence_after=18)
    other = uuid4()
    claim = await scene.claim(worker=other)
    assert (claim.verdict, claim.number) == ("send", 2)
    assert (await scene.flight())["claimed_by"] == other


async def test_a_redelivered_job_with_an_open_claim_is_busy_even_if_stale(scene: Scene) -> None:
    await scene.claim()
    await scene.silence(60, fence_after=18)
    assert await scene.verdict(redelivered=True) == "busy"


async def test_a_stale_claim_of_a_paused_mailing_waits(scene: Scene) -> None:
    await scene.claim()
    await scene.silence(60, fence_after=18)
    await scene.set_mailing("status = 'paused'")
    assert await scene.verdict() == "busy"


async def test_a_claim_never_waits_for_a_locked_flight(scene: Scene) -> None:
    async with scene.pool.acquire() as other, other.transaction():
        await other.execute("SELECT 1 FROM flights FOR UPDATE")
        async with asyncio.timeout(5):
            assert await scene.verdict() == "locked"
    assert await scene.verdict() == "send"


@pytest.mark.parametrize(("attempt", "verdict"), [(1, "send"), (2, "damaged"), (99, "damaged"), (2**31 - 1, "damaged")])
async def test_only_the_next_number_may_be_asked_for(scene: Scene, attempt: int, verdict: str) -> None:
    assert await scene.verdict(attempt) == verdict
    assert (await scene.flight())["claimed_number"] == int(verdict == "send")


async def test_a_claim_tells_the_moment_that_is_stored_with_it(scene: Scene) -> None:
    claim = await scene.claim()
    assert claim.claimed_at == (await scene.flight())["claimed_at"]
    assert (claim.mailing_id, claim.client_id) == (scene.mailing_id, scene.client_id)


async def test_a_number_that_was_given_back_is_used_again(scene: Scene) -> None:
    assert await scene.give_back(await scene.claim()) == 1
    claim = await scene.claim()
    assert (claim.verdict, claim.number) == ("send", 1)


async def test_a_repeated_give_back_leaves_a_newer_claim_alone(scene: Scene) -> None:
    first = await scene.claim()
    assert await scene.give_back(first) == 1
    # The answer was lost, and the same dispatcher has claimed the same number again meanwhile.
    second = await scene.claim()
    assert (second.verdict, second.number) == ("send", 1)
    assert await scene.give_back(first) == 0
    assert (await scene.flight())["claimed_number"] == 1
    assert await scene.verdict() == "busy"


async def test_a_takeover_that_is_given_back_can_be_taken_over_at_once(scene: Scene) -> None:
    await scene.claim()
    await scene.silence(60, fence_after=18)
    other = uuid4()
    claim = await scene.claim(worker=other)
    assert await scene.give_back(claim, worker=other) == 1
    assert await scene.verdict() == "busy"
    await scene.pool.execute("UPDATE fence SET folded_at = clock_timestamp()")
    claim = await scene.claim(worker=other)
    assert (claim.verdict, claim.number) == ("send", 2)


async def test_a_claim_taken_over_meanwhile_is_not_given_back(scene: Scene) -> None:
    claim = await scene.claim()
    await scene.silence(60, fence_after=18)
    await scene.claim(worker=uuid4())
    assert await scene.give_back(claim) == 0
    assert (await scene.flight())["claimed_number"] == 2


async def test_a_retry_that_is_given_back_keeps_the_attempt_before_it(scene: Scene) -> None:
    await scene.claim()
    assert await scene.give_back(await scene.claim(2)) == 1
    flight = await scene.flight()
    assert (flight["claimed_number"], flight["folded_number"]) == (1, 0)
    assert (await scene.claim(2)).number == 2


async def test_many_claims_are_given_back_in_one_statement(pool: asyncpg.Pool) -> None:
    ids, worker = await many_flights(pool, 300), uuid4()
    claims = await store.claim(pool, worker, [AskedJob(message_id, 1) for message_id in ids])
    backs = [GivenBack(worker, claim.message_id, claim.number, claim.claimed_at) for claim in claims[:200]]
    assert await store.give_back(pool, backs) == 200
    assert await pool.fetchval("SELECT count(*) FROM flights WHERE claimed_number = 1") == 100


async def test_two_dispatchers_fed_the_same_jobs_claim_each_once(pool: asyncpg.Pool) -> None:
    ids = await many_flights(pool, 2000)

    async def dispatcher(order: list[int]) -> list[int]:
        sent, worker, waiting = [], uuid4(), list(order)
        while waiting:
            batch, waiting = waiting[:100], waiting[100:]
            for claim in await store.claim(pool, worker, [AskedJob(message_id, 1) for message_id in batch]):
                if claim.verdict == "send":
                    sent.append(claim.message_id)
                elif claim.verdict == "locked":
                    waiting.append(claim.message_id)
        return sent

    first, second = await asyncio.gather(dispatcher(ids), dispatcher(ids))
    assert sorted(first + second) == sorted(ids)


async def test_the_retries_that_wait_on_the_broker_are_counted(scene: Scene) -> None:
    await scene.pool.execute("UPDATE flights SET due_at = now() + interval '5 min'")
    assert await store.count_queued_retries(scene.pool) == 1


class Beating:
    """A dispatcher's row, and its beats on a connection of its own."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.process = uuid4()

    async def join(self, instead_of: UUID | None = None) -> None:
        await store.add_process(self._connection, self.process, instead_of=instead_of)

    async def beat(self, *heard: int, names: Sequence[UUID] = ()) -> BeatAnswer:
        return await store.beat(
            self._connection, self.process, heard, names, sending=True, stale_after=timedelta(seconds=17), seconds=5
        )


@pytest.fixture
async def beating(pool: asyncpg.Pool) -> AsyncIterator[Beating]:
    async with pool.acquire() as connection:
        made = Beating(connection)
        await made.join()
        yield made


async def test_a_beat_keeps_the_process_and_all_its_names_alive(pool: asyncpg.Pool, beating: Beating) -> None:
    names = [uuid4(), uuid4()]
    assert await beating.beat(names=names) == BeatAnswer(known=True, edits=[])
    rows = await pool.fetch("SELECT id, stale_after FROM workers WHERE beat_at > now() - interval '5 s' AND sending")
    assert {row["id"] for row in rows} == set(names)
    assert {row["stale_after"] for row in rows} == {timedelta(seconds=17)}
    assert await pool.fetchval("SELECT count(*) FROM processes WHERE beat_at > now() - interval '5 s'") == 1


async def test_a_beat_brings_the_edits_that_it_does_not_report(pool: asyncpg.Pool, beating: Beating) -> None:
    await pool.execute("INSERT INTO edits (mailing_id, client_ids) VALUES (7, NULL), (NULL, '{1,2}'), (NULL, NULL)")
    await pool.execute("INSERT INTO edits (mailing_id, edited_at) VALUES (8, now() - interval '11 s')")
    answer = await beating.beat()
    assert answer.edits == [HeardEdit(1, 7), HeardEdit(2, None, [1, 2]), HeardEdit(3)]
    # An id that commits late comes with a later beat.
    assert [edit.id for edit in (await beating.beat(1, 3)).edits] == [2]
    assert await pool.fetchval("SELECT heard FROM processes") == [1, 3]


async def test_a_fenced_process_is_unknown_and_its_names_live_on(pool: asyncpg.Pool, beating: Beating) -> None:
    name, before = uuid4(), beating.process
    await pool.execute("UPDATE processes SET fenced_at = now(), beat_at = now() - interval '1 min'")
    assert not (await beating.beat(1, names=[name])).known
    assert await pool.fetchval("SELECT heard FROM processes") == []
    assert await pool.fetchval("SELECT count(*) FROM workers WHERE id = $1", name) == 1
    beating.process = uuid4()
    await beating.join(instead_of=before)
    assert (await beating.beat(names=[name])).known
    assert await pool.fetchval("SELECT count(*) FROM processes") == 1


async def test_a_process_that_joins_twice_has_one_row(pool: asyncpg.Pool, beating: Beating) -> None:
    await beating.join()
    assert await pool.fetchval("SELECT count(*) FROM processes") == 1
    await store.remove_process(pool, beating.process)
    assert await pool.fetchval("SELECT count(*) FROM processes") == 0


async def test_a_personal_text_is_rendered_from_the_live_values(scene: Scene) -> None:
    await scene.set_mailing("text = 'Hello, {{name}}, {{city|you}}', personal = true")
    await scene.pool.execute("""UPDATE clients SET attributes = '{"name": "{{city}}"}'""")
    claim = await scene.claim()
    assert (claim.verdict, claim.text, claim.values) == ("send", "Hello, {{city}}, you", ("{{city}}",))


async def test_a_text_that_is_not_personal_is_sent_with_its_braces(scene: Scene) -> None:
    await scene.set_mailing("text = 'Hello, {{name}}'")
    claim = await scene.claim()
    assert (claim.text, claim.values, claim.refusal) == ("Hello, {{name}}", (), None)


async def test_a_value_that_is_gone_makes_a_claim_that_sends_nothing(scene: Scene) -> None:
    await scene.set_mailing("text = 'Hello, {{name}}', personal = true")
    claim = await scene.claim()
    assert (claim.verdict, claim.text, claim.refusal) == ("send", "", "no value: name")


async def test_who_is_on_the_stop_list_is_not_claimed(scene: Scene) -> None:
    await scene.pool.execute("UPDATE clients SET suppression_id = 7")
    assert await scene.verdict() == "over"
    await scene.pool.execute("UPDATE clients SET suppression_id = NULL")
    assert await scene.verdict() == "send"


async def test_a_job_is_put_back_on_a_day_without_a_window(scene: Scene) -> None:
    today = datetime.now(UTC).isoweekday()
    for hours in ("'00:00', window_to = '23:59'", "'23:59', window_to = '23:58'"):
        await scene.set_mailing(
            f"window_from = {hours}, window_days = {127 - (1 << (today - 1)) - (1 << (today - 2) % 7)}"
        )
        await scene.pool.execute("UPDATE flights SET released_at = now(), due_at = now()")
        assert await scene.verdict() == "put back"


async def test_attributes_leave_the_database_only_where_a_provider_is_told_some(scene: Scene) -> None:
    await scene.pool.execute("""UPDATE clients SET attributes = '{"telegram_id": 4711}'""")
    (plain,) = await store.claim(scene.pool, scene.worker, [AskedJob(scene.message_id, 1)])
    assert plain.client_attributes is None
    assert await scene.give_back(plain) == 1
    (told,) = await store.claim(scene.pool, scene.worker, [AskedJob(scene.message_id, 1)], attributes=True)
    assert (told.text, told.attribute("telegram_id")) == (plain.text, 4711)
