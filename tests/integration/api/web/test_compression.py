"""Answers are compressed for those who take it."""

import gzip
from typing import Any

import asyncpg
import pytest

from services.api.web.writing.compression import LARGE_BYTES, MIN_BYTES
from tests.integration.api.fakes import ADMIN_TOKEN, Api
from tests.integration.api.http import bare, raw_heads


async def some_clients(pool: asyncpg.Pool, count: int) -> None:
    await pool.execute(
        "INSERT INTO clients (phone, operator_code, tag, timezone)"
        " SELECT '7999' || lpad(n::text, 7, '0'), '999', '', 'UTC' FROM generate_series(1, $1::int) n",
        count,
    )


@pytest.mark.parametrize("count", [20, 1000])
async def test_a_large_answer_is_compressed_for_those_who_take_it(api: Api, pool: asyncpg.Pool, count: int) -> None:
    await some_clients(pool, count)
    plain, body = await bare(api, "GET", "/clients?limit=1000")
    packed, small = await bare(api, "GET", "/clients?limit=1000", **{"Accept-Encoding": "br, gzip"})
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(small) == body
    assert len(small) < len(body) / 3
    assert int(packed.headers["Content-Length"]) == len(small)
    assert plain.headers["Vary"] == packed.headers["Vary"] == "Accept, Accept-Encoding"
    head, _ = await bare(api, "HEAD", "/clients?limit=1000", **{"Accept-Encoding": "gzip"})
    assert head.headers["Content-Length"] == packed.headers["Content-Length"]


def test_both_ways_of_compressing_are_tested() -> None:
    of_one_client = 150
    assert 20 * of_one_client > MIN_BYTES
    assert 20 * of_one_client < LARGE_BYTES < 1000 * of_one_client


@pytest.mark.parametrize("header", ["identity", "gzip;q=0", "br", ""])
async def test_others_get_it_plain(api: Api, pool: asyncpg.Pool, header: str) -> None:
    await some_clients(pool, 20)
    plain, _ = await bare(api, "GET", "/clients", **{"Accept-Encoding": header})
    assert "Content-Encoding" not in plain.headers


async def test_a_small_answer_is_not_compressed(api: Api) -> None:
    small, _ = await bare(api, "GET", "/statistics", **{"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in small.headers


async def test_after_the_answer_to_head_the_connection_serves_the_next_request(api: Api) -> None:
    """The trailer of a compressor after a head would be read as the beginning of the next answer."""
    for path in ("/clients/export", "/clients"):
        lines = (f"HEAD /api/v1{path} HTTP/1.1", "Host: x", f"Authorization: Bearer {ADMIN_TOKEN}")
        one = "\n".join((*lines, "Accept-Encoding: gzip, deflate")) + "\n\n"
        heads = await raw_heads(api, one * 3, 3)
        assert all(answered.startswith(b"HTTP/1.1 200 OK\r\n") for answered in heads), heads


@pytest.mark.parametrize("accept", ["text/csv", "application/x-ndjson"])
async def test_a_stream_is_compressed_while_it_is_written(api: Api, pool: asyncpg.Pool, accept: str) -> None:
    await some_clients(pool, 3500)
    headers: dict[str, Any] = {"Accept": accept}
    _, body = await bare(api, "GET", "/clients/export", **headers)
    packed, small = await bare(api, "GET", "/clients/export", **headers, **{"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.headers["Transfer-Encoding"] == "chunked"
    assert gzip.decompress(small) == body
    assert len(small) < len(body) / 3
