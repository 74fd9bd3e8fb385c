"""POST /clients/import."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from services.api.clients.import_.batch import BATCH
from tests.integration.api.fakes import Api
from tests.integration.api.rows import Rows

CLIENTS = "SELECT phone, operator_code, tag, timezone FROM clients WHERE deleted_at IS NULL ORDER BY phone"


async def directory(pool: asyncpg.Pool) -> list[tuple[str, str, str, str]]:
    return [tuple(row) for row in await pool.fetch(CLIENTS)]


def counts(report: dict[str, Any]) -> dict[str, int]:
    """Returns the counts that are not 0."""
    return {name: value for name, value in report.items() if value and name != "errors"}


async def test_csv_and_bad_lines(api: Api, pool: asyncpg.Pool) -> None:
    body = (
        "\ufeffphone,tag,timezone,operator_code\r\n"
        '79990000001,"a, ""b""",Europe/Moscow,123\r\n'
        "79990000002,,,\r\n"
        "123,vip,,\r\n"
        "\r\n"
        "79990000003,vip\r\n"
        '79990000004,"open,,\r\n'
        ",,,\r\n"
        "79990000005,vip,Mars/Phobos,\r\n"
        "79990000006,a\x00b,,\r\n"
        "79990000007,last,,"
    )
    answered = await api.upload(body.encode())
    assert answered.status == 200
    report = answered.body
    assert [report[name] for name in ("created", "updated", "skipped", "rejected")] == [3, 0, 0, 5]
    assert [error["line"] for error in report["errors"]] == [4, 6, 7, 9, 10]
    assert await directory(pool) == [
        ("79990000001", "123", 'a, "b"', "Europe/Moscow"),
        ("79990000002", "999", "", "UTC"),
        ("79990000007", "999", "last", "UTC"),
    ]


async def test_ndjson_and_bad_lines(api: Api, pool: asyncpg.Pool) -> None:
    lines = [
        b'{"phone": "79990000001", "tag": "vip", "timezone": "Asia/Tokyo"}',
        b'{"phone": "79990000002"',
        b'{"phone": "79990000003", "extra": 1}',
        b'{"phone": 79990000004}',
        b"[]",
        b'{"phone": "79990000005", "phone": "79990000006"}',
        b'{"phone": "79990000007", "tag": "\xff"}',
        b'{"tag": "' + b"x" * 20_000 + b'"}',
        b'{"phone": "79990000008"}',
    ]
    answered = await api.upload(b"\n".join(lines), "application/x-ndjson; charset=utf-8")
    report = answered.body
    assert [report[name] for name in ("created", "updated", "skipped", "rejected")] == [2, 0, 0, 7]
    assert [error["line"] for error in report["errors"]] == [2, 3, 4, 5, 6, 7, 8]
    assert [row[0] for row in await directory(pool)] == ["79990000001", "79990000008"]


async def test_update_changes_what_is_given(api: Api, rows: Rows, pool: asyncpg.Pool) -> None:
    await rows.client("79990000001", tag="old", timezone="Asia/Tokyo", operator_code="123")
    await rows.client("79990000002", tag="old", timezone="Asia/Tokyo")
    body = '{"phone": "79990000001", "tag": "new"}\n{"phone": "79990000002"}\n{"phone": "79990000003"}\n'
    report = (await api.upload(body.encode(), "application/x-ndjson", params={"on_conflict": "update"})).body
    assert counts(report) == {"created": 1, "updated": 1, "unchanged": 1}
    assert await directory(pool) == [
        ("79990000001", "123", "new", "Asia/Tokyo"),
        ("79990000002", "999", "old", "Asia/Tokyo"),
        ("79990000003", "999", "", "UTC"),
    ]


async def test_skip_leaves_what_is_there(api: Api, rows: Rows, pool: asyncpg.Pool) -> None:
    await rows.client("79990000001", tag="old")
    body = b"phone,tag\n79990000001,new\n79990000002,new\n79990000002,newer\n"
    report = (await api.upload(body, params={"on_conflict": "skip"})).body
    assert counts(report) == {"created": 1, "skipped": 1, "repeated": 1}
    assert [row[2] for row in await directory(pool)] == ["old", "new"]


async def test_of_a_phone_that_comes_twice_the_last_one_counts(api: Api, pool: asyncpg.Pool) -> None:
    body = b"phone,tag\n79990000001,first\n79990000001,last\n"
    report = (await api.upload(body)).body
    assert counts(report) == {"created": 1, "repeated": 1}
    assert [row[2] for row in await directory(pool)] == ["last"]


async def test_a_phone_that_came_in_an_earlier_batch_is_told_apart_from_an_update(api: Api, rows: Rows) -> None:
    await rows.client("78880000000", tag="old")
    many = b"".join(b"7999%07d,first\n" % number for number in range(3 * BATCH))
    again = b"79990000000,last\n78880000000,new\n79990000001,first\n"
    report = (await api.upload(b"phone,tag\n" + many + again)).body
    assert counts(report) == {"created": 3 * BATCH, "updated": 1, "repeated": 2}


