"""A channel that consumes: bodies as they arrive, and acknowledgements that leave together."""

import asyncio
from collections.abc import Callable

from pamqp import base
from pamqp.commands import Basic

from shared.amqp.channel import Channel, FrameSink
from shared.amqp.errors import AmqpError, ProtocolViolation
from shared.amqp.frames import BODY, DELIVER, HEADER, pack_ack, pack_method, unpack_delivery, unpack_size

# An acknowledgement may wait so long for others: the broker only holds back what exceeds the prefetch meanwhile.
ACK_SECONDS = 0.03
# They leave at once when so large a part of the prefetch waits to be acknowledged.
ACK_PART = 4

OnDelivery = Callable[[int, bool, bytes], None]


class DeliveryChannel(Channel):
    """A channel with a consumer. It keeps the tags of deliveries until they are settled, and never their bodies."""

    def __init__(self, connection: FrameSink, number: int, on_delivery: OnDelivery) -> None:
        """`on_delivery` gets the delivery tag, whether the body was delivered before, and the body."""
        super().__init__(connection, number)
        self.on_cancel: Callable[[], None] = lambda: None
        self._on_delivery = on_delivery
        # The payload of the header frame of the body that is handed out.
        self.header = b""
        # The kind of frame that must come next, if a body is on its way.
        self._next = 0
        self._tag = 0
        self._redelivered = False
        self._missing = 0
        self._pieces: list[bytes] = []
        # In the order of tags; True once acknowledged here.
        self._unsettled: dict[int, bool] = {}
        self._acked: list[int] = []
        self._most_acked = 1
        self._ack_timer: asyncio.Handle | None = None

    async def consume(self, queue: str, prefetch: int) -> str:
        """Consumes a queue and returns the consumer tag. At most `prefetch` deliveries are unsettled at once."""
        self._most_acked = max(prefetch // ACK_PART, 1)
        await self.ask(Basic.Qos(0, prefetch, False))
        answer = await self.ask(Basic.Consume(queue=queue))
        if not isinstance(answer, Basic.ConsumeOk):
            raise ProtocolViolation(f"{answer.name} for a consumer")
        return answer.consumer_tag or ""

    async def cancel(self, consumer_tag: str) -> None:
        """Stops consuming. Deliveries that were on their way still arrive before this returns."""
        await self.ask(Basic.Cancel(consumer_tag))

    def ack(self, tag: int) -> None:
        """Acknowledges a delivery, within 30 ms. Does nothing once the delivery is settled or the channel is over."""
        if self._unsettled.get(tag) is not False:
            return
        self._unsettled[tag] = True
        self._acked.append(tag)
        if len(self._acked) == self._most_acked:
            self._schedule_acks(0)
        elif self._ack_timer is None:
            self._schedule_acks(ACK_SECONDS)

    def reject(self, tag: int) -> None:
        """Rejects a delivery for good. Does nothing once the delivery is settled or the channel is over."""
        if self._unsettled.get(tag) is False:
            del self._unsettled[tag]
            self._connection.write(pack_method(self.number, Basic.Reject(tag, False)))

    def write_acks(self) -> None:
        """Writes the acknowledgements that wait: one for the oldest deliveries without a gap, one for each other."""
        if self._ack_timer is not None:
            self._ack_timer.cancel()
            self._ack_timer = None
        prefix = self._take_prefix()
        if prefix:
            self._connection.write(pack_ack(self.number, prefix[-1], multiple=len(prefix) > 1))
        last = prefix[-1] if prefix else 0
        for tag in self._acked:
            if tag > last:
                del self._unsettled[tag]
                self._connection.write(pack_ack(self.number, tag, multiple=False))
        self._acked.clear()

    def _take_prefix(self) -> list[int]:
        prefix = []
        for tag, acked in self._unsettled.items():
            if not acked:
                break
            prefix.append(tag)
        for tag in prefix:
            del self._unsettled[tag]
        return prefix

    def _schedule_acks(self, seconds: float) -> None:
        if self._ack_timer is not None:
            self._ack_timer.cancel()
        loop = asyncio.get_running_loop()
        self._ack_timer = loop.call_later(seconds, self.write_acks) if seconds else loop.call_soon(self.write_acks)

    def close(self) -> None:
        """Writes the acknowledgements that wait, and closes the channel."""
        self.write_acks()
        super().close()

    def fail(self, error: AmqpError) -> None:
        """Ends the channel. The broker delivers again what is not settled."""
        self._unsettled.clear()
        self._acked.clear()
        self._pieces.clear()
        if self._ack_timer is not None:
            self._ack_timer.cancel()
            self._ack_timer = None
        super().fail(error)

    def receive_method(self, payload: bytes) -> None:
        """Takes a method from the broker. Raises ProtocolViolation for what is not allowed here."""
        if self._next and self.error is None:
            raise ProtocolViolation("a method in the middle of a body")
        if not payload.startswith(DELIVER):
            super().receive_method(payload)
        elif self.error is None:
            tag, self._redelivered = unpack_delivery(payload)
            if tag <= self._tag:
                raise ProtocolViolation("a delivery tag that was used before")
            self._tag, self._next = tag, HEADER

    def receive_header(self, payload: bytes) -> None:
        """Takes the header of a body. Raises ProtocolViolation if none is due."""
        if self.error is not None:
            return
        if self._next != HEADER:
            raise ProtocolViolation("a header without a delivery")
        self._missing = unpack_size(payload)
        self.header = payload
        self._next = BODY
        if not self._missing:
            self._complete(b"")

    def receive_body(self, payload: bytes) -> None:
        """Takes a piece of a body, and hands out the body when it is complete."""
        if self.error is not None:
            return
        self._missing -= len(payload)
        if self._next != BODY or self._missing < 0:
            raise ProtocolViolation("more of a body than was announced")
        if self._pieces or self._missing:
            self._pieces.append(payload)
        if not self._missing:
            self._complete(b"".join(self._pieces) if self._pieces else payload)

    def _complete(self, body: bytes) -> None:
        self._next = 0
        self._pieces.clear()
        self._unsettled[self._tag] = False
        self._on_delivery(self._tag, self._redelivered, body)

    def _receive(self, method: base.Frame) -> None:
        if isinstance(method, Basic.Cancel):
            self.on_cancel()
        else:
            super()._receive(method)
