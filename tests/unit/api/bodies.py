"""Bodies as a caller sends them, and what is wrong with them."""

import json
from typing import Any

from services.api.web.bodies import BodyModel
from services.api.web.problems import HttpProblem
from services.api.web.reading.parsing import parse_body

ZONES = frozenset({"UTC", "Europe/Moscow"})
WRONG_TYPES: list[Any] = [None, 1, 1.5, True, [], {}]
UNKNOWN_FIELDS = ("id", "status", "Phone", "", "__class__", "created_at", "👍")


def errors(kind: type[BodyModel], body: Any) -> list[tuple[Any, ...]]:
    """Lists the places of what is wrong in a body."""
    try:
        parse_body(kind, json.dumps(body).encode(), ZONES)
    except HttpProblem as problem:
        return [error.loc[1:] for error in problem.errors if problem.status == 422 and error.loc[0] == "body"]
    return []
