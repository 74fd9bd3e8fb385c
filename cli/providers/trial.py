"""Sends one message through a provider, and shows what was asked and answered, without secrets."""

import asyncio
import json
import time
from collections.abc import Mapping
from urllib.parse import quote, quote_plus

from services.dispatcher.provider_api.http_client import HttpClient
from services.dispatcher.provider_api.replies import Classification, Reply
from services.dispatcher.providers.checking import SAMPLE_SECONDS, sample_claim
from services.dispatcher.providers.mapping import ProviderMapping
from services.dispatcher.providers.message_values import MessageValues
from services.dispatcher.providers.request_rendering import RenderedRequest
from services.dispatcher.scrub import MASK


class TrialOwner:
    """Waits for the one reply."""

    def __init__(self) -> None:
        self.reply: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()

    def may_begin(self) -> bool:
        return True

    def on_reply(self, reply: Reply) -> None:
        self.reply.set_result(reply)

    def on_not_begun(self, error: Exception | None) -> None:
        self.reply.set_result(Reply("unreachable", detail="not sent" if error is None else type(error).__name__))


def prepare(
    mapping: ProviderMapping, phone: str, text: str, attributes: Mapping[str, str]
) -> tuple[MessageValues, RenderedRequest]:
    """Returns the values and the request of a message whose id no table has, to a client with these attributes."""
    claim = sample_claim(phone, text, int(time.time() * 1000), json.dumps(dict(attributes)))
    values = mapping.values_of(claim, SAMPLE_SECONDS)
    return values, mapping.render(values)


def show_request(mapping: ProviderMapping, request: RenderedRequest) -> str:
    """Writes a request as it goes over the wire, with its secrets masked."""
    origin = mapping.origin
    start = f"{request.method.decode()} {'https' if origin.encrypted else 'http'}://{origin.authority}"
    shown = f"{start}{request.path.decode()}\n{request.headers.decode().replace(chr(13), '')}\n{request.body.decode()}"
    return hide(shown, mapping)


def hide(text: str, mapping: ProviderMapping) -> str:
    """Masks the secrets of a provider, plain and as they are encoded."""
    for secret in sorted(mapping.secrets.known, key=len, reverse=True):
        forms = {secret, quote(secret), quote(secret, safe=""), quote(secret, safe=":"), quote_plus(secret)}
        forms |= {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
        for form in sorted(forms, key=len, reverse=True):
            text = text.replace(form, MASK)
    return text


async def send(
    mapping: ProviderMapping, values: MessageValues, request: RenderedRequest
) -> tuple[Reply, Classification]:
    """Sends the request once, and returns the reply and its meaning."""
    client = HttpClient(mapping.origin, most_open=1)
    owner = TrialOwner()
    try:
        client.begin(
            request.path,
            request.body,
            request.headers,
            deadline=asyncio.get_running_loop().time() + mapping.timeout,
            owner=owner,
            method=request.method,
        )
        reply = await owner.reply
    finally:
        await client.close()
    return reply, mapping.classify(reply, values)
