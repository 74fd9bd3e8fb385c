"""Cuts received bytes into frames, and packs frames to be sent; those of the hot path without pamqp."""

import struct
from collections.abc import Iterator, Mapping

import pamqp.frame
from pamqp import base, commands, header
from pamqp.commands import Basic

from shared.amqp.errors import ProtocolViolation

METHOD, HEADER, BODY, HEARTBEAT = 1, 2, 3, 8
PROTOCOL_HEADER = b"AMQP\x00\x00\x09\x01"
HEARTBEAT_FRAME = b"\x08\x00\x00\x00\x00\x00\x00\xce"
# RabbitMQ's own limit. A larger frame would only be held longer in memory.
FRAME_MAX = 131072
# The bytes of a frame around its payload.
OVERHEAD = 8

DELIVER, ACK, NACK = b"\x00\x3c\x00\x3c", b"\x00\x3c\x00\x50", b"\x00\x3c\x00\x78"

_KINDS = frozenset((METHOD, HEADER, BODY, HEARTBEAT))
_END = 0xCE
_END_BYTE = b"\xce"
_HEAD = struct.Struct(">BHI")
_CONTENT_HEAD = struct.Struct(">BHIHHQH")
_SETTLE = struct.Struct(">BHI4sQBB")
_LONG_LONG = struct.Struct(">Q")

NO_HEADERS: Mapping[str, object] = {}
# In the first of the two bytes of flags.
_HEADERS_FLAG = 0x20
_PERSISTENT = 2
_CONTENT_TYPE = b"application/json"
# The flags of content_type, delivery_mode and message_id, and the first two as they are sent.
_FLAGS = 0x8000 | 0x1000 | 0x0080
_PROPERTIES = bytes((len(_CONTENT_TYPE),)) + _CONTENT_TYPE + bytes((_PERSISTENT,))
_FIXED_SIZE = 14 + len(_PROPERTIES) + 1
# Routing keys are few; a caller that makes up new ones must not fill the memory.
_MOST_ROUTES = 256


