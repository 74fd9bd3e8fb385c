"""The health of the whole, and the overview, as the tables and the broker have them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import asyncpg

from services.dispatcher.providers import store as dispatchers
from services.dispatcher.providers.store import ProviderReport
from shared.broker import Depth, Unpublished
from tests.integration.api.fakes import Api, MakeApi
from tests.integration.api.rows import Rows


class Queues:
    """Dead queues on a broker that may be away."""

    def __init__(self, *ready: int) -> None:
        self.ready = ready
        self.reads = 0

    async def read_depths(self, queues: Sequence[str]) -> dict[str, Depth]:
        self.reads += 1
        if not self.ready:
            raise Unpublished("not connected")
        return {queue: Depth(ready, 0) for queue, ready in zip(queues, self.ready, strict=True)}


async def beat(pool: asyncpg.Pool) -> None:
    await pool.execute("INSERT INTO processes (id, beat_at) VALUES ($1, clock_timestamp())", uuid4())


def report(breaker: str, *, reason: str | None = None, failing: float = 0.0) -> ProviderReport:
    return ProviderReport("smsc", breaker, reason, 1, 5.0, failing, test_mode=False)


async def test_an_installation_at_rest(make_api: MakeApi, pool: asyncpg.Pool) -> None:
    queues = Queues(0, 2, 1)
    api = await make_api(queues=queues)
    await beat(pool)
    body = (await api.get("/health")).body
    assert (body["activity"]["code"], body["dispatchers"], body["broker"]) == ("sending", 1, "up")
    assert (body["dead_letters"], body["running"], body["backlog"], body["rate"]) == (3, 0, 0, 0.0)
    assert body["oldest_job_seconds"] is None
    for _ in range(5):
        await api.get("/health")
    assert queues.reads == 1


async def test_without_dispatcher_and_broker(make_api: MakeApi) -> None:
    body = (await (await make_api(queues=Queues())).get("/health")).body
    assert (body["activity"]["code"], body["broker"], body["dead_letters"]) == ("no_dispatcher", "away", None)


async def test_a_mailing_says_that_the_provider_is_down_and_since_when(
    api: Api, rows: Rows, pool: asyncpg.Pool
) -> None:
    mailing, process = await rows.mailing("running", pending=9, sent=1), uuid4()
    client = await rows.client("79161234567")
    await rows.flight(
        await rows.message(mailing, client), due_at=datetime.now(UTC) - timedelta(seconds=40), released_at=NOW
    )
    await beat(pool)
    await dispatchers.report(pool, process, [report("closed")])
    assert (await api.get(f"/mailings/{mailing}")).body["activity"]["code"] == "stalled"
    await dispatchers.report(pool, process, [report("open", reason="provider unreachable")])
    since = (await api.get("/providers")).body["items"][0]["broken_since"]
    assert since is not None
    await dispatchers.report(pool, process, [report("half-open", reason="provider unreachable")])
    shown = (await api.get(f"/mailings/{mailing}")).body["activity"]
    assert (shown["code"], shown["since"], shown["reason"]) == ("provider_down", since, "provider unreachable")
    assert (await api.get("/mailings")).body["items"][0]["activity"] == shown
    health = (await api.get("/health")).body
    assert (health["activity"], health["running"], health["backlog"]) == (shown, 1, 9)
    assert 39 < health["oldest_job_seconds"] < 60
    overview = (await api.get("/overview")).body
    assert [one["code"] for one in overview["attention"]] == ["held_up", "broker_away"]
    await dispatchers.report(pool, process, [report("closed")])
    assert (await api.get("/providers")).body["items"][0]["broken_since"] is None


async def test_a_few_messages_that_fail_say_as_what(api: Api, rows: Rows, pool: asyncpg.Pool) -> None:
    await pool.execute("INSERT INTO processes (id, beat_at) VALUES (gen_random_uuid(), 'infinity')")
    mailing = await rows.mailing("running", retrying=3)
    await pool.execute(
        "INSERT INTO outcomes VALUES ($1, 'accepted', 50), ($1, 'timeout', 1), ($1, 'server_error', 6)", mailing
    )
    shown = (await api.get(f"/mailings/{mailing}")).body["activity"]
    assert (shown["code"], shown["reason"]) == ("retrying", "server_error")


async def test_the_rate_of_a_mailing_is_that_of_its_statistics(api: Api, rows: Rows, pool: asyncpg.Pool) -> None:
    mailing = await rows.mailing("running", pending=100, sent=40)
    await pool.execute("UPDATE mailing_work SET expansion_done = true")
    await pool.execute("INSERT INTO minutes VALUES ($1, date_trunc('minute', now()), 30, 10)", mailing)
    shown = (await api.get(f"/mailings/{mailing}")).body
    statistics = (await api.get(f"/mailings/{mailing}/statistics")).body
    assert shown["rate"] > 0
    assert abs(shown["rate"] - statistics["rate"]) < 0.1
    assert abs(shown["eta"] - statistics["eta"]) < 10


async def test_the_overview_has_the_last_day_what_needs_attention_and_what_comes_next(
    api: Api, rows: Rows, pool: asyncpg.Pool
) -> None:
    half, none = await rows.mailing("finished", sent=5, rejected=5), await rows.mailing("finished", expired=7)
    fine = await rows.mailing("finished", sent=100, rejected=5)
    old = await rows.mailing("finished", rejected=5)
    late, paused = await rows.mailing("running", pending=10), await rows.mailing("paused", pending=3)
    next_one = await rows.mailing("scheduled")
    await pool.execute("UPDATE mailing_work SET expansion_done = true")
    await pool.execute("UPDATE mailings SET finished_at = now() - interval '25 h' WHERE id = $1", old)
    await pool.execute(
        "UPDATE mailings SET name = 'Sale', end_at = now() + interval '10 min' WHERE id IN ($1, $2)", late, paused
    )
    await pool.execute("UPDATE mailings SET end_at = now() + interval '9 min' WHERE id = $1", paused)
    quarter = "to_timestamp(floor(extract(epoch FROM now()) / 900) * 900 - 3600)"
    for owner, at in ((half, f"{quarter} + interval '1 min'"), (fine, f"{quarter} + interval '14 min'")):
        await pool.execute(f"INSERT INTO minutes VALUES ($1, {at}, 10, 1)", owner)
    overview = (await api.get("/overview")).body
    assert [(one["sent"], one["failed"]) for one in overview["last_day"]] == [(20, 2)]
    found = {(one["code"], one["mailing_id"]): one for one in overview["attention"] if one["mailing_id"]}
    assert list(found) == [
        ("nothing_sent", none), ("failing", half), ("ends_paused", paused), ("ends_unsent", late)
    ]  # fmt: skip
    assert (found["failing", half]["count"], found["failing", half]["share"]) == (5, 0.5)
    assert [(one["mailing_id"], one["what"]) for one in overview["upcoming"]] == [
        (paused, "ends"), (late, "ends"), (next_one, "starts")
    ]  # fmt: skip


NOW = datetime.now(UTC)
