"""The rows of the route table, and what follows from the rows of one path."""

from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import KW_ONLY, dataclass

from aiohttp import web
from pydantic import BaseModel

from services.api.web.bodies import BodyModel
from services.api.web.queries import QueryModel
from shared.statuses import Role

PREFIX = "/api/v1"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Route:
    """One operation of the API.

    `role` is the least role that may call it. `query` refuses every parameter that it does not define. `body` is the
    model of a JSON body. An answer that `streams` may take any time: only its parts are limited. An `endless` one has
    no HEAD. One that `uploads` reads a file of any length, piece by piece.
    """

    method: str
    path: str
    handler: Handler
    role: Role
    summary: str
    query: type[QueryModel] = QueryModel
    _: KW_ONLY
    body: type[BodyModel] | None = None
    streams: bool = False
    endless: bool = False
    uploads: bool = False

    @property
    def models(self) -> Iterator[type[BaseModel]]:
        """Yields the models of what a caller sends."""
        yield self.query
        if self.body is not None:
            yield self.body

    @property
    def answers_head(self) -> bool:
        return self.method == "GET" and not self.endless


def by_path(routes: Iterable[Route]) -> dict[str, list[Route]]:
    """Groups routes by path."""
    grouped: dict[str, list[Route]] = {}
    for route in routes:
        grouped.setdefault(route.path, []).append(route)
    return grouped


def methods_of(routes: Iterable[Route]) -> list[str]:
    """Lists all methods of one path: those of its routes, and HEAD and OPTIONS, which follow from them."""
    rows = list(routes)
    named = [route.method for route in rows] + ["HEAD" for route in rows if route.answers_head]
    return sorted({*named, "OPTIONS"})
