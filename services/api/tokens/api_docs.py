"""Describes the operations on tokens for the API's document."""

from collections.abc import Mapping

from services.api.tokens import handlers as tokens
from services.api.tokens.responses import MadeToken, TokensShown
from services.api.tokens.schemas import TokenNew
from services.api.web.operation import MADE_AT, NO_CONTENT, SENT_AT, Example, Json, Operation, json_body, success
from services.api.web.route import Handler

TOKEN_NEW: Json = {"name": "shop", "role": "operator", "expires_at": "2036-01-30T09:00:00Z"}
TOKEN: Json = {"id": 1, **TOKEN_NEW, "created_at": MADE_AT, "revoked_at": None, "last_used_at": None}
USED: Json = TOKEN | {"last_used_at": SENT_AT}
_NAME_TAKEN = "Another token has this name, or had it."

OPERATIONS: Mapping[Handler, Operation] = {
    tokens.listing: Operation(
        "listTokens",
        "token",
        "Lists all tokens, the newest first, with those that are expired or revoked. HERALD_ADMIN_TOKEN is a setting "
        "and none of them.",
        {200: success("A page of tokens.", TokensShown, {"items": [USED], "next": None}, headers=("Link",))},
    ),
    tokens.create: Operation(
        "createToken",
        "token",
        "Creates a token. The answer has its secret, which cannot be shown again.",
        {201: success("The token with its secret.", MadeToken, TOKEN | {"token": "herald_EXAMPLE"})},
        body=json_body(TokenNew, shop=Example("A token of a program, for a year", TOKEN_NEW)),
        errors={409: _NAME_TAKEN},
    ),
    tokens.revoke: Operation(
        "revokeToken",
        "token",
        "Revokes a token. It is refused within half a second.",
        {204: NO_CONTENT},
    ),
}