class FrameReader:
    """Cuts the bytes of one connection into frames, however they arrive."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._held = 0
        self._needed = 0

    def feed(self, data: bytes) -> Iterator[tuple[int, int, bytes]]:
        """Yields the kind, the channel and the payload of each frame that `data` completes.

        Raises ProtocolViolation for what cannot be a frame. Each call must be read to its end.
        """
        if self._held:
            self._pieces.append(data)
            self._held += len(data)
            if self._held < self._needed:
                return
            data = b"".join(self._pieces)
        place, length, unpack, needed = 0, len(data), _HEAD.unpack_from, OVERHEAD
        while length - place >= OVERHEAD:
            kind, channel, size = unpack(data, place)
            if kind not in _KINDS or size > FRAME_MAX - OVERHEAD:
                raise ProtocolViolation(f"not a frame: {data[place : place + 8]!r}")
            end = place + size + 7
            if end >= length:
                needed = size + OVERHEAD
                break
            if data[end] != _END:
                raise ProtocolViolation("a frame does not end where it says")
            yield kind, channel, data[place + 7 : end]
            place = end + 1
        self._held, self._needed = length - place, needed
        self._pieces = [data[place:]] if self._held else []


def pack_method(channel: int, method: base.Frame) -> bytes:
    """Packs a method into a frame. Raises ValueError for a value that AMQP cannot hold."""
    return _marshal(channel, method)


def _marshal(channel: int, frame: base.Frame | header.ContentHeader) -> bytes:
    try:
        return pamqp.frame.marshal(frame, channel)
    except TypeError as error:
        # So pamqp calls a text that is too long, or a number that is too large.
        raise ValueError(str(error)) from error


def unpack_method(payload: bytes) -> base.Frame:
    """Unpacks the payload of a method frame. Raises ProtocolViolation if it is not one."""
    try:
        method: base.Frame = commands.INDEX_MAPPING[int.from_bytes(payload[:4], "big")]()
        method.unmarshal(payload[4:])
    except Exception as error:
        # pamqp lets pass whatever its decoders stumble over.
        raise ProtocolViolation(f"a method that cannot be read: {error!r}") from error
    return method


def unpack_properties(payload: bytes) -> Basic.Properties:
    """Unpacks the properties in the payload of a header frame. Raises ProtocolViolation if there are none."""
    found = header.ContentHeader()
    try:
        found.unmarshal(payload)
    except Exception as error:
        # pamqp lets pass whatever its decoders stumble over.
        raise ProtocolViolation(f"properties that cannot be read: {error!r}") from error
    return found.properties


def unpack_headers(payload: bytes) -> Mapping[str, object]:
    """Unpacks the headers in the payload of a header frame: none if there are none, or none that can be read."""
    if len(payload) < 14 or not payload[12] & _HEADERS_FLAG:
        return NO_HEADERS
    try:
        return unpack_properties(payload).headers or NO_HEADERS
    except ProtocolViolation:
        return NO_HEADERS


def unpack_size(payload: bytes) -> int:
    """Unpacks the size of a body from the payload of its header frame, in bytes."""
    if len(payload) < 14 or payload[:2] != b"\x00\x3c":
        raise ProtocolViolation("a header without the size of its body")
    size: int = _LONG_LONG.unpack_from(payload, 4)[0]
    return size


def unpack_delivery(payload: bytes) -> tuple[int, bool]:
    """Unpacks the delivery tag of a basic.deliver, and whether the body was delivered before."""
    place = 5 + payload[4] if len(payload) > 4 else 0
    if not place or len(payload) < place + 9:
        raise ProtocolViolation("a delivery without a tag")
    tag: int = _LONG_LONG.unpack_from(payload, place)[0]
    return tag, bool(payload[place + 8] & 1)


def unpack_confirm(payload: bytes) -> tuple[int, bool]:
    """Unpacks the delivery tag of a basic.ack or basic.nack, and whether all tags up to it are meant."""
    if len(payload) != 13:
        raise ProtocolViolation("a confirm without a tag")
    tag: int = _LONG_LONG.unpack_from(payload, 4)[0]
    return tag, bool(payload[12] & 1)


def pack_ack(channel: int, tag: int, *, multiple: bool) -> bytes:
    """Packs the acknowledgement of one delivery, or of all up to it."""
    return _SETTLE.pack(METHOD, channel, 13, ACK, tag, multiple, _END)


class PublishPacker:
    """Packs bodies to be published on one channel: persistent, mandatory JSON with the publish tag as message id."""

    def __init__(self, channel: int, frame_max: int) -> None:
        self._channel = channel
        self._room = frame_max - OVERHEAD
        self._routes: dict[tuple[str, str], bytes] = {}

    def pack(self, exchange: str, key: str, tag: int, body: bytes, headers: dict[str, str | int]) -> bytes:
        """Packs one body. Raises ValueError for an exchange or a key that AMQP cannot hold."""
        route = self._routes.get((exchange, key)) or self._add_route(exchange, key)
        size = len(body)
        properties = self._pack_properties_with(headers, tag, size) if headers else self._pack_properties(tag, size)
        if 0 < size <= self._room:
            return b"%b%b%b%b\xce" % (route, properties, _HEAD.pack(BODY, self._channel, size), body)
        return b"".join((route, properties, *self._split(body)))

    def _add_route(self, exchange: str, key: str) -> bytes:
        if len(self._routes) >= _MOST_ROUTES:
            self._routes.clear()
        method = Basic.Publish(exchange=exchange, routing_key=key, mandatory=True)
        route = self._routes[exchange, key] = pack_method(self._channel, method)
        return route

    def _pack_properties(self, tag: int, size: int) -> bytes:
        name = b"%d" % tag
        head = _CONTENT_HEAD.pack(HEADER, self._channel, _FIXED_SIZE + len(name), Basic.frame_id, 0, size, _FLAGS)
        return b"%b%b%c%b\xce" % (head, _PROPERTIES, len(name), name)

    def _pack_properties_with(self, headers: dict[str, str | int], tag: int, size: int) -> bytes:
        properties = Basic.Properties(
            content_type=_CONTENT_TYPE.decode(),
            delivery_mode=_PERSISTENT,
            message_id=str(tag),
            headers=dict(headers),
        )
        return _marshal(self._channel, header.ContentHeader(0, size, properties))

    def _split(self, body: bytes) -> Iterator[bytes]:
        for start in range(0, len(body), self._room):
            piece = body[start : start + self._room]
            yield _HEAD.pack(BODY, self._channel, len(piece)) + piece + _END_BYTE
