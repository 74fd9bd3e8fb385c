"""Why a request was not answered as asked."""

from typing import Annotated

from pydantic import Field

from services.api.answers.parts import Answer
from services.api.schemas import left_out


class FieldError(Answer):
    """One value that is wrong."""

    loc: list[str | int] = Field(
        description="Where it stands: body, query or header, then the names and positions that lead to it."
    )
    msg: str = Field(description="What is wrong with it. The value itself is never repeated.")


class Problem(Answer):
    """Why a request was not answered as asked, as RFC 9457 has it."""

    type: str = Field(description="Always about:blank: the status says what kind of problem it is.")
    title: str = Field(description="The name of the HTTP status.")
    status: Annotated[int, Field(description="The HTTP status.", json_schema_extra={"minimum": 400, "maximum": 599})]
    detail: str = left_out("", "What is wrong and what to do about it, as a sentence.")
    errors: list[FieldError] = left_out([], "For 422: the values that are wrong, the first 100 of them.")
