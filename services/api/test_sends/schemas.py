"""What callers send about test-sends."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from services.api.clients.attributes import AttributesNew
from services.api.mailings.schemas import PersonalTextNew
from services.api.web.bodies import BodyModel
from services.api.web.field_types import Phone, left_out

MOST_PHONES = 5


class TestSendNew(BodyModel):
    """A text to try on a few phones, which need not be in the directory."""

    # Pytest takes classes of this name for tests.
    __test__ = False

    text: PersonalTextNew
    phones: Annotated[list[Phone], Field(min_length=1, max_length=MOST_PHONES)]
    values: AttributesNew = left_out({}, "Values for the placeholders of the text. They win over those of clients.")

    @model_validator(mode="after")
    def _differ(self) -> Self:
        if len(set(self.phones)) != len(self.phones):
            raise ValueError("a phone may be given once")
        return self
