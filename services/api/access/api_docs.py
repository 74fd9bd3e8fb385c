"""Describes the operation on the token for the API's document."""

from collections.abc import Mapping

from services.api.access import handlers as token
from services.api.access.responses import Token
from services.api.web.operation import Json, Operation, success
from services.api.web.route import Handler

TOKEN: Json = {"name": "anna", "role": "operator"}

OPERATIONS: Mapping[Handler, Operation] = {
    token.show: Operation(
        "showToken",
        "token",
        "Shows the name and the role of the request's token.",
        {200: success("The token, without its secret.", Token, TOKEN)},
    ),
}
