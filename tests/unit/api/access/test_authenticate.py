"""The look-up of a token, and how long its answer is remembered."""

import pytest

from services.api.access.authenticate import CACHE_SECONDS, Authenticator, WrongToken
from services.api.access.identity import ANYBODY, BOOTSTRAP, Identity
from services.api.access.tokens import hash_token
from services.api.web.problems import HttpProblem


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Table:
    """The tokens table, counting how often it is asked."""

    def __init__(self, **tokens: Identity) -> None:
        self.rows = {hash_token(plain): identity for plain, identity in tokens.items()}
        self.asked = 0

    async def find(self, hashed: bytes) -> Identity | None:
        self.asked += 1
        return self.rows.get(hashed)


ANNA = Identity("anna", "viewer")


async def test_the_admin_token_needs_no_table() -> None:
    table = Table()
    authenticator = Authenticator(required=True, admin_token="secret")
    assert await authenticator.identify("Bearer secret", table.find) == BOOTSTRAP
    assert table.asked == 0


async def test_a_stored_token_is_looked_up_once_in_a_while() -> None:
    table, clock = Table(token=ANNA), Clock()
    authenticator = Authenticator(required=True, admin_token=None, clock=clock)
    for _ in range(5):
        assert await authenticator.identify("Bearer token", table.find) == ANNA
    assert table.asked == 1


async def test_a_revoked_token_dies_within_five_seconds_however_busy() -> None:
    table, clock = Table(token=ANNA), Clock()
    authenticator = Authenticator(required=True, admin_token=None, clock=clock)
    assert CACHE_SECONDS <= 5
    await authenticator.identify("Bearer token", table.find)
    table.rows.clear()
    for _ in range(4):
        clock.now += 1
        await authenticator.identify("Bearer token", table.find)
    clock.now += 1
    with pytest.raises(WrongToken):
        await authenticator.identify("Bearer token", table.find)


async def test_guesses_are_not_remembered() -> None:
    table = Table()
    authenticator = Authenticator(required=True, admin_token=None)
    for guess in range(100):
        with pytest.raises(WrongToken):
            await authenticator.identify(f"Bearer {guess}", table.find)
    assert authenticator._known == {}


async def test_switched_off_everybody_is_an_admin() -> None:
    authenticator = Authenticator(required=False, admin_token=None)
    assert await authenticator.identify(None, Table().find) == ANYBODY
    assert ANYBODY.may("admin")


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer  ", "Basic x", "secret", "Bearersecret"])
async def test_a_header_without_a_token_is_refused(header: str | None) -> None:
    with pytest.raises(HttpProblem) as refused:
        await Authenticator(required=True, admin_token="secret").identify(header, Table().find)
    assert refused.value.headers["WWW-Authenticate"].startswith("Bearer")
