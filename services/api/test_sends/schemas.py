"""What callers send about test-sends."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from services.api.web.bodies import BodyModel
from services.api.web.field_types import Phone, Text

MOST_PHONES = 5


class TestSendNew(BodyModel):
    """A text to try on a few phones, which need not be in the directory."""

    # Pytest takes classes of this name for tests.
    __test__ = False

    text: Text
    phones: Annotated[list[Phone], Field(min_length=1, max_length=MOST_PHONES)]

    @model_validator(mode="after")
    def _differ(self) -> Self:
        if len(set(self.phones)) != len(self.phones):
            raise ValueError("a phone may be given once")
        return self
