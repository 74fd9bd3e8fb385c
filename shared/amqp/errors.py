"""What goes wrong on an AMQP connection, from the whole connection down to one body."""


class AmqpError(Exception):
    """An error of the broker, or of the way to it. The text says what happened, in one line."""


class ConnectionEnded(AmqpError):
    """The connection is over: closed by either side, cut, or silent."""


class ProtocolViolation(ConnectionEnded):
    """The peer sent what AMQP 0-9-1 does not allow. The connection was given up."""


class LoginRefused(ConnectionEnded):
    """The broker refuses this user or password."""


class VirtualHostRefused(ConnectionEnded):
    """The virtual host does not exist, or this user may not use it."""


class ChannelEnded(AmqpError):
    """The channel is over, and the connection is not: the broker refused something, or it was closed here."""


class AccessRefused(ChannelEnded):
    """This user has not the right to do that."""


class ObjectMissing(ChannelEnded):
    """There is no such exchange or queue."""


class ObjectDiffers(ChannelEnded):
    """The exchange or queue exists with other arguments."""


class BodyReturned(AmqpError):
    """No queue takes the body: nothing is bound for its routing key."""


class BodyRefused(AmqpError):
    """The broker did not store the body, as a queue that is full does not."""


_BY_CODE = {403: AccessRefused, 404: ObjectMissing, 406: ObjectDiffers}


def channel_error(code: int, text: str) -> ChannelEnded:
    """Returns the error for the code with which the broker closed a channel."""
    return _BY_CODE.get(code, ChannelEnded)(text)
