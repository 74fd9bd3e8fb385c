"""HEAD, OPTIONS and compression, which hold for every route."""

import gzip
from typing import Any

import asyncpg
import pytest
from aiohttp import ClientResponse

from services.api.routes import ROUTES
from services.api.web.compression import LARGE_BYTES, MIN_BYTES
from services.api.web.route import PREFIX
from tests.integration.api.fakes import AUTHORIZED, Api
from tests.integration.api.rows import Rows

GETS = [
    "/clients",
    "/clients/{client}",
    "/clients/export",
    "/mailings",
    "/mailings/{mailing}",
    "/mailings/{mailing}/messages",
    "/mailings/{mailing}/statistics",
    "/messages/{message}",
    "/statistics",
    "/statistics/mailings",
]


async def raw(api: Api, method: str, path: str, **headers: str) -> tuple[ClientResponse, bytes]:
    """Asks without any header that was not asked for, and takes the answer as it is."""
    skipped = ["Accept-Encoding", "Accept"]
    async with api.client.request(
        method, PREFIX + path, headers={**AUTHORIZED, **headers}, skip_auto_headers=skipped, auto_decompress=False
    ) as response:
        return response, await response.read()


async def paths(rows: Rows) -> list[str]:
    client, mailing = await rows.client("79990000001", tag="vip"), await rows.mailing("running")
    message = await rows.message(mailing, client)
    return [path.format(client=client, mailing=mailing, message=message) for path in GETS]


async def test_head_answers_what_get_would_without_the_body(api: Api, rows: Rows, subtests: pytest.Subtests) -> None:
    for path in await paths(rows):
        with subtests.test(path=path):
            asked, body = await raw(api, "GET", path)
            head, nothing = await raw(api, "HEAD", path)
            assert (head.status, nothing) == (200, b"")
            for name in ("Content-Type", "Cache-Control", "Vary", "Link", "Content-Length"):
                assert head.headers.get(name) == asked.headers.get(name), name
            if "Content-Length" in asked.headers:
                assert int(head.headers["Content-Length"]) == len(body)
            assert (await raw(api, "HEAD", path, Authorization="Bearer wrong"))[0].status == 401


async def test_head_of_a_csv_does_not_write_it(api: Api, rows: Rows) -> None:
    mailing = await rows.mailing("running")
    head, body = await raw(api, "HEAD", f"/mailings/{mailing}/messages", Accept="text/csv")
    assert (head.status, head.content_type, body) == (200, "text/csv", b"")
    assert (await raw(api, "HEAD", "/mailings/99/messages"))[0].status == 404


async def test_options_names_the_methods_of_a_path(api: Api, rows: Rows, subtests: pytest.Subtests) -> None:
    await rows.token("look", "viewer")
    expected: dict[str, set[str]] = {}
    for route in ROUTES:
        methods = expected.setdefault(route.path.replace(":[0-9]{1,19}", ""), {"OPTIONS"})
        methods |= {route.method} | ({"HEAD"} if route.answers_head else set())
    for path, methods in expected.items():
        with subtests.test(path=path):
            plain = path.format(client_id=1, mailing_id=1, message_id=1)
            answered, body = await raw(api, "OPTIONS", plain, Authorization="Bearer look")
            assert (answered.status, body) == (204, b"")
            assert set(answered.headers["Allow"].split(", ")) == methods
            assert (await raw(api, "OPTIONS", plain, Authorization=""))[0].status == 401
    assert (await raw(api, "OPTIONS", "/nothing"))[0].status == 404


async def some_clients(pool: asyncpg.Pool, count: int) -> None:
    await pool.execute(
        "INSERT INTO clients (phone, operator_code, tag, timezone)"
        " SELECT '7999' || lpad(n::text, 7, '0'), '999', '', 'UTC' FROM generate_series(1, $1::int) n",
        count,
    )


@pytest.mark.parametrize("count", [20, 1000])
async def test_a_large_answer_is_compressed_for_those_who_take_it(api: Api, pool: asyncpg.Pool, count: int) -> None:
    await some_clients(pool, count)
    plain, body = await raw(api, "GET", "/clients?limit=1000")
    packed, small = await raw(api, "GET", "/clients?limit=1000", **{"Accept-Encoding": "br, gzip"})
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(small) == body
    assert len(small) < len(body) / 3
    assert int(packed.headers["Content-Length"]) == len(small)
    assert plain.headers["Vary"] == packed.headers["Vary"] == "Accept, Accept-Encoding"
    head, _ = await raw(api, "HEAD", "/clients?limit=1000", **{"Accept-Encoding": "gzip"})
    assert head.headers["Content-Length"] == packed.headers["Content-Length"]


def test_both_ways_of_compressing_are_tested() -> None:
    of_one_client = 150
    assert 20 * of_one_client > MIN_BYTES
    assert 20 * of_one_client < LARGE_BYTES < 1000 * of_one_client


@pytest.mark.parametrize("header", ["identity", "gzip;q=0", "br", ""])
async def test_others_get_it_plain(api: Api, pool: asyncpg.Pool, header: str) -> None:
    await some_clients(pool, 20)
    plain, _ = await raw(api, "GET", "/clients", **{"Accept-Encoding": header})
    assert "Content-Encoding" not in plain.headers


async def test_a_small_answer_is_not_compressed(api: Api) -> None:
    small, _ = await raw(api, "GET", "/statistics", **{"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in small.headers


@pytest.mark.parametrize("accept", ["text/csv", "application/x-ndjson"])
async def test_a_stream_is_compressed_while_it_is_written(api: Api, pool: asyncpg.Pool, accept: str) -> None:
    await some_clients(pool, 3500)
    headers: dict[str, Any] = {"Accept": accept}
    _, body = await raw(api, "GET", "/clients/export", **headers)
    packed, small = await raw(api, "GET", "/clients/export", **headers, **{"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.headers["Transfer-Encoding"] == "chunked"
    assert gzip.decompress(small) == body
    assert len(small) < len(body) / 3
