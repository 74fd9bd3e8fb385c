"""What callers send about tokens."""

from typing import Annotated

from pydantic import Field

from services.api.web.bodies import BodyModel
from services.api.web.field_types import OptionalMoment, left_out
from services.api.web.queries import PageQuery
from shared.statuses import Role

NAME_PATTERN = "^[A-Za-z0-9._-]{1,64}$"


class TokenNew(BodyModel):
    """A token to create."""

    name: Annotated[
        str,
        Field(
            pattern=NAME_PATTERN,
            description="1 to 64 letters, digits, dots, dashes and underscores. No other token has or had it.",
        ),
    ]
    role: Role
    expires_at: OptionalMoment = left_out(None, "When it stops working. Left out, it works until it is revoked.")


class TokensQuery(PageQuery):
    pass
