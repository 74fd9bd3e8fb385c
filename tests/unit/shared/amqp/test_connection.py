"""A connection to a peer that does what no good broker does, and the rare things that a good one does."""

import asyncio
import sys
from collections.abc import AsyncIterator
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pamqp import body, commands, header
from pamqp.commands import Basic, Channel, Connection, Queue
from pamqp.frame import FrameTypes
from yarl import URL

from shared.amqp import (
    AccessRefused,
    AmqpConnection,
    AmqpError,
    BodyRefused,
    BodyReturned,
    ConnectionEnded,
    LoginRefused,
    ObjectMissing,
    ProtocolViolation,
    VirtualHostRefused,
    open_connection,
)
from tests.support.fake_broker import FakeBroker
from tests.support.polling import until


async def connect(broker: FakeBroker, heartbeat: int = 10) -> AmqpConnection:
    async with asyncio.timeout(5):
        return await open_connection(URL(broker.url), "test", heartbeat=heartbeat)


@pytest.fixture
async def broker() -> AsyncIterator[FakeBroker]:
    async with FakeBroker() as started:
        yield started


@pytest.fixture
async def connection(broker: FakeBroker) -> AsyncIterator[AmqpConnection]:
    opened = await connect(broker)
    yield opened
    await opened.close()


async def ended(connection: AmqpConnection) -> AmqpError:
    async with asyncio.timeout(5):
        return await asyncio.shield(connection.ended)


class Outcomes(list[AmqpError | None]):
    """What became of each published body."""

    async def reach(self, count: int) -> "Outcomes":
        async def settled() -> bool:
            return len(self) >= count

        await until(settled, 5, "settled")
        return self


async def test_a_connection_names_itself_and_closes_with_a_word(broker: FakeBroker) -> None:
    connection = await connect(broker)
    (start,) = broker.received(Connection.StartOk)
    properties = start.client_properties or {}
    assert (properties["connection_name"], start.response) == ("test", "\0guest\0guest")
    await connection.close()
    assert len(broker.received(Connection.Close)) == 1
    assert not connection.alive


@pytest.mark.parametrize(
    ("silent_on", "code", "text", "expected"),
    [
        (Connection.Open, 530, "NOT_ALLOWED - vhost / not found", VirtualHostRefused),
        (Connection.Open, 541, "INTERNAL_ERROR - vhost '/' is down", ConnectionEnded),
        (Connection.Open, 320, "CONNECTION_FORCED", ConnectionEnded),
    ],
)
async def test_a_refused_virtual_host_is_told_apart_from_an_outage(
    silent_on: type[Connection.Open], code: int, text: str, expected: type[AmqpError]
) -> None:
    async with FakeBroker(silent_on=silent_on) as broker:
        opening = asyncio.create_task(connect(broker))
        await broker.until(Connection.Open)
        broker.send(0, Connection.Close(code, text, 0, 0))
        with pytest.raises(expected) as raised:
            await opening
        assert type(raised.value) is expected


async def test_a_refused_user_is_told_apart_from_an_outage() -> None:
    async with FakeBroker(refusal=(403, "ACCESS_REFUSED - Login was refused")) as broker:
        with pytest.raises(LoginRefused, match=r"^ACCESS_REFUSED - Login was refused$"):
            await connect(broker)
    async with FakeBroker(refusal=(320, "CONNECTION_FORCED")) as broker:
        with pytest.raises(ConnectionEnded, match="320 CONNECTION_FORCED"):
            await connect(broker)


async def test_a_peer_that_speaks_another_protocol_is_given_up() -> None:
    async with FakeBroker(greeting=b"HTTP/1.1 400 Bad Request\r\n\r\n") as broker:
        with pytest.raises(ProtocolViolation):
            await connect(broker)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(garbage=st.binary(min_size=8, max_size=400), known=st.booleans(), data=st.data())
