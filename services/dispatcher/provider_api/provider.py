"""The client of the external send API: a message in, a reply out."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import orjson

from services.dispatcher.provider_api.http_client import HttpClient
from services.dispatcher.provider_api.origin import encode_headers, read_origin
from services.dispatcher.provider_api.pending_request import PendingRequest, RequestOwner


class Provider:
    """The send API, one message a call, over kept-alive connections."""

    def __init__(self, client: HttpClient, path: bytes, headers: bytes) -> None:
        self._client = client
        self._path = path
        self._headers = headers

    def begin(
        self, message_id: int, phone: str, text: str, *, deadline: float, owner: RequestOwner
    ) -> PendingRequest | None:
        """Posts the message. `owner` gets the reply at `deadline` at the latest. Every failure is a Reply, too.

        services/dispatcher/provider_api/http_client.py says when `owner` is asked whether the request may begin.
        Returns what can be cancelled; None if it has ended already.
        """
        return self._client.begin(
            b"%b/send/%d" % (self._path, message_id),
            orjson.dumps({"id": message_id, "phone": int(phone), "text": text}),
            self._headers,
            deadline=deadline,
            owner=owner,
        )

    def cancel(self, pending: PendingRequest) -> None:
        """Ends a request without a reply: its connection is closed if it has begun."""
        self._client.cancel(pending)


@asynccontextmanager
async def connect(
    url: str, token: str, *, most_open: int, clock: Callable[[], float] | None = None
) -> AsyncIterator[Provider]:
    """Opens the client. Deadlines are moments on `clock`, in seconds; the loop's where it is None.

    At most `most_open` connections are open. A request above that waits for one, which leaves it less time.
    """
    origin = read_origin(url)
    headers = encode_headers(
        {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
            "User-Agent": "herald",
            "Accept": "*/*",
            "Accept-Encoding": "identity",
        }
    )
    client = HttpClient(origin, most_open=most_open, clock=clock)
    try:
        yield Provider(client, origin.path, headers)
    finally:
        await client.close()