async def test_an_import_that_changes_nothing_moves_no_moment(api: Api, rows: Rows, pool: asyncpg.Pool) -> None:
    await rows.client("79990000001", tag="vip")
    before = await pool.fetchrow("SELECT updated_at FROM clients")
    report = (await api.upload(b"phone,tag\n79990000001, vip \n")).body
    assert counts(report) == {"unchanged": 1}
    assert await pool.fetchrow("SELECT updated_at FROM clients") == before


async def test_an_empty_value_keeps_what_is_there_or_clears_it(api: Api, rows: Rows, pool: asyncpg.Pool) -> None:
    await rows.client("79990000001", tag="old", timezone="Asia/Tokyo", operator_code="123")
    body = b"phone,operator_code,tag,timezone\n79990000001,,,\n"
    assert counts((await api.upload(body)).body) == {"unchanged": 1}
    assert await directory(pool) == [("79990000001", "123", "old", "Asia/Tokyo")]
    assert counts((await api.upload(body, params={"on_empty": "clear"})).body) == {"updated": 1}
    assert await directory(pool) == [("79990000001", "999", "", "UTC")]


async def test_a_note_with_a_line_break_is_no_client(api: Api, pool: asyncpg.Pool) -> None:
    body = b'phone,tag\r\n79990000001,"call back\r\n79990000002,"\r\n79990000003,x\r\n'
    report = (await api.upload(body)).body
    assert [error["line"] for error in report["errors"]] == [2]
    assert [row[0] for row in await directory(pool)] == ["79990000003"]


async def test_a_deleted_client_comes_back_as_a_new_one(api: Api, rows: Rows) -> None:
    await api.delete(f"/clients/{await rows.client('79990000001')}")
    assert (await api.upload(b"phone\n79990000001\n")).body["created"] == 1


async def test_a_new_zone_makes_the_waiting_flights_due(api: Api, rows: Rows, pool: asyncpg.Pool) -> None:
    mailing, later = await rows.mailing("running"), datetime.now(UTC) + timedelta(hours=5)
    for phone in ("79990000001", "79990000002"):
        message = await rows.message(mailing, await rows.client(phone, timezone="UTC"))
        await rows.flight(message, due_at=later)
    await api.upload(b"phone,timezone\n79990000001,UTC\n79990000002,Asia/Tokyo\n")
    due = await pool.fetch("SELECT due_at <= now() AS due FROM flights ORDER BY message_id")
    assert [row["due"] for row in due] == [False, True]


async def test_only_the_first_hundred_errors_are_listed(api: Api) -> None:
    report = (await api.upload(b"phone\n" + b"x\n" * 250)).body
    assert (report["rejected"], len(report["errors"])) == (250, 100)


@pytest.mark.parametrize(
    "body", [b"", b"tag\nvip\n", b"phone,phone\n", b"phone,name\n", b'"phone\n', b"\xff\xfe\n", b"x" * 20_000 + b"\n"]
)
async def test_a_csv_without_its_header_is_refused(api: Api, body: bytes) -> None:
    refused = await api.upload(body)
    assert (refused.status, refused.body["errors"][0]["loc"]) == (422, ["body"])


@pytest.mark.parametrize("media", ["application/json", "text/plain", "text/csv; charset=windows-1251"])
async def test_another_type_is_refused(api: Api, media: str) -> None:
    assert (await api.upload(b"phone\n", media)).status == 415


async def test_an_import_is_stored_batch_by_batch_as_it_comes_in(api: Api, pool: asyncpg.Pool) -> None:
    first_stored = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield b"phone,tag\n"
        yield b"".join(b"7999%07d,vip\n" % number for number in range(BATCH))
        await first_stored.wait()
        yield b"78880000000,vip"

    headers = {"Content-Type": "text/csv"}
    importing = asyncio.create_task(api.post("/clients/import", data=body(), headers=headers))
    async with asyncio.timeout(60):
        while await pool.fetchval("SELECT count(*) FROM clients") < BATCH:
            assert not importing.done()
        first_stored.set()
        assert (await importing).body["created"] == BATCH + 1


async def test_two_imports_of_the_same_phones_both_succeed(api: Api, pool: asyncpg.Pool) -> None:
    ascending = [b"7999%07d,a\n" % number for number in range(3000)]
    bodies = [b"phone,tag\n" + b"".join(lines) for lines in (ascending, ascending[::-1])]
    answers = await asyncio.gather(*(api.upload(body) for body in bodies))
    assert [answered.status for answered in answers] == [200, 200]
    assert sum(answered.body["created"] for answered in answers) == 3000
    assert await pool.fetchval("SELECT count(*) FROM clients") == 3000


async def test_after_many_new_clients_the_database_knows_how_many_there_are(api: Api, pool: asyncpg.Pool) -> None:
    await api.upload(b"phone\n" + b"".join(b"7999%07d\n" % number for number in range(10_000)))
    assert await pool.fetchval("SELECT reltuples FROM pg_class WHERE oid = 'clients'::regclass") == 10_000
