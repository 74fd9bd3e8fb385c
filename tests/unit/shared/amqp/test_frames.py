"""Frames: cut from bytes however they arrive, and packed as pamqp packs them."""

import contextlib
from collections.abc import Iterable

import pamqp.frame
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pamqp import body, commands, header
from pamqp.frame import FrameTypes
from pamqp.heartbeat import Heartbeat

from shared.amqp import ProtocolViolation
from shared.amqp.frames import (
    BODY,
    FRAME_MAX,
    HEADER,
    METHOD,
    FrameReader,
    PublishPacker,
    pack_ack,
    pack_method,
    unpack_confirm,
    unpack_delivery,
    unpack_method,
    unpack_properties,
    unpack_size,
)

Basic = commands.Basic
FRAMES: tuple[tuple[int, FrameTypes], ...] = (
    (0, commands.Connection.Tune(2047, 131072, 60)),
    (0, Heartbeat()),
    (1, Basic.Deliver("consumer", 7, True, "exchange", "key")),
    (1, header.ContentHeader(0, 5, Basic.Properties(message_id="7"))),
    (1, body.ContentBody(b"\xce12\xce4")),
    (3, Basic.Ack(2**62, True)),
)
STREAM = b"".join(pamqp.frame.marshal(frame, channel) for channel, frame in FRAMES)


def read(pieces: Iterable[bytes]) -> list[tuple[int, int, bytes]]:
    reader = FrameReader()
    return [frame for piece in pieces for frame in reader.feed(piece)]


def test_frames_are_the_same_wherever_the_bytes_are_cut() -> None:
    whole = read([STREAM])
    assert [(channel, kind) for kind, channel, _ in whole] == [(0, 1), (0, 8), (1, 1), (1, 2), (1, 3), (3, 1)]
    assert whole[4][2] == b"\xce12\xce4"
    for first in range(len(STREAM) + 1):
        for second in range(first, len(STREAM) + 1):
            assert read([STREAM[:first], STREAM[first:second], STREAM[second:]]) == whole
    assert read([STREAM[place : place + 1] for place in range(len(STREAM))]) == whole


def test_a_frame_that_arrives_in_a_thousand_pieces_is_joined_once() -> None:
    content = bytes(FRAME_MAX - 8)
    frame = pamqp.frame.marshal(body.ContentBody(content), 1)
    pieces = [frame[place : place + 100] for place in range(0, len(frame), 100)]
    assert read([*pieces, STREAM]) == [(BODY, 1, content), *read([STREAM])]


@pytest.mark.parametrize(
    "data",
    [
        b"AMQP\x00\x00\x09\x01",
        b"HTTP/1.1 400 Bad Request",
        b"\x01\x00\x01\x00\x00\x00\x01\x00\x00",
        b"\x03\x00\x01\x00\x02\x00\x00\x00",
        b"\x00" * 8,
    ],
    ids=["another version", "another protocol", "no end", "larger than agreed", "zeros"],
)
def test_what_is_no_frame_is_a_violation(data: bytes) -> None:
    with pytest.raises(ProtocolViolation):
        read([data])


@settings(deadline=None)
@given(st.lists(st.binary(max_size=300), max_size=8))
def test_garbage_is_read_or_is_a_violation(pieces: list[bytes]) -> None:
    with contextlib.suppress(ProtocolViolation):
        read(pieces)


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_a_garbled_payload_is_unpacked_or_is_a_violation(payload: bytes) -> None:
    for unpack in (unpack_method, unpack_properties, unpack_size, unpack_delivery, unpack_confirm):
        with contextlib.suppress(ProtocolViolation):
            unpack(payload)


@settings(deadline=None)
@given(st.sampled_from(sorted(commands.INDEX_MAPPING)), st.binary(max_size=200))
def test_a_garbled_method_is_unpacked_or_is_a_violation(index: int, rest: bytes) -> None:
    with contextlib.suppress(ProtocolViolation):
        unpack_method(index.to_bytes(4, "big") + rest)


def test_the_hot_methods_are_unpacked_as_by_pamqp() -> None:
    payloads = {kind: payload for kind, _, payload in read([STREAM])}
    deliver = pack_method(1, Basic.Deliver("consumer", 2**62, True, "", "q"))[7:-1]
    assert unpack_delivery(deliver) == (2**62, True)
    assert unpack_confirm(payloads[METHOD]) == (2**62, True)
    assert unpack_size(payloads[HEADER]) == 5
    assert unpack_properties(payloads[HEADER]).message_id == "7"


@pytest.mark.parametrize("multiple", [True, False])
def test_an_acknowledgement_is_packed_as_by_pamqp(multiple: bool) -> None:
    assert pack_ack(5, 2**40, multiple=multiple) == pack_method(5, Basic.Ack(2**40, multiple))


@settings(deadline=None)
@given(
    st.text("abc.-_", max_size=20),
    st.text(max_size=20),
    st.integers(1, 2**63 - 1),
    st.binary(max_size=20_000),
    st.dictionaries(st.text(min_size=1, max_size=9), st.one_of(st.text(max_size=9), st.integers(0, 9)), max_size=2),
    st.sampled_from([4096, 5000, FRAME_MAX]),
)
def test_a_published_body_is_what_pamqp_reads(
    exchange: str, key: str, tag: int, content: bytes, headers: dict[str, str | int], frame_max: int
) -> None:
    data = PublishPacker(9, frame_max).pack(exchange, key, tag, content, headers)
    (kind, channel, method), (_, _, properties), *pieces = read([data])
    assert (kind, channel) == (METHOD, 9)
    publish = unpack_method(method)
    assert isinstance(publish, Basic.Publish)
    assert (publish.exchange, publish.routing_key, publish.mandatory) == (exchange, key, True)
    found = unpack_properties(properties)
    assert (found.delivery_mode, found.content_type) == (2, "application/json")
    assert (found.message_id, found.headers or {}) == (str(tag), headers)
    assert unpack_size(properties) == len(content)
    assert b"".join(piece for _, _, piece in pieces) == content
    assert all(len(piece) <= frame_max - 8 for _, _, piece in pieces)


def test_an_endless_number_of_routing_keys_does_not_fill_the_memory() -> None:
    packer = PublishPacker(1, FRAME_MAX)
    for number in range(10_000):
        packer.pack("exchange", str(number), 1, b"{}", {})
    assert len(packer._routes) <= 256


def test_a_routing_key_that_is_too_long_is_refused_here() -> None:
    with pytest.raises(ValueError, match="255"):
        PublishPacker(1, FRAME_MAX).pack("exchange", "k" * 300, 1, b"{}", {})
