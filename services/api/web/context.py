"""What every handler reads from the request and from the application, whatever its feature."""

from collections.abc import Mapping
from typing import Any, TypeVar

from aiohttp import web

from services.api.metrics import Metrics
from services.api.web.cursors import MAX_ID
from services.api.web.database import DatabaseGate
from services.api.web.problems import not_found
from services.api.web.queries import QueryModel
from services.api.web.reading.parsing import Zones
from services.api.web.timeouts import Timeouts
from shared.database import Pool

DATABASE = web.AppKey("database", DatabaseGate)
METRICS = web.AppKey("metrics", Metrics)
TIMEOUTS = web.AppKey("timeouts", Timeouts)

REQUEST_ID = web.RequestKey("request_id", str)
QUERY = web.RequestKey("query", QueryModel)
# Fields of the request's log line. Each is redacted where it is added.
LOG_FIELDS = web.RequestKey[dict[str, Any]]("log_fields")

QueryT = TypeVar("QueryT", bound=QueryModel)


def pool_of(request: web.Request) -> Pool:
    """Returns the pool of database connections. Raises a 503 problem until the database was reached."""
    return request.app[DATABASE].pool


def zones_of(request: web.Request) -> Zones:
    """Returns the time zones that a client may have. Raises a 503 problem until the database was reached."""
    return request.app[DATABASE].zones


def timeouts_of(request: web.Request) -> Timeouts:
    return request.app[TIMEOUTS]


def query_of(request: web.Request, kind: type[QueryT]) -> QueryT:
    """Returns the query parameters, as parsed for the route. `kind` must be the model that the route table names."""
    query = request[QUERY]
    if not isinstance(query, kind):
        raise TypeError(f"the route table names {type(query).__name__}, the handler wants {kind.__name__}")
    return query


def ids_in(path: Mapping[str, str]) -> dict[str, int]:
    """Returns Herald's own ids in a path, such as client_id. The routes let only digits through.

    An external id is none of them, and may be a contract number: it is not for the log.
    """
    return {name: int(value) for name, value in path.items() if name.endswith("_id") and name != "external_id"}


def id_in(request: web.Request, what: str) -> int:
    """Returns the id of a client, mailing or message in the path. Raises a 404 problem for one that no table holds."""
    number = int(request.match_info[f"{what}_id"])
    if number > MAX_ID:
        raise not_found(what)
    return number
