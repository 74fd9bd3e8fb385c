"""Pages of lists: {items, next} with a cursor, and a Link header to the next page."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from aiohttp import web

from services.api.web import cursors
from services.api.web.problems import HttpProblem, InvalidValue, invalid
from services.api.web.queries import PageQuery
from services.api.web.responses import ResponseModel, reply

ItemT = TypeVar("ItemT")


def position(query: PageQuery, kind: str, start: int) -> int:
    """Returns the id after which the page begins. Raises a 422 problem for a cursor of another list."""
    if query.cursor is None:
        return start
    try:
        return cursors.decode(kind, query.cursor)
    except cursors.BadCursor:
        raise wrong_cursor() from None


def wrong_cursor() -> HttpProblem:
    return invalid(InvalidValue(("query", "cursor"), "must be a cursor that this list returned"))


def cut(found: Sequence[ItemT], limit: int, kind: str, key: Callable[[ItemT], int]) -> tuple[list[ItemT], str | None]:
    """Cuts up to `limit` + 1 items to a page. The extra item only shows that there is a next page."""
    items = list(found[:limit])
    return items, cursors.encode(kind, key(items[-1])) if len(found) > limit else None


def reply_page(request: web.Request, answer: ResponseModel, following: str | None) -> web.Response:
    if following is None:
        return reply(answer)
    address = request.rel_url.update_query(cursor=following)
    return reply(answer, headers={"Link": f'<{address}>; rel="next"'})
