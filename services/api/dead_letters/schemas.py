"""What callers send about dead letters: a body and query parameters."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from services.api.web.bodies import BodyModel
from services.api.web.field_types import left_out
from services.api.web.queries import PageQuery, QueryBool, QueryModel
from shared.topology import DeadQueue

LetterId = Annotated[
    str,
    Field(pattern=r"^[0-9a-f]{16}$", description="The id of a dead letter.", examples=["0f1e2d3c4b5a6978"]),
]


class DeadLettersReplay(BodyModel):
    """Which dead letters to replay: those with these ids or all of them, in one queue or in every queue."""

    ids: Annotated[list[LetterId], Field(min_length=1, max_length=1000)] | None = left_out(
        None, "The ids of the letters. Null or left out if `all` is true."
    )
    all: bool = left_out(False, "True for all letters. Only without `ids`.")
    queue: DeadQueue | None = left_out(None, "Only letters of this queue. Null or left out for every queue.")

    @model_validator(mode="after")
    def _chosen(self) -> Self:
        _require_one_choice(self.ids is not None, self.all)
        return self


class DeadLettersQuery(PageQuery):
    queue: DeadQueue | None = Field(default=None, description="Only letters of this queue.")


class DeadLettersDrop(QueryModel):
    """Which dead letters to drop: those with these ids or all of them, in one queue or in every queue."""

    ids: Annotated[str, Field(pattern=r"^[0-9a-f]{16}(,[0-9a-f]{16}){0,99}$")] | None = Field(
        default=None, description="The ids of the letters to drop, up to 100, separated by commas. Only without `all`."
    )
    all: QueryBool = Field(default=False, description="True to drop all letters. Only without `ids`.")
    queue: DeadQueue | None = Field(default=None, description="Only letters of this queue.")

    @property
    def chosen(self) -> frozenset[str] | None:
        return None if self.ids is None else frozenset(self.ids.split(","))

    @model_validator(mode="after")
    def _chosen(self) -> Self:
        _require_one_choice(self.ids is not None, self.all)
        return self


def _require_one_choice(ids: bool, all_: bool) -> None:
    if ids == all_:
        raise ValueError("give either ids, or all as true")