def test_garbage_ends_the_connection_and_nothing_else(garbage: bytes, known: bool, data: st.DataObject) -> None:
    if known:
        kind = data.draw(st.sampled_from([1, 2, 3, 8]))
        index = data.draw(st.sampled_from(sorted(commands.INDEX_MAPPING))).to_bytes(4, "big") if kind == 1 else b""
        payload = index + garbage
        channel = data.draw(st.integers(0, 3))
        head = kind.to_bytes(1, "big") + channel.to_bytes(2, "big") + len(payload).to_bytes(4, "big")
        garbage = head + payload + b"\xce"

    async def receive() -> None:
        connection = AmqpConnection()
        connection.tune(4096, 10, 0)
        outcomes = Outcomes()
        publishing, consuming = asyncio.ensure_future(connection.open_confirm_channel()), None
        await asyncio.sleep(0)
        connection.data_received(b"\x01\x00\x01\x00\x00\x00\x08\x00\x14\x00\x0b\x00\x00\x00\x00\xce")
        await asyncio.sleep(0)
        connection.data_received(b"\x01\x00\x01\x00\x00\x00\x04\x00\x55\x00\x0b\xce")
        channel = await publishing
        channel.publish("", "q", b"{}", {}, outcomes.append)
        consuming = asyncio.ensure_future(connection.open_delivery_channel(lambda *_: None))
        await asyncio.sleep(0)
        connection.data_received(b"\x01\x00\x02\x00\x00\x00\x08\x00\x14\x00\x0b\x00\x00\x00\x00\xce")
        await consuming
        for place in range(0, len(garbage), 50):
            connection.data_received(garbage[place : place + 50])
        connection.fail(ConnectionEnded("over"))
        assert len(outcomes) == 1
        assert isinstance(await ended(connection), ConnectionEnded)

    asyncio.run(receive())


@pytest.mark.parametrize(
    "frames",
    [
        (5, Channel.OpenOk()),
        (1, Channel.OpenOk()),
        (1, Channel.CloseOk()),
        (1, header.ContentHeader(0, 2)),
        (1, body.ContentBody(b"{}")),
        (1, Basic.Deliver("c", 1, False, "", "q")),
        (0, Connection.OpenOk()),
        (0, body.ContentBody(b"{}")),
    ],
    ids=lambda frames: f"{frames[1].name if hasattr(frames[1], 'name') else 'body'} on {frames[0]}",
)
async def test_a_frame_that_nobody_waits_for_ends_the_connection(
    broker: FakeBroker, connection: AmqpConnection, frames: tuple[int, FrameTypes]
) -> None:
    async with connection.channel():
        broker.send(*frames)
        assert isinstance(await ended(connection), ProtocolViolation)


async def test_a_connection_that_ends_fails_all_that_waits_for_it(broker: FakeBroker) -> None:
    connection, outcomes = await connect(broker), Outcomes()
    publishing = await connection.open_confirm_channel()
    publishing.publish("", "q", b"{}", {}, outcomes.append)
    consuming = await connection.open_delivery_channel(lambda *_: None)
    broker.silent_on = Basic.Qos
    asking = asyncio.create_task(consuming.consume("q", 10))
    await broker.until(Basic.Qos)
    broker.hang_up()
    with pytest.raises(ConnectionEnded):
        await asking
    assert isinstance(outcomes[0], ConnectionEnded)
    assert (publishing.alive, consuming.alive, connection.alive) == (False, False, False)
    with pytest.raises(ConnectionEnded):
        publishing.publish("", "q", b"{}", {}, outcomes.append)
    with pytest.raises(ConnectionEnded):
        await connection.open_confirm_channel()
    await connection.close()


async def test_the_reason_of_the_broker_is_kept(broker: FakeBroker, connection: AmqpConnection) -> None:
    broker.send(0, Connection.Close(320, "CONNECTION_FORCED - closed by the operator", 0, 0))
    assert str(await ended(connection)) == "320 CONNECTION_FORCED - closed by the operator"
    await broker.until(Connection.CloseOk)


