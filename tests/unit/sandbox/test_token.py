"""The token of a send is verified."""

from datetime import UTC, datetime, timedelta

import jwt
import pytest

from services.sandbox.token import TokenVerifier, make_token

SECRET, OTHER_SECRET = "s" * 32, "o" * 32
NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def test_a_made_token_is_admitted_again_and_again() -> None:
    verifier = TokenVerifier(SECRET)
    moments = [NOW, NOW + timedelta(milliseconds=1), NOW + timedelta(days=1)]
    assert all(verifier.accepts(f"Bearer {make_token(SECRET)}", moment) for moment in moments)


def test_the_scheme_is_read_in_any_case() -> None:
    assert TokenVerifier(SECRET).accepts(f"bearer {make_token(SECRET)}", NOW)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer nonsense",
        "Bearer \udcff",
        make_token(SECRET),
        f"Basic {make_token(SECRET)}",
        f"Bearer {make_token(OTHER_SECRET)}",
        f"Bearer {make_token(SECRET)}x",
        f"Bearer {jwt.encode({'sub': 'herald'}, None, algorithm='none')}",  # type: ignore[arg-type]
        f"Bearer {jwt.encode({'sub': 'herald', 'exp': LONG_AGO}, SECRET, algorithm='HS256')}",
    ],
)
def test_anything_else_is_not_admitted(header: str | None) -> None:
    assert not TokenVerifier(SECRET).accepts(header, NOW)
