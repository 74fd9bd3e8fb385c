"""A channel that publishes: each body has a publish tag, by which the broker confirms, refuses or returns it."""

from collections.abc import Callable, Iterator

from pamqp import base
from pamqp.commands import Basic, Confirm

from shared.amqp.channel import Channel, FrameSink
from shared.amqp.errors import AmqpError, BodyRefused, BodyReturned, ProtocolViolation
from shared.amqp.frames import ACK, HEADER, NACK, PublishPacker, unpack_confirm, unpack_properties, unpack_size

# Called once for each body: with None when the broker has stored it, else with the reason why it may not have.
Settle = Callable[[AmqpError | None], None]


class ConfirmChannel(Channel):
    """A channel in confirm mode. It forgets a body as soon as its frames are written."""

    def __init__(self, connection: FrameSink, number: int, frame_max: int) -> None:
        super().__init__(connection, number)
        self._packer = PublishPacker(number, frame_max)
        self._tag = 0
        # In the order of tags.
        self._unconfirmed: dict[int, Settle] = {}
        self._returned: dict[int, str] = {}
        # The kind of frame that must come next, if a returned body is on its way, and why it was returned.
        self._next = 0
        self._why = ""
        self._missing = 0

    @property
    def unconfirmed(self) -> int:
        """The number of bodies that the broker has not confirmed."""
        return len(self._unconfirmed)

    async def open(self) -> None:
        """Opens the channel and asks for confirms."""
        await super().open()
        await self.ask(Confirm.Select())

    def publish(self, exchange: str, key: str, body: bytes, headers: dict[str, str | int], settle: Settle) -> None:
        """Publishes one body, which is written at the end of this turn of the loop.

        Raises the error that ended the channel, and ValueError for an exchange or key that AMQP cannot hold.
        """
        if self.error is not None:
            raise self.error
        tag = self._tag + 1
        self._connection.write(self._packer.pack(exchange, key, tag, body, headers))
        self._tag = tag
        self._unconfirmed[tag] = settle

    def fail(self, error: AmqpError) -> None:
        """Ends the channel. What is unconfirmed may have been stored or not."""
        already = self.error is not None
        super().fail(error)
        if not already:
            unconfirmed, self._unconfirmed = self._unconfirmed, {}
            self._returned.clear()
            for settle in unconfirmed.values():
                settle(error)

    def receive_method(self, payload: bytes) -> None:
        """Takes a method from the broker. Raises ProtocolViolation for what is not allowed here."""
        if self._next and self.error is None:
            raise ProtocolViolation("a method in the middle of a body")
        if payload.startswith(ACK):
            self._confirm(*unpack_confirm(payload), stored=True)
        elif payload.startswith(NACK):
            self._confirm(*unpack_confirm(payload), stored=False)
        else:
            super().receive_method(payload)

    def receive_header(self, payload: bytes) -> None:
        """Takes the header of a returned body, whose message id is the publish tag."""
        if self.error is not None:
            return
        if self._next != HEADER:
            raise ProtocolViolation("a header without a returned body")
        name = unpack_properties(payload).message_id or ""
        tag = int(name) if name.isascii() and name.isdecimal() and len(name) < 20 else 0
        if tag not in self._unconfirmed:
            # Taking it for a confirmed one would lose it.
            raise ProtocolViolation("a body was returned that was not published here")
        self._returned[tag] = self._why
        self._missing = unpack_size(payload)
        self._next = 0

    def receive_body(self, payload: bytes) -> None:
        """Drops a piece of a returned body."""
        if self.error is None:
            self._missing -= len(payload)
            if self._missing < 0:
                raise ProtocolViolation("more of a returned body than was announced")

    def _receive(self, method: base.Frame) -> None:
        if isinstance(method, Basic.Return):
            self._why, self._next = f"{method.reply_text} {method.exchange} {method.routing_key}", HEADER
        else:
            super()._receive(method)

    def _confirm(self, tag: int, multiple: bool, *, stored: bool) -> None:
        if self.error is not None:
            return
        if tag > self._tag:
            raise ProtocolViolation("a body was confirmed that was not published")
        for one in list(self._tags_up_to(tag)) if multiple else (tag,):
            settle = self._unconfirmed.pop(one, None)
            if settle is not None:
                settle(self._verdict(one, stored))

    def _tags_up_to(self, last: int) -> Iterator[int]:
        """Yields the unconfirmed tags up to one; 0 means all of them."""
        for tag in self._unconfirmed:
            if last and tag > last:
                return
            yield tag

    def _verdict(self, tag: int, stored: bool) -> AmqpError | None:
        """Returns what became of a body. A returned body is confirmed, too, after its return."""
        why = self._returned.pop(tag, None) if self._returned else None
        if why is not None:
            return BodyReturned(why)
        return None if stored else BodyRefused("the broker refused to store it")
