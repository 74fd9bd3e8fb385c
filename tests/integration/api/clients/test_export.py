"""GET /clients/export."""

import csv
import io
import json
from contextlib import AsyncExitStack
from typing import Any

import asyncpg

from tests.integration.api.fakes import AUTHORIZED, Api
from tests.integration.api.rows import Rows

CLIENTS = """
    SELECT phone, operator_code, tag, timezone, further_tags, external_id, attributes
    FROM clients WHERE deleted_at IS NULL ORDER BY phone
    """
COLUMNS = ["phone", "operator_code", "tag", "timezone", "tags", "external_id", "attributes"]


async def directory(pool: asyncpg.Pool) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in await pool.fetch(CLIENTS)]


async def test_the_export_can_be_imported_again(api: Api, rows: Rows, pool: asyncpg.Pool) -> None:
    for number in range(2500):
        await rows.client(f"7999000{number:04}", tag='a, "b"' if number % 2 else "", timezone="Asia/Tokyo")
    await pool.execute(
        """
        UPDATE clients SET further_tags = ARRAY['x, "y"', 'z'], external_id = 'K-' || id, attributes = '{"points": 1.5}'
        WHERE tag <> '' AND id % 4 = 0
        """
    )
    before = await directory(pool)
    exported = await api.get("/clients/export", headers={"Accept": "text/csv"})
    assert exported.headers["Content-Type"] == "text/csv; charset=utf-8; header=present"
    table = list(csv.reader(io.StringIO(exported.body)))
    assert table[0] == COLUMNS
    assert [tuple(line[:4]) for line in table[1:]] == [row[:4] for row in before]
    await pool.execute("DELETE FROM clients")
    report = (await api.upload(exported.body.encode())).body
    assert (report["created"], report["rejected"]) == (2500, 0)
    assert await directory(pool) == before


async def test_the_export_speaks_ndjson_and_takes_filters(api: Api, rows: Rows) -> None:
    await rows.client("79990000001", tag="vip")
    await rows.client("78880000002", tag="new")
    exported = await api.get("/clients/export?tag=vip", headers={"Accept": "application/x-ndjson"})
    assert exported.headers["Content-Type"] == "application/x-ndjson; charset=utf-8"
    assert [json.loads(line) for line in exported.body.splitlines()] == [
        {
            "phone": "79990000001",
            "operator_code": "999",
            "tag": "vip",
            "tags": ["vip"],
            "timezone": "UTC",
            "external_id": None,
            "attributes": {},
        }
    ]


async def test_the_export_of_nobody_is_a_header(api: Api) -> None:
    assert (await api.get("/clients/export")).body == ",".join(COLUMNS) + "\r\n"


async def test_the_export_may_have_ids_and_may_be_for_a_spreadsheet(api: Api, rows: Rows) -> None:
    client = await rows.client("79990000001", tag="-2+3", operator_code="999")
    plain = await api.get("/clients/export?with_id=true")
    assert plain.body.splitlines() == [",".join(["id", *COLUMNS]), f"{client},79990000001,999,-2+3,UTC,-2+3,,"]
    excel = await api.get("/clients/export?for=excel")
    assert excel.body.splitlines() == [
        "\ufeff" + ";".join(["id", *COLUMNS]),
        f"{client};79990000001;999;'-2+3;UTC;'-2+3;;",
    ]


async def test_a_token_may_have_four_exports_open_and_no_more(api: Api, rows: Rows, pool: asyncpg.Pool) -> None:
    """Of callers that do not read, each holds a place until it is given up."""
    await pool.execute(
        "INSERT INTO clients (phone, operator_code, tag, timezone)"
        " SELECT '7999' || lpad(n::text, 7, '0'), '999', repeat('x', 60), 'UTC' FROM generate_series(1, 100000) n"
    )
    async with AsyncExitStack() as opened:
        for _ in range(4):
            first = await opened.enter_async_context(
                api.client.get("/api/v1/clients/export", headers=AUTHORIZED, read_bufsize=1024)
            )
            assert first.status == 200
        refused = await api.get("/clients/export")
        assert (refused.status, refused.body["code"]) == (429, "too-many-open")
        assert int(refused.headers["Retry-After"]) > 0
