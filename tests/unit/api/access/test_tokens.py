"""Tokens as they are made."""

from services.api.access.tokens import create_token, hash_token


def test_tokens_are_long_and_never_the_same() -> None:
    made = [create_token() for _ in range(100)]
    assert len({plain for plain, _ in made}) == 100
    for plain, hashed in made:
        assert hashed == hash_token(plain)
        assert len(hashed) == 32
        assert len(plain) > 40
