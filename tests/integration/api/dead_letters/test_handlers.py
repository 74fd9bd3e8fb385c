"""Dead letters over REST, on a real broker and a real database."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from structlog.testing import capture_logs

from services.api.dead_letters.letter import KINDS
from services.api.dead_letters.queues import DeadQueues
from shared import topology
from shared.broker import Consumer, Delivery, Outgoing, Publisher, open_connection
from shared.health import Health
from shared.messages import Job, Results, decode, encode
from shared.settings import DEFAULT_RETRY_DELAYS
from tests.integration.api.fakes import Api, MakeApi
from tests.integration.api.rows import Rows
from tests.support.builders import a_job, a_result

TABLE = topology.build(DEFAULT_RETRY_DELAYS)


class Yard:
    """The API with a broker, and what a test buries and looks at."""

    def __init__(self, api: Api, rows: Rows, publisher: Publisher, broker_url: str) -> None:
        self.api, self.rows, self._publisher, self._url = api, rows, publisher, broker_url

    async def bury(self, queue: str, body: bytes, **headers: str | int) -> None:
        await self._publisher.publish(Outgoing(topology.DEAD, queue, body, headers))

    async def bury_exhausted(self, mailing_status: str = "finished", phone: str = "79000000001") -> int:
        """An exhausted message with its letter; returns the message's id."""
        mailing_id = await self.rows.mailing(mailing_status, exhausted=1)
        client_id = await self.rows.client(phone)
        message_id = await self.rows.message(mailing_id, client_id, "exhausted", attempts=1, reason="HTTP 500")
        await self.rows.attempt(message_id, 1, "server_error")
        job = Job(message_id=message_id, mailing_id=mailing_id, client_id=client_id, attempt=1)
        await self.bury("dispatcher.dead", encode(job), reason="exhausted: HTTP 500", at="2026-11-24T12:00:00+00:00")
        return message_id

    async def letters(self, **params: str) -> list[dict[str, Any]]:
        answer = await self.api.get("/dead-letters", params=params)
        assert answer.status == 200, answer.body
        items: list[dict[str, Any]] = answer.body["items"]
        return items

    async def replay(self, **body: Any) -> dict[str, Any]:
        answer = await self.api.post("/dead-letters/replay", body)
        assert answer.status == 200, answer.body
        report: dict[str, Any] = answer.body
        return report

    async def arrived(self, queue: str) -> bytes:
        """Takes the next body of a queue."""
        inbox: asyncio.Queue[Delivery] = asyncio.Queue()
        consumer = Consumer(self._url, "look", Health(), TABLE, queue=queue, prefetch=1, on_delivery=inbox.put_nowait)
        async with consumer, asyncio.timeout(10):
            delivery = await inbox.get()
            delivery.ack()
            return delivery.body


@pytest.fixture
async def yard(make_api: MakeApi, rows: Rows, broker_url: str) -> AsyncIterator[Yard]:
    async with Publisher(broker_url, "test", Health(), TABLE) as publisher:
        await publisher.publish(Outgoing(topology.MAILINGS, "mailing.test", b"{}"))
        api = await make_api(dead_queues=DeadQueues(broker_url, publisher))
        yield Yard(api, rows, publisher, broker_url)


async def test_letters_are_listed_with_reason_ids_and_age_and_stay_where_they_are(yard: Yard) -> None:
    message_id = await yard.bury_exhausted()
    await yard.bury("reporter.dead", b"{", reason="unreadable")
    for _ in range(3):
        unreadable, exhausted = sorted(await yard.letters(), key=lambda letter: letter["message_id"] or 0)
        assert exhausted["queue"] == "dispatcher.dead"
        assert exhausted["message_id"] == message_id
        assert exhausted["reason"] == "exhausted: HTTP 500"
        assert exhausted["at"] == "2026-11-24T12:00:00Z"
        assert (unreadable["queue"], unreadable["mailing_id"], unreadable["at"]) == ("reporter.dead", None, None)
    assert [letter["queue"] for letter in await yard.letters(queue="reporter.dead")] == ["reporter.dead"]


async def test_a_long_list_comes_in_pages(yard: Yard) -> None:
    for attempt in range(1, 6):
        await yard.bury("dispatcher.dead", encode(a_job(attempt=attempt)))
    seen, params = [], {"limit": "2"}
    while True:
        page = (await yard.api.get("/dead-letters", params=params)).body
        seen += [letter["id"] for letter in page["items"]]
        if page["next"] is None:
            break
        params["cursor"] = page["next"]
    assert len(seen) == len(set(seen)) == 5


async def test_an_exhausted_message_is_replayed_as_a_new_round(yard: Yard, pool: asyncpg.Pool) -> None:
    message_id = await yard.bury_exhausted()
    (letter,) = await yard.letters()
    assert await yard.replay(ids=[letter["id"]]) == {"replayed": 1, "refused": 0, "errors": []}
    assert await pool.fetchval("SELECT message_ids FROM resends WHERE done_at IS NULL") == [message_id]
    assert await pool.fetchval("SELECT status FROM mailings") == "running"
    assert yard.api.hints.names == ["mailing.updated"]
    assert await yard.letters() == []


