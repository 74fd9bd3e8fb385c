"""What the API answers about a token."""

from pydantic import Field

from services.api.web.responses import ResponseModel
from shared.statuses import Role


class Token(ResponseModel):
    """Whose token it is, and what it may do."""

    name: str = Field(
        description="The name it was created under. Those with a colon are no tokens of the table: env:admin is "
        "HERALD_ADMIN_TOKEN, env:anybody is everybody where authentication is off."
    )
    role: Role = Field(description="Each role may do what the roles before it may: viewer, operator, admin.")
