"""Reads the lists of the API, page by page."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

from cli.connections.api import ApiClient, Json

# The most that the API puts into a page.
LONGEST_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Page:
    """Some items of a list. `more` is whether the list goes on after them."""

    items: list[Json]
    more: bool


async def read_pages(api: ApiClient, path: str, params: Mapping[str, str | None], limit: int) -> AsyncIterator[Page]:
    """Yields pages of a list, with `limit` items at most in all. Parameters that are None are left out."""
    query = {name: value for name, value in params.items() if value is not None}
    left = limit
    while left > 0:
        answer = await api.get(path, query | {"limit": str(min(left, LONGEST_PAGE))})
        left -= len(answer["items"])
        following = answer["next"]
        yield Page(answer["items"], more=following is not None)
        if following is None:
            return
        query["cursor"] = following
