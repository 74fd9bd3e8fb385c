"""The token of a request, and what an Authorization header may hold."""

import pytest

from services.api.access.authenticate import Authenticator, WrongToken
from services.api.access.identity import ANYBODY, BOOTSTRAP, Identity
from services.api.access.known_tokens import StoredToken
from services.api.access.tokens import hash_token
from services.api.web.problems import HttpProblem

ANNA = Identity("anna", "viewer")


class Table:
    """The tokens table, counting how often it is read."""

    def __init__(self, **tokens: Identity) -> None:
        self.rows = [StoredToken(hash_token(plain), identity, None) for plain, identity in tokens.items()]
        self.read_count = 0

    async def read(self) -> list[StoredToken]:
        self.read_count += 1
        return self.rows


async def test_the_admin_token_needs_no_table() -> None:
    table = Table()
    authenticator = Authenticator(required=True, admin_token="secret")
    assert await authenticator.identify("Bearer secret", table.read) == BOOTSTRAP
    assert table.read_count == 0


async def test_a_stored_token_is_found_and_a_guess_is_not() -> None:
    table, authenticator = Table(token=ANNA), Authenticator(required=True, admin_token=None)
    assert await authenticator.identify("Bearer token", table.read) == ANNA
    with pytest.raises(WrongToken):
        await authenticator.identify("Bearer guess", table.read)


async def test_switched_off_everybody_is_an_admin() -> None:
    authenticator = Authenticator(required=False, admin_token=None)
    assert await authenticator.identify(None, Table().read) == ANYBODY
    assert ANYBODY.may("admin")


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer  ", "Basic x", "secret", "Bearersecret"])
async def test_a_header_without_a_token_is_refused(header: str | None) -> None:
    with pytest.raises(HttpProblem) as refused:
        await Authenticator(required=True, admin_token="secret").identify(header, Table().read)
    assert refused.value.headers["WWW-Authenticate"].startswith("Bearer")
