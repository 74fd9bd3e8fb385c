"""The base of answers, the fields that several of them share, and how an answer is written."""

from typing import Annotated

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from services.api.web.field_types import left_out

Id = Annotated[int, Field(json_schema_extra={"format": "int64", "minimum": 1})]
Count = Annotated[int, Field(json_schema_extra={"minimum": 0})]
Next = Annotated[
    str | None, Field(description="The cursor of the next page; null on the last one. A Link header names its address.")
]


class ResponseModel(BaseModel):
    """The body of an answer: moments are in UTC, and every field is always present."""

    model_config = ConfigDict(frozen=True, populate_by_name=True)


class FieldError(ResponseModel):
    """One value that is wrong."""

    loc: list[str | int] = Field(
        description="Where it stands: body, query or header, then the names and positions that lead to it."
    )
    msg: str = Field(description="What is wrong with it. The value itself is never repeated.")


class Problem(ResponseModel):
    """Why a request was not answered as asked, as RFC 9457 has it."""

    type: str = Field(description="Always about:blank: the status says what kind of problem it is.")
    title: str = Field(description="The name of the HTTP status.")
    status: Annotated[int, Field(description="The HTTP status.", json_schema_extra={"minimum": 400, "maximum": 599})]
    detail: str = left_out("", "What is wrong and what to do about it, as a sentence.")
    errors: list[FieldError] = left_out([], "For 422: the values that are wrong, the first 100 of them.")


def reply(answer: ResponseModel, *, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """Answers with a model as JSON."""
    body = answer.model_dump_json(by_alias=True)
    return web.Response(text=body, status=status, headers=headers, content_type="application/json")