async def test_a_silent_peer_is_noticed_by_its_missing_heartbeats() -> None:
    async with FakeBroker(heartbeat=1) as broker:
        connection = await connect(broker)
        began = asyncio.get_running_loop().time()
        assert "heartbeat" in str(await ended(connection))
        assert 1.5 < asyncio.get_running_loop().time() - began < 4


async def test_a_peer_that_sends_heartbeats_is_kept_and_gets_them() -> None:
    async with FakeBroker(heartbeat=1) as broker:
        connection = await connect(broker)
        for _ in range(6):
            await asyncio.sleep(0.5)
            broker.send_raw(b"\x08\x00\x00\x00\x00\x00\x00\xce")
        assert connection.alive
        assert broker.heartbeats >= 4
        await connection.close()


async def test_a_refusal_ends_the_channel_and_not_the_connection(
    broker: FakeBroker, connection: AmqpConnection
) -> None:
    broker.silent_on = Queue.Declare
    for code, expected in ((404, ObjectMissing), (403, AccessRefused)):
        async with connection.channel() as channel:
            asking = asyncio.create_task(channel.ask(Queue.Declare(queue="q", passive=True)))
            await broker.until(Queue.Declare, 1 if code == 404 else 2)
            broker.send(channel.number, Channel.Close(code, "the reason", 0, 0))
            with pytest.raises(expected, match=r"^the reason$"):
                await asking
    assert len(await broker.until(Channel.CloseOk, 2)) == 2
    assert connection.alive


async def test_an_answer_that_nobody_waits_for_any_more_is_not_taken_for_the_next(
    broker: FakeBroker, connection: AmqpConnection
) -> None:
    broker.silent_on = Queue.Declare
    async with connection.channel() as channel:
        first = asyncio.create_task(channel.ask(Queue.Declare(queue="first")))
        await broker.until(Queue.Declare)
        first.cancel()
        second = asyncio.create_task(channel.ask(Queue.Declare(queue="second")))
        await broker.until(Queue.Declare, 2)
        broker.send(channel.number, Queue.DeclareOk("first", 1, 1), Queue.DeclareOk("second", 2, 2))
        answer = await second
        assert isinstance(answer, Queue.DeclareOk)
        assert answer.queue == "second"


async def test_channels_are_used_again_when_all_numbers_were(broker: FakeBroker, connection: AmqpConnection) -> None:
    numbers = set()
    for _ in range(25):
        async with connection.channel() as channel:
            numbers.add(channel.number)
    assert numbers == set(range(1, 11))


async def test_everything_of_one_turn_leaves_in_one_write(broker: FakeBroker, connection: AmqpConnection) -> None:
    channel, outcomes = await connection.open_confirm_channel(), Outcomes()
    writes = broker.count_reads()
    for _ in range(100):
        channel.publish("exchange", "key", b"{}", {}, outcomes.append)
    await broker.until(Basic.Publish, 100)
    assert writes() == 1


async def test_confirms_come_one_by_one_and_many_at_once_and_negative(
    broker: FakeBroker, connection: AmqpConnection
) -> None:
    channel = await connection.open_confirm_channel()
    outcomes: dict[int, AmqpError | None] = {}
    for number in range(1, 9):
        channel.publish("", "q", b"{}", {}, partial(outcomes.__setitem__, number))
    await broker.until(Basic.Publish, 8)
    broker.send(1, Basic.Ack(3), Basic.Ack(5, multiple=True), Basic.Nack(6), Basic.Nack(7, multiple=True))
    broker.send(1, Basic.Ack(0, multiple=True))

    async def settled() -> bool:
        return len(outcomes) == 8

    await until(settled, 5, "settled")
    assert [number for number, error in outcomes.items() if error is None] == [3, 1, 2, 4, 5, 8]
    assert {number for number, error in outcomes.items() if isinstance(error, BodyRefused)} == {6, 7}
    assert channel.unconfirmed == 0


