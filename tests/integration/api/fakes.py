"""Stand-ins written by hand, and a small client that says what a test means."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient

from services.api.dead_letters.queues import AWAY, BrokerAway, Queues
from services.api.web.context import State
from services.api.web.route import PREFIX
from shared.messages import MailingEventName

ADMIN_TOKEN = "the-admin-token"
AUTHORIZED = {"Authorization": f"Bearer {ADMIN_TOKEN}"}


@dataclass
class RecordingEvents:
    """An EventSink that remembers what it was told."""

    told: list[tuple[MailingEventName, int, str]] = field(default_factory=list)

    def put(self, name: MailingEventName, mailing_id: int, request_id: str) -> None:
        self.told.append((name, mailing_id, request_id))

    @property
    def names(self) -> list[MailingEventName]:
        return [name for name, _, _ in self.told]


class NoBroker:
    """Dead queues on a broker that is away."""

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Queues]:
        raise BrokerAway(AWAY)
        yield


@dataclass
class Answered:
    status: int
    body: Any
    headers: dict[str, str]


@dataclass
class Api:
    """Calls the API over a real socket, as an admin unless `headers` say otherwise."""

    client: TestClient[Any, Any]
    events: RecordingEvents
    state: State

    async def call(self, method: str, path: str, json: Any = None, **more: Any) -> Answered:
        headers = {**AUTHORIZED, **more.pop("headers", {})}
        if json is not None:
            more["json"] = json
        async with self.client.request(method, PREFIX + path, headers=headers, **more) as response:
            return await answered(response)

    async def get(self, path: str, **more: Any) -> Answered:
        return await self.call("GET", path, **more)

    async def post(self, path: str, json: Any = None, **more: Any) -> Answered:
        return await self.call("POST", path, json, **more)

    async def patch(self, path: str, json: Any = None, **more: Any) -> Answered:
        return await self.call("PATCH", path, json, **more)

    async def put(self, path: str, json: Any = None, **more: Any) -> Answered:
        return await self.call("PUT", path, json, **more)

    async def delete(self, path: str, **more: Any) -> Answered:
        return await self.call("DELETE", path, **more)

    async def upload(self, body: bytes, media: str = "text/csv", **more: Any) -> Answered:
        headers = {"Content-Type": media, **more.pop("headers", {})}
        return await self.call("POST", "/clients/import", data=body, headers=headers, **more)


async def answered(response: ClientResponse) -> Answered:
    is_json = response.content_type.endswith("json") and response.content_type != "application/x-ndjson"
    body = await response.json(content_type=None) if is_json else await response.text()
    return Answered(response.status, body, dict(response.headers))
