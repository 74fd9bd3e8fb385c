"""What the API answers about a token."""

from pydantic import Field

from services.api.web.responses import ResponseModel
from shared.statuses import Role


class Token(ResponseModel):
    """The name and the role of a token."""

    name: str = Field(
        description="The name under which the token was created. Two names stand for no stored token: env:admin is "
        "HERALD_ADMIN_TOKEN, and env:anybody is every caller where authentication is off."
    )
    role: Role = Field(
        description="The roles in ascending order are viewer, operator and admin. Each may do all that the ones "
        "before it may."
    )
