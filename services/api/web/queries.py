"""The base of query parameters, and those of every list."""

import re
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


class QueryModel(BaseModel):
    """The base of query parameters. Routes without parameters use it directly, so that a misspelt one is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _digits(value: object) -> object:
    """Refuses what Python alone reads as a number: `1_0`, ` 5` and `1.0`."""
    if isinstance(value, str) and _WHOLE_NUMBER.fullmatch(value) is None:
        raise ValueError("must be a whole number")
    return value


def _truth(value: object) -> object:
    """Refuses the other words that pydantic takes for a truth: `1`, `yes`, `on`."""
    if isinstance(value, str) and value.lower() not in {"true", "false"}:
        raise ValueError("must be true or false")
    return value


_WHOLE_NUMBER = re.compile(r"[0-9]{1,19}", re.ASCII)
# For query parameters, which are text. It stands after the limits of a number, which the API's document then shows.
WHOLE_NUMBER = BeforeValidator(_digits)
QueryBool = Annotated[bool, BeforeValidator(_truth)]


class PageQuery(QueryModel):
    limit: Annotated[int, Field(ge=1, le=1000, description="The maximum number of items on a page."), WHOLE_NUMBER] = (
        100
    )
    cursor: (
        Annotated[
            str,
            Field(
                min_length=1,
                max_length=200,
                description="Where the page begins: `next` of the previous page. Left out, the first page is returned.",
                json_schema_extra={"format": "cursor"},
            ),
        ]
        | None
    ) = None
