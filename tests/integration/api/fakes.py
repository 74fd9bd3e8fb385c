"""The API built from parts that a test chooses, stand-ins written by hand, and a small client of the API."""

import zoneinfo
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import asyncpg
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient
from prometheus_client import CollectorRegistry

from services.api import app
from services.api.access.authenticate import Authenticator
from services.api.access.rate_limit import RateLimits
from services.api.dead_letters.queues import AWAY, DeadQueueSession, DeadQueuesUnavailable
from services.api.metrics import Metrics
from services.api.web.database import DatabaseGate
from services.api.web.route import PREFIX
from services.api.web.timeouts import Timeouts
from shared.messages import MailingEventName

ADMIN_TOKEN = "the-admin-token"
AUTHORIZED = {"Authorization": f"Bearer {ADMIN_TOKEN}"}


@dataclass
class RecordingHints:
    """An HintSink that remembers what was put into it."""

    sent: list[tuple[MailingEventName, int, str]] = field(default_factory=list)

    def put(self, name: MailingEventName, mailing_id: int, request_id: str, traceparent: str | None = None) -> None:
        self.sent.append((name, mailing_id, request_id))

    @property
    def names(self) -> list[MailingEventName]:
        return [name for name, _, _ in self.sent]


class NoBroker:
    """Dead queues on a broker that is away."""

    @asynccontextmanager
    async def open(self) -> AsyncIterator[DeadQueueSession]:
        raise DeadQueuesUnavailable(AWAY)
        yield


def an_open_gate(pool: asyncpg.Pool) -> DatabaseGate:
    """A database that was reached, with all time zones."""
    gate = DatabaseGate()
    gate.open(pool, frozenset(zoneinfo.available_timezones()))
    return gate


def an_app(**parts: Any) -> web.Application:
    """The application without a database, a broker and limits, unless `parts` say otherwise."""
    defaults: dict[str, Any] = {
        "database": DatabaseGate(),
        "metrics": Metrics.on(CollectorRegistry()),
        "timeouts": Timeouts(),
        "authenticator": Authenticator(required=True, admin_token=ADMIN_TOKEN),
        "rate_limits": RateLimits(),
        "planner_hints": RecordingHints(),
        "dead_queues": NoBroker(),
        "default_zone": "UTC",
    }
    return app.build(**defaults | parts)


@dataclass
class Answered:
    status: int
    body: Any
    headers: Mapping[str, str]


@dataclass
class Api:
    """Calls the API over a real socket, as an admin unless `headers` say otherwise."""

    client: TestClient[Any, Any]
    hints: RecordingHints
    metrics: Metrics

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


MakeApi = Callable[..., Awaitable[Api]]


async def answered(response: ClientResponse) -> Answered:
    is_json = response.content_type.endswith("json") and response.content_type != "application/x-ndjson"
    body = await response.json(content_type=None) if is_json else await response.text()
    return Answered(response.status, body, response.headers)