async def test_a_confirm_of_what_was_never_published_ends_the_connection(
    broker: FakeBroker, connection: AmqpConnection
) -> None:
    await connection.open_confirm_channel()
    broker.send(1, Basic.Ack(1))
    assert isinstance(await ended(connection), ProtocolViolation)


def returned(tag: str, content: bytes = b"{}") -> tuple[Basic.Return, header.ContentHeader, body.ContentBody]:
    properties = Basic.Properties(message_id=tag)
    method = Basic.Return(312, "NO_ROUTE", "exchange", "key")
    return method, header.ContentHeader(0, len(content), properties), body.ContentBody(content)


async def test_of_two_bodies_that_are_the_same_only_the_returned_one_is_returned(
    broker: FakeBroker, connection: AmqpConnection
) -> None:
    channel, outcomes = await connection.open_confirm_channel(), Outcomes()
    for _ in range(3):
        channel.publish("exchange", "key", b"{}", {}, outcomes.append)
    await broker.until(Basic.Publish, 3)
    broker.send(1, *returned("2"), Basic.Ack(3, multiple=True))
    assert [type(outcome) for outcome in await outcomes.reach(3)] == [type(None), BodyReturned, type(None)]


@pytest.mark.parametrize("tag", ["", "9", "two", "\u0662", "9" * 200])
async def test_a_returned_body_of_nobody_ends_the_connection_and_is_not_taken_for_confirmed(
    broker: FakeBroker, connection: AmqpConnection, tag: str
) -> None:
    channel, outcomes = await connection.open_confirm_channel(), Outcomes()
    channel.publish("exchange", "key", b"{}", {}, outcomes.append)
    await broker.until(Basic.Publish)
    broker.send(1, *returned(tag), Basic.Ack(1))
    assert isinstance(await ended(connection), ProtocolViolation)
    assert isinstance(outcomes[0], ProtocolViolation)


async def test_flow_holds_a_channel_until_it_flows_again(broker: FakeBroker, connection: AmqpConnection) -> None:
    channel, looks = await connection.open_confirm_channel(), list[bool]()
    connection.on_room = lambda: looks.append(channel.flowing)
    broker.send(1, Channel.Flow(active=False))
    await broker.until(Channel.FlowOk)
    broker.send(1, Channel.Flow(active=True))
    assert [answer.active for answer in await broker.until(Channel.FlowOk, 2)] == [False, True]
    assert looks == [False, True]


async def test_blocked_is_known_with_its_reason_until_unblocked(broker: FakeBroker, connection: AmqpConnection) -> None:
    seen: asyncio.Queue[str | None] = asyncio.Queue()
    connection.on_room = lambda: seen.put_nowait(connection.blocked)
    broker.send(0, Connection.Blocked("low on memory"), Connection.Unblocked())
    async with asyncio.timeout(5):
        assert (await seen.get(), await seen.get()) == ("low on memory", None)
    assert connection.has_room


async def test_a_large_body_is_split_and_a_split_body_is_joined() -> None:
    async with FakeBroker(frame_max=4096) as broker:
        connection, arrived = await connect(broker), asyncio.Queue[bytes]()
        content = bytes(range(256)) * 64
        publishing = await connection.open_confirm_channel()
        publishing.publish("", "q", content, {}, lambda _: None)
        pieces = await broker.until_bodies(5)
        assert (b"".join(pieces), max(map(len, pieces))) == (content, 4088)
        consuming = await connection.open_delivery_channel(lambda *given: arrived.put_nowait(given[2]))
        pieces = [content[:1], content[1:5000], content[5000:]]
        deliver = Basic.Deliver("c", 1, False, "", "q")
        broker.send(consuming.number, deliver, header.ContentHeader(0, len(content)), *map(body.ContentBody, pieces))
        broker.deliver(2, b"", channel=consuming.number)
        async with asyncio.timeout(5):
            assert (await arrived.get(), await arrived.get()) == (content, b"")
        await connection.close()


