"""Delivery: of a mailing, by provider and by operator code; and in lists of messages."""

from datetime import UTC, datetime, timedelta

import asyncpg

from services.api.stop_list.adding import take_opt_outs
from services.api.stop_list.keys import StopListKey
from shared.providers.delivery_times import bucket_of
from tests.integration.api.fakes import Api
from tests.integration.api.rows import Rows, from_now

EXPECTED = {"smsc": timedelta(hours=72)}


async def deliver(pool: asyncpg.Pool, message_id: int, delivery: str, reason: str = "") -> None:
    """Folds a receipt as the reporter does."""
    await pool.execute(
        """
        WITH d AS (
            INSERT INTO deliveries (message_id, mailing_id, provider, operator_code, delivery, reason, at, bucket)
            SELECT m.id, m.mailing_id, 'smsc', c.operator_code, $2, $3, now(), $4
            FROM messages m JOIN clients c ON c.id = m.client_id WHERE m.id = $1
            RETURNING *
        ), counted AS (
            INSERT INTO delivery_counts AS o (mailing_id, provider, operator_code, delivery, reason, count)
            SELECT mailing_id, provider, operator_code, delivery, reason, 1 FROM d
            ON CONFLICT (mailing_id, provider, operator_code, delivery, reason) DO UPDATE SET count = o.count + 1
        )
        INSERT INTO delivery_times SELECT mailing_id, provider, operator_code, bucket, 1 FROM d
        WHERE bucket IS NOT NULL
        """,
        message_id,
        delivery,
        reason,
        bucket_of(10) if delivery == "delivered" else None,
    )


async def a_mailing(rows: Rows) -> tuple[int, list[int]]:
    """Five messages sent through smsc: one delivered, two undelivered, one waiting, and one without a receipt."""
    mailing_id = await rows.mailing("finished", sent=5)
    message_ids = []
    for place in range(5):
        client_id = await rows.client(f"79{place % 2}0000000{place}")
        message_ids.append(await rows.message(mailing_id, client_id, "sent", attempts=1, started_at=datetime.now(UTC)))
    await rows.pool.execute(
        "INSERT INTO provider_outcomes VALUES ($1, 'smsc', 'accepted', 5, 0), ($1, 'old', 'accepted', 9, 0)", mailing_id
    )
    said = [("delivered", ""), ("undelivered", "6"), ("undelivered", "6"), ("waiting", "")]
    for message_id, (delivery, reason) in zip(message_ids, said, strict=False):
        await deliver(rows.pool, message_id, delivery, reason)
    return mailing_id, message_ids


async def test_delivery_is_told_in_all_by_provider_and_by_operator(api: Api, rows: Rows) -> None:
    mailing_id, _ = await a_mailing(rows)
    body = (await api.get(f"/mailings/{mailing_id}/statistics/delivery")).body
    assert (body["delivered"], body["undelivered"], body["waiting"], body["unconfirmed"]) == (1, 2, 1, 1)
    assert body["reasons"] == [{"reason": "6", "count": 2}]
    (smsc,) = body["by_provider"]
    assert (smsc["provider"], smsc["delivered"], smsc["unconfirmed"], smsc["no_receipt"]) == ("smsc", 1, 1, 0)
    assert abs(smsc["time_to_handset"]["p95"] - 10) < 1
    assert [(one["operator_code"], one["undelivered"]) for one in body["by_operator"]] == [("900", 1), ("910", 1)]
    statistics = (await api.get(f"/mailings/{mailing_id}/statistics")).body
    assert statistics["delivery"] == {"delivered": 1, "undelivered": 2, "waiting": 1}


async def test_a_mailing_without_receipts_has_none(api: Api, rows: Rows) -> None:
    mailing_id = await rows.mailing("finished", sent=1)
    assert (await api.get(f"/mailings/{mailing_id}/statistics")).body["delivery"] is None
    assert (await api.get(f"/mailings/{mailing_id}/statistics/delivery")).body["by_provider"] == []
    assert (await api.get("/mailings/999/statistics/delivery")).status == 404


async def test_messages_tell_what_receipts_say_of_them(api: Api, rows: Rows) -> None:
    mailing_id, message_ids = await a_mailing(rows)
    items = (await api.get(f"/mailings/{mailing_id}/messages")).body["items"]
    assert [one["delivery"] for one in items] == ["delivered", "undelivered", "undelivered", "waiting", None]
    assert [one["delivered_at"] is None for one in items] == [False, True, True, True, True]
    csv = (await api.get(f"/mailings/{mailing_id}/messages", headers={"Accept": "text/csv"})).body.splitlines()
    assert csv[0].endswith(",delivery,delivery_reason,delivered_at")
    assert csv[2].endswith(",undelivered,6,")
    assert (await api.get(f"/messages/{message_ids[1]}")).body["delivery_reason"] == "6"


async def test_messages_are_filtered_by_what_receipts_say(api: Api, rows: Rows) -> None:
    mailing_id, message_ids = await a_mailing(rows)

    async def ids(query: str) -> list[int]:
        return [one["id"] for one in (await api.get(f"/mailings/{mailing_id}/messages?{query}")).body["items"]]

    assert await ids("delivery=delivered") == message_ids[:1]
    assert await ids("delivery=undelivered") == message_ids[1:3]
    assert await ids("delivery=undelivered&limit=1") == message_ids[1:2]
    assert await ids("delivery=waiting") == message_ids[3:4]
    assert await ids("delivery=waiting&status=rejected") == await ids("delivery=waiting&reason=x") == []
    phone = "79100000001"
    assert (await ids(f"delivery=undelivered&phone={phone}"), await ids(f"delivery=waiting&phone={phone}")) == (
        message_ids[1:2],
        [],
    )
    assert (await api.get(f"/mailings/{mailing_id}/messages?delivery=lost")).status == 422


async def test_undelivered_messages_are_sent_again(api: Api, rows: Rows, pool: asyncpg.Pool) -> None:
    mailing_id, _ = await a_mailing(rows)
    wanted = {"delivery": ["undelivered"], "end_at": from_now(hours=3)}
    assert (await api.post(f"/mailings/{mailing_id}/resend", wanted)).body == {"messages": 2}
    (row,) = await pool.fetch("SELECT statuses::text[], delivery, message_ids FROM resends")
    assert tuple(row) == ([], ["undelivered"], None)


async def test_who_opted_out_at_a_provider_joins_the_stop_list(api: Api, rows: Rows, pool: asyncpg.Pool) -> None:
    client_id = await rows.client("79000000001")
    await pool.execute("INSERT INTO opt_outs (client_id, provider) VALUES ($1, 'smsc'), (999, 'smsc')", client_id)
    assert await take_opt_outs(pool, StopListKey("a key of at least sixteen")) == 2
    (row,) = await pool.fetch("SELECT source, added_by FROM suppressions")
    assert tuple(row) == ("provider", "provider:smsc")
    assert await pool.fetchval("SELECT suppression_id IS NOT NULL FROM clients WHERE id = $1", client_id)
    assert await pool.fetchval("SELECT count(*) FROM opt_outs") == 0
