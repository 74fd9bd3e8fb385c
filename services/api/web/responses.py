"""The base of answers, the fields that several of them share, and how an answer is encoded."""

from typing import Annotated, get_args

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from services.api.web.field_types import left_out
from services.api.web.problem_kinds import ProblemCode

Id = Annotated[int, Field(json_schema_extra={"format": "int64", "minimum": 1})]
Count = Annotated[int, Field(json_schema_extra={"minimum": 0})]
Next = Annotated[
    str | None, Field(description="The cursor of the next page; null on the last page. The Link header holds its URL.")
]


class ResponseModel(BaseModel):
    """The base of answers. Date-times are in UTC, and every field is always present."""

    model_config = ConfigDict(frozen=True, populate_by_name=True)


class FieldError(ResponseModel):
    """One wrong value."""

    loc: list[str | int] = Field(
        description="Where the value is: body, query or header, then the names and positions that lead to it."
    )
    msg: str = Field(description="What is wrong with the value. The value itself is never repeated.")


class PlaceholderValues(ResponseModel):
    """How many recipients lack the value of a placeholder."""

    name: str
    required: bool = Field(description="False if the text has a fallback wherever it stands.")
    missing: Count = Field(description="Recipients without the value.")
    sample: list[Id] = Field(description="The ids of up to five of them.")
    phones: list[str] = Field(description="Their phones: recipients of a file need not be in the directory.")


class Problem(ResponseModel):
    """The reason why a request failed, as RFC 9457 defines it."""

    type: str = Field(description="A reference to the page that explains this kind of problem.")
    code: str = Field(
        description="The kind of problem, for programs. Its meaning never changes.",
        json_schema_extra={"enum": list(get_args(ProblemCode))},
    )
    title: str = Field(description="The name of the HTTP status.")
    status: Annotated[int, Field(description="The HTTP status.", json_schema_extra={"minimum": 400, "maximum": 599})]
    detail: str = left_out("", "What is wrong and what to do about it, as a sentence.")
    errors: list[FieldError] = left_out([], "For 422: the first 100 wrong values.")
    missing_values: list[PlaceholderValues] = left_out([], "For missing-values: what the audience lacks.")


def reply(answer: ResponseModel, *, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """Answers with a model as JSON."""
    body = answer.model_dump_json(by_alias=True)
    return web.Response(text=body, status=status, headers=headers, content_type="application/json")
