"""The base of query parameters, and those of every list."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class QueryModel(BaseModel):
    """The base of query parameters. Routes without parameters use it directly, so that a misspelt one is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PageQuery(QueryModel):
    limit: Annotated[int, Field(ge=1, le=1000, description="The maximum number of items on a page.")] = 100
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