@pytest.mark.parametrize(
    "frames",
    [
        (Basic.Deliver("c", 1, False, "", "q"), Basic.Deliver("c", 2, False, "", "q")),
        (Basic.Deliver("c", 1, False, "", "q"), body.ContentBody(b"{}")),
        (Basic.Deliver("c", 1, False, "", "q"), header.ContentHeader(0, 1), body.ContentBody(b"{}")),
        (Basic.Deliver("c", 0, False, "", "q"),),
    ],
    ids=["two methods", "no header", "too long", "no tag"],
)
async def test_a_delivery_in_disorder_ends_the_connection(
    broker: FakeBroker, connection: AmqpConnection, frames: tuple[FrameTypes, ...]
) -> None:
    await connection.open_delivery_channel(lambda *_: None)
    broker.send(1, *frames)
    assert isinstance(await ended(connection), ProtocolViolation)


async def test_acknowledgements_leave_together_and_the_oldest_ones_as_one(
    broker: FakeBroker, connection: AmqpConnection
) -> None:
    arrived: asyncio.Queue[int] = asyncio.Queue()
    channel = await connection.open_delivery_channel(lambda tag, *_: arrived.put_nowait(tag))
    await channel.consume("q", 100)
    for tag in range(1, 11):
        broker.deliver(tag, b"{}")
    tags = [await arrived.get() for _ in range(10)]
    for tag in (3, 1, 2, 7, 9, 7, 2):
        channel.ack(tag)
    channel.reject(5)
    channel.reject(1)
    acks = await broker.until(Basic.Ack, 3)
    assert [(ack.delivery_tag, ack.multiple) for ack in acks] == [(3, True), (7, False), (9, False)]
    assert [reject.delivery_tag for reject in broker.received(Basic.Reject)] == [5]
    for tag in tags:
        channel.ack(tag)
    acks = await broker.until(Basic.Ack, 4)
    assert [(ack.delivery_tag, ack.multiple) for ack in acks[3:]] == [(10, True)]


async def test_a_consumer_with_a_small_prefetch_does_not_wait_for_other_acknowledgements(
    broker: FakeBroker, connection: AmqpConnection
) -> None:
    acked: list[float] = []
    clock = asyncio.get_running_loop().time

    def take(tag: int, redelivered: bool, content: bytes) -> None:
        acked.append(clock())
        channel.ack(tag)

    channel = await connection.open_delivery_channel(take)
    await channel.consume("q", 1)
    broker.deliver(1, b"{}")
    await broker.until(Basic.Ack)
    assert clock() - acked[0] < 0.025


async def test_acknowledgements_that_wait_are_written_before_a_close(broker: FakeBroker) -> None:
    connection = await connect(broker)
    arrived: asyncio.Queue[int] = asyncio.Queue()
    channel = await connection.open_delivery_channel(lambda tag, *_: arrived.put_nowait(tag))
    await channel.consume("q", 100)
    broker.deliver(1, b"{}")
    channel.ack(await arrived.get())
    await connection.close()
    assert [ack.delivery_tag for ack in broker.received(Basic.Ack)] == [1]


async def test_a_dead_channel_keeps_no_bodies_and_acknowledges_nothing(broker: FakeBroker) -> None:
    connection = await connect(broker)
    bodies: asyncio.Queue[bytes] = asyncio.Queue()
    channel = await connection.open_delivery_channel(lambda *given: bodies.put_nowait(given[2]))
    await channel.consume("q", 100)
    for tag in range(1, 4):
        broker.deliver(tag, b"body %d" % tag)
    arrived = [await bodies.get() for _ in range(3)]
    channel.ack(1)
    broker.hang_up()
    await ended(connection)
    for tag in (1, 2, 3):
        channel.ack(tag)
        channel.reject(tag)
    assert not channel.alive
    assert channel._unsettled == {}
    # The list has one reference to each, and the call another.
    assert {sys.getrefcount(arrived[place]) for place in range(3)} == {2}
