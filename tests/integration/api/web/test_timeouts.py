"""How long a caller and a request may take."""

import asyncio
from typing import Any

import asyncpg
import pytest
from structlog.testing import capture_logs

from services.api.listener import listen
from services.api.web.timeouts import Timeouts
from tests.integration.api.fakes import ADMIN_TOKEN, AUTHORIZED, Api, MakeApi, an_app, an_open_gate
from tests.integration.api.rows import Rows
from tests.integration.api.sockets import not_reading, until


async def test_a_statement_that_takes_too_long_is_a_503_with_that_reason(
    make_api: MakeApi, pool: asyncpg.Pool, database_url: str
) -> None:
    quick = {"statement_timeout": "100"}
    async with asyncpg.create_pool(database_url, min_size=1, max_size=2, server_settings=quick) as impatient:
        api = await make_api(database=an_open_gate(impatient))
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute("LOCK TABLE clients")
            refused = await api.get("/clients")
        assert (refused.status, refused.headers["Content-Type"]) == (503, "application/problem+json")
        assert "too long" in refused.body["detail"]
        assert refused.headers["Retry-After"]
        assert (await api.get("/clients")).status == 200


async def test_a_request_that_takes_too_long_is_given_up(make_api: MakeApi, rows: Rows, pool: asyncpg.Pool) -> None:
    mailing = await rows.mailing("running")
    api = await make_api(timeouts=Timeouts(request=0.3))
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT FROM mailings FOR UPDATE")
        refused = await api.post(f"/mailings/{mailing}/pause")
    assert (refused.status, refused.headers["Content-Type"]) == (503, "application/problem+json")
    assert "was stopped" in refused.body["detail"]
    assert (await api.get(f"/mailings/{mailing}")).body["status"] == "running"


async def drip(port: int, first: str, more: bytes, every: float = 0.1) -> tuple[bytes, int]:
    """Sends a beginning, then byte after byte, until an answer or the end of the connection comes.

    Returns how the answer begins, and how many bytes were sent.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answer = asyncio.create_task(reader.read(12))
    writer.write(first.replace("\n", "\r\n").encode())
    sent = 0
    try:
        async with asyncio.timeout(20):
            while not answer.done():
                writer.write(more[sent % len(more) :][:1])
                sent += 1
                await asyncio.sleep(every)
        return answer.result(), sent
    except ConnectionError:
        return b"", sent
    finally:
        answer.cancel()
        writer.close()


HEAD = f"POST /api/v1/clients HTTP/1.1\nHost: x\nAuthorization: Bearer {ADMIN_TOKEN}\nContent-Type: application/json\n"


async def test_a_body_that_drips_is_a_408(make_api: MakeApi) -> None:
    api = await make_api(timeouts=Timeouts(body=0.5))
    assert api.client.port is not None
    answer, sent = await drip(api.client.port, HEAD + "Connection: close\nContent-Length: 1000\n\n", b" ")
    assert answer == b"HTTP/1.1 408"
    assert sent < 50


@pytest.mark.parametrize("first", ["", HEAD, "GET"])
async def test_a_head_that_drips_closes_the_connection(first: str, free_port: int) -> None:
    async with listen(an_app(), "127.0.0.1", free_port, idle_seconds=0.5):
        _, sent = await drip(free_port, first, b"X-Header: x\r\n")
    assert sent < 50


async def test_an_export_that_nobody_reads_is_cut_off(make_api: MakeApi, pool: asyncpg.Pool) -> None:
    await pool.execute(
        "INSERT INTO clients (phone, operator_code, tag, timezone)"
        " SELECT '7999' || lpad(n::text, 7, '0'), '999', repeat('x', 64), 'UTC' FROM generate_series(1, 100000) n"
    )
    api = await make_api(timeouts=Timeouts(reader=0.5))
    with capture_logs() as lines:
        async with not_reading(api, "/api/v1/clients/export"):
            await until(lambda: "download aborted" in events_in(lines))
    assert "TimeoutError" in repr(lines)


def events_in(lines: list[Any]) -> list[str]:
    return [line["event"] for line in lines]


async def test_a_request_is_answered_while_others_drip(api: Api) -> None:
    assert api.client.port is not None
    slow = [asyncio.create_task(drip(api.client.port, HEAD + "Content-Length: 1000\n\n", b" ")) for _ in range(50)]
    async with asyncio.timeout(10), api.client.get("/api/v1/clients", headers=AUTHORIZED) as response:
        assert response.status == 200
    for task in slow:
        task.cancel()
    await asyncio.gather(*slow, return_exceptions=True)
