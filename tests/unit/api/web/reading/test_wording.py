"""Every rule that a value can break is said in words, without the value and without a regular expression."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from services.api.routes import ROUTES
from shared.wording import PATTERNS, message_of

MODELS = sorted({model for route in ROUTES for model in route.models}, key=lambda model: model.__name__)
WRONG: list[Any] = [
    None,
    1,
    1.5,
    -1,
    10**30,
    True,
    "",
    " ",
    "x",
    "\ud800",
    "9" * 5000,
    [],
    ["x"],
    [1] * 5000,
    {},
    {"a": 1},
]


def messages(model: type[BaseModel], body: Any) -> Iterator[str]:
    try:
        model.model_validate(body, context={"zones": frozenset()})
    except ValidationError as error:
        yield from (message_of(found) for found in error.errors())


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_whatever_is_wrong_is_said_in_plain_words(model: type[BaseModel]) -> None:
    names = [info.alias or name for name, info in model.model_fields.items()]
    bodies = [{name: value} for name in [*names, "unknown"] for value in WRONG] + WRONG
    for said in {said for body in bodies for said in messages(model, body)}:
        assert re.match(r"must |is |give |from |has the wrong form", said), said
        assert not re.search(r"[\^\\\[\]{}]|Input|valid string|Extra|Field", said), said
        assert said != "has the wrong form", (model, said)


def test_each_pattern_of_the_table_is_one_of_a_model() -> None:
    schemas = str([model.model_json_schema() for model in MODELS])
    assert [pattern for pattern in PATTERNS if repr(pattern).strip("'") not in schemas] == []
