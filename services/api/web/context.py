"""What handlers reach through the request: the state of the process, and what middleware found out."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from aiohttp import web

from services.api.access.authenticate import Authenticator
from services.api.access.client_address import Network
from services.api.access.token_bucket import WRONG_TOKENS, Allowance, Buckets
from services.api.access.tokens import Identity
from services.api.audit.store import Cause
from services.api.dead_letters.queues import OpensQueues
from services.api.mailings.planner_hints import EventSink
from services.api.metrics import Meters
from services.api.web.cursors import MAX_ID
from services.api.web.problems import not_found, unavailable
from services.api.web.queries import QueryModel
from services.api.web.timeouts import Patience
from shared.database import Pool


@dataclass(frozen=True, slots=True)
class Backing:
    """What there is only once the database was reached."""

    pool: Pool
    zones: frozenset[str]


@dataclass(slots=True)
class State:
    authenticator: Authenticator
    events: EventSink
    default_zone: str
    dead_queues: OpensQueues
    meters: Meters
    backing: Backing | None = None
    patience: Patience = field(default_factory=Patience)
    # None: as often as they like.
    rates: Buckets | None = None
    wrong_tokens: Buckets = field(default_factory=lambda: Buckets(WRONG_TOKENS))
    # Proxies whose X-Forwarded-For is believed.
    trusted: Sequence[Network] = ()
    # Statements that read a whole table: so few at a time that they leave most of the pool to others.
    counting: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(2))

    @property
    def pool(self) -> Pool:
        """Raises a 503 problem until the database was reached."""
        return self._backing.pool

    @property
    def zones(self) -> frozenset[str]:
        return self._backing.zones

    @property
    def _backing(self) -> Backing:
        if self.backing is None:
            raise unavailable()
        return self.backing


STATE = web.AppKey("state", State)
REQUEST_ID = web.RequestKey("request_id", str)
ALLOWANCE = web.RequestKey("allowance", Allowance)
IDENTITY = web.RequestKey("identity", Identity)
QUERY = web.RequestKey("query", QueryModel)
# What the log tells of the request's body, and of why it was refused.
BODY = web.RequestKey("body", dict)
REFUSAL = web.RequestKey("refusal", dict)

QueryT = TypeVar("QueryT", bound=QueryModel)


def cause_of(request: web.Request) -> Cause:
    """What an event says of the request that caused it."""
    return Cause(request[REQUEST_ID], request[IDENTITY].name)


def state_of(request: web.Request) -> State:
    return request.app[STATE]


def query_of(request: web.Request, kind: type[QueryT]) -> QueryT:
    """The query parameters, read as the route table says. `kind` must be what stands there."""
    query = request[QUERY]
    if not isinstance(query, kind):
        raise TypeError(f"the route table says {type(query).__name__}, the handler wants {kind.__name__}")
    return query


def ids_in(path: Mapping[str, str]) -> dict[str, int]:
    """The ids in a path: client_id, mailing_id or message_id. The routes only let digits through."""
    return {name: int(value) for name, value in path.items() if name.endswith("_id")}


def id_in(request: web.Request, what: str) -> int:
    """The id of a client, mailing or message in the path. One that no table can hold is not found."""
    number = int(request.match_info[f"{what}_id"])
    if number > MAX_ID:
        raise not_found(what)
    return number
