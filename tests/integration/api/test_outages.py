"""The API while the database, the broker or the caller is away."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import aio_pika
import asyncpg
import pytest
import pytest_asyncio
from aiohttp import ClientConnectionError, ClientPayloadError, ClientSession
from structlog.testing import capture_logs

from services.api.__main__ import main
from services.api.settings import ApiSettings
from shared.broker import declare
from shared.messages import MailingEvent, decode
from shared.settings import SettingsError
from shared.topology import PLANNER_MAILINGS, build
from shared.waiting import Stopped
from tests.integration.api.fakes import ADMIN_TOKEN, AUTHORIZED, Api, MakeApi, an_open_gate
from tests.integration.api.rows import from_now
from tests.support.relay import Relay

NOBODY = "amqp://guest:guest@127.0.0.1:1/"


def a_mailing() -> dict[str, Any]:
    return {"text": "Hello", "end_at": from_now(hours=1), "filter": {}}


@pytest_asyncio.fixture
async def relay(database_url: str) -> AsyncIterator[Relay]:
    async with Relay(database_url) as relay:
        yield relay


def settings(database: str, port: int, broker: str = NOBODY) -> ApiSettings:
    return ApiSettings.model_validate(
        {
            "database_url": database,
            "rabbitmq_url": broker,
            "api_port": port,
            "admin_token": ADMIN_TOKEN,
            "ops_port": 0,
        }
    )


class Process:
    """main() as a task, asked over HTTP from outside."""

    def __init__(self, config: ApiSettings, session: ClientSession) -> None:
        self._session, self._url = session, f"http://127.0.0.1:{config.api_port}/api/v1"
        self.stop = asyncio.Event()
        self.task = asyncio.create_task(main(config, self.stop))

    async def call(self, method: str, path: str, **more: Any) -> tuple[int, Any]:
        """Calls as soon as somebody listens."""
        while True:
            assert not self.task.done(), self.task
            try:
                async with self._session.request(method, self._url + path, headers=AUTHORIZED, **more) as response:
                    return response.status, await response.json(content_type=None)
            except ClientConnectionError:
                await asyncio.sleep(0.02)

    async def until(self, status: int) -> None:
        async with asyncio.timeout(20):
            # What the process does to itself can only be seen by asking.
            while (await self.call("GET", "/statistics"))[0] != status:  # noqa: ASYNC110
                await asyncio.sleep(0.02)

    async def end(self) -> None:
        self.stop.set()
        async with asyncio.timeout(20):
            await self.task


async def test_the_api_answers_503_until_the_database_is_there(relay: Relay, free_port: int) -> None:
    await relay.cut()
    async with ClientSession() as session:
        process = Process(settings(relay.url, free_port), session)
        status, body = await process.call("GET", "/statistics")
        assert (status, body["status"]) == (503, 503)
        assert (await process.call("POST", "/mailings", json=a_mailing()))[0] == 503
        await relay.mend()
        await process.until(200)
        await process.end()


async def test_the_api_stops_while_it_waits_for_the_database(relay: Relay, free_port: int) -> None:
    await relay.cut()
    async with ClientSession() as session:
        process = Process(settings(relay.url, free_port), session)
        await process.until(503)
        process.stop.set()
        with pytest.raises(Stopped):
            await process.task


async def test_an_outage_is_a_503_and_heals(make_api: MakeApi, relay: Relay) -> None:
    async with asyncpg.create_pool(relay.url, min_size=1, max_size=3) as pool:
        api = await make_api(database=an_open_gate(pool))
        client = (await api.post("/clients", {"phone": "79990000001"})).body["id"]
        calls: list[tuple[str, str, Any]] = [
            ("GET", "/clients", None),
            ("GET", f"/clients/{client}", None),
            ("PATCH", f"/clients/{client}", {"timezone": "Asia/Tokyo"}),
            ("DELETE", f"/clients/{client}", None),
            ("GET", "/clients/export", None),
            ("POST", "/mailings", a_mailing()),
            ("GET", "/mailings", None),
            ("POST", "/mailings/1/pause", None),
            ("DELETE", "/mailings/1", None),
            ("GET", "/mailings/1/messages", None),
            ("GET", "/messages/1", None),
            ("GET", "/statistics", None),
            ("GET", "/mailings/1/statistics", None),
        ]
        await relay.cut()
        for method, path, body in calls:
            refused = await api.call(method, path, body)
            assert (refused.status, refused.headers["Content-Type"]) == (503, "application/problem+json"), path
            assert refused.headers["Retry-After"]
        assert (await api.upload(b"phone\n79990000002\n")).status == 503
        # A token that is not known yet cannot be looked up, which is no reason to turn its owner away for good.
        assert (await api.get("/clients", headers={"Authorization": "Bearer other"})).status == 503
        await relay.mend()
        assert (await api.get(f"/clients/{client}")).status == 200


async def test_a_stream_that_fails_midway_does_not_look_complete(make_api: MakeApi, relay: Relay) -> None:
    async with asyncpg.create_pool(relay.url, min_size=1, max_size=3) as pool:
        await pool.execute(
            "INSERT INTO clients (phone, operator_code, tag, timezone)"
            " SELECT '7999' || lpad(n::text, 7, '0'), '999', repeat('x', 64), 'UTC' FROM generate_series(1, 60000) n"
        )
        api = await make_api(database=an_open_gate(pool))
        with capture_logs() as lines:
            async with api.client.get("/api/v1/clients/export", headers=AUTHORIZED) as response:
                assert response.status == 200
                await response.content.readline()
                await relay.cut()
                with pytest.raises(ClientPayloadError):
                    await response.read()
    assert "download aborted" in [line["event"] for line in lines]


async def test_without_a_broker_answers_are_as_quick(database_url: str, free_port: int) -> None:
    async with ClientSession() as session:
        process = Process(settings(database_url, free_port), session)
        await process.until(200)
        for _ in range(20):
            begun = time.perf_counter()
            assert (await process.call("POST", "/mailings", json=a_mailing()))[0] == 201
            # Waiting for a confirm would take 2 s.
            assert time.perf_counter() - begun < 2
        await process.end()


async def test_an_event_reaches_the_planners_queue(database_url: str, broker_url: str, free_port: int) -> None:
    async with ClientSession() as session:
        process = Process(settings(database_url, free_port, broker_url), session)
        await process.until(200)
        _, mailing = await process.call("POST", "/mailings", json=a_mailing())
        await process.call("PATCH", f"/mailings/{mailing['id']}", json={"text": "New"})
        await process.call("DELETE", f"/mailings/{mailing['id']}")
        # Stopping flushes what is still to be published.
        await process.end()
    events = [decode(MailingEvent, body) for body in await bodies(broker_url)]
    assert [event.event for event in events] == ["mailing.created", "mailing.updated", "mailing.deleted"]
    assert {event.mailing_id for event in events} == {mailing["id"]}
    assert all(event.request_id for event in events)


async def bodies(broker_url: str) -> list[bytes]:
    async with await aio_pika.connect(broker_url) as connection:
        await declare(connection, build(()))
        channel = await connection.channel()
        queue = await channel.get_queue(PLANNER_MAILINGS)
        found = []
        while message := await queue.get(fail=False, no_ack=True):
            found.append(message.body)
        return found


async def test_a_request_that_is_running_is_finished_before_the_end(database_url: str, free_port: int) -> None:
    half_way, go_on = asyncio.Event(), asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield b"phone\n79990000001\n"
        half_way.set()
        await go_on.wait()
        yield b"79990000002\n"

    headers = {**AUTHORIZED, "Content-Type": "text/csv"}
    url = f"http://127.0.0.1:{free_port}/api/v1/clients/import"
    async with ClientSession() as session, ClientSession() as other:
        process = Process(settings(database_url, free_port), session)
        await process.until(200)

        async def upload() -> Any:
            async with other.post(url, data=body(), headers=headers) as response:
                return await response.json()

        uploading = asyncio.create_task(upload())
        await half_way.wait()
        # Only once the upload's head was read does the server know of the request.
        await process.call("GET", "/statistics")
        process.stop.set()
        go_on.set()
        assert (await uploading)["created"] == 2
        await process.end()


async def test_a_taken_port_names_its_variable(api: Api, database_url: str) -> None:
    assert api.client.port is not None
    with pytest.raises(SettingsError, match="HERALD_API_PORT"):
        await main(settings(database_url, api.client.port), asyncio.Event())


async def test_an_unexpected_error_is_a_500_without_details(api: Api, pool: asyncpg.Pool) -> None:
    await pool.execute("ALTER TABLE clients DROP COLUMN tag CASCADE")
    with capture_logs() as lines:
        failed = await api.post("/clients", {"phone": "79990000001"})
    assert failed.status == 500
    assert failed.body == {
        "type": "/docs/problems#internal-error",
        "code": "internal-error",
        "title": "Internal Server Error",
        "status": 500,
    }
    [line] = [line for line in lines if line["event"] == "request failed"]
    assert line["kind"] == "UndefinedColumnError"
    assert "79990000001" not in repr(lines)