async def test_a_message_past_its_deadline_is_refused_and_its_letter_stays(yard: Yard, pool: asyncpg.Pool) -> None:
    await yard.bury_exhausted()
    await pool.execute("UPDATE mailings SET end_at = now() - interval '1 s'")
    (letter,) = await yard.letters()
    report = await yard.replay(ids=[letter["id"]])
    assert (report["replayed"], report["refused"]) == (0, 1)
    assert report["errors"] == [{"id": letter["id"], "detail": "the mailing's deadline has passed"}]
    assert await yard.letters() == [letter]
    assert await pool.fetchval("SELECT count(*) FROM resends") == 0


async def test_all_are_replayed_and_those_that_cannot_be_stay(yard: Yard, pool: asyncpg.Pool) -> None:
    for place in range(3):
        await yard.bury_exhausted("running", f"7900000000{place}")
    await yard.bury("dispatcher.dead", b"poison")
    await yard.bury("dispatcher.dead", encode(a_job(message_id=999)))
    report = await yard.replay(all=True)
    assert (report["replayed"], report["refused"]) == (3, 2)
    assert await pool.fetchval("SELECT count(*) FROM resends") == 3
    assert len(await yard.letters()) == 2


async def test_results_are_replayed_to_the_reporter(yard: Yard) -> None:
    results = Results(results=[a_result()])
    await yard.bury("reporter.dead", encode(results))
    assert (await yard.replay(all=True, queue="reporter.dead"))["replayed"] == 1
    assert decode(Results, await yard.arrived("reporter.results")) == results


async def test_an_unknown_id_is_refused(yard: Yard) -> None:
    report = await yard.replay(ids=["0123456789abcdef"])
    assert report["errors"] == [{"id": "0123456789abcdef", "detail": "there is no such dead letter"}]


async def test_letters_are_dropped_by_their_ids_or_all(yard: Yard) -> None:
    for attempt in range(1, 5):
        await yard.bury("dispatcher.dead", encode(a_job(attempt=attempt)))
    await yard.bury("planner.dead", b"{")
    chosen = [letter["id"] for letter in (await yard.letters(queue="dispatcher.dead"))[:2]]
    with capture_logs() as lines:
        dropped = await yard.api.delete("/dead-letters", params={"ids": ",".join(chosen)})
    assert (dropped.status, dropped.body) == (200, {"dropped": 2})
    assert "dead letters dropped" in {line["event"] for line in lines}
    assert not {letter["id"] for letter in await yard.letters()} & set(chosen)
    assert (await yard.api.delete("/dead-letters", params={"all": "true", "queue": "dispatcher.dead"})).body == {
        "dropped": 2
    }
    assert (await yard.api.delete("/dead-letters", params={"all": "true"})).body == {"dropped": 1}
    assert await yard.letters() == []


async def test_letters_survive_any_number_of_looks(make_api: MakeApi, rows: Rows, broker_url: str) -> None:
    # RabbitMQ 4 drops a body of a quorum queue after 20 deliveries; here every version does.
    connection = await open_connection(broker_url, "test")
    async with connection, connection.channel() as channel:
        exchange = await channel.declare_exchange(topology.DEAD, durable=True)
        for name in KINDS:
            arguments: dict[str, Any] = {"x-queue-type": "quorum", "x-delivery-limit": 20}
            await (await channel.declare_queue(name, durable=True, arguments=arguments)).bind(exchange, name)
    async with Publisher(broker_url, "test", Health(), None) as publisher:
        api = await make_api(dead_queues=DeadQueues(broker_url, publisher))
        yard = Yard(api, rows, publisher, broker_url)
        await yard.bury("dispatcher.dead", encode(a_job()), reason="exhausted", at="2026-11-24T12:00:00+00:00")
        await yard.bury("reporter.dead", b"{")
        first = await yard.letters()
        for _ in range(45):
            assert await yard.letters() == first


@pytest.mark.parametrize(
    "body", [{}, {"all": False}, {"ids": []}, {"ids": ["x"]}, {"ids": ["0123456789abcdef"], "all": True}]
)
async def test_a_choice_that_is_none_or_two_is_refused(api: Api, body: dict[str, object]) -> None:
    assert (await api.post("/dead-letters/replay", body)).status == 422
    params = {name: ",".join(value) if isinstance(value, list) else str(value) for name, value in body.items()}
    assert (await api.delete("/dead-letters", params=params)).status == 422


async def test_without_a_broker_the_answer_is_503(api: Api) -> None:
    assert (await api.get("/dead-letters")).status == 503
    assert (await api.post("/dead-letters/replay", {"all": True})).status == 503
    assert (await api.delete("/dead-letters", params={"all": "true"})).status == 503


async def test_only_admins_may(api: Api, rows: Rows) -> None:
    await rows.token("an-operator", "operator")
    headers = {"Authorization": "Bearer an-operator"}
    assert (await api.get("/dead-letters", headers=headers)).status == 403
    assert (await api.post("/dead-letters/replay", {"all": True}, headers=headers)).status == 403
    assert (await api.delete("/dead-letters", params={"all": "true"}, headers=headers)).status == 403
