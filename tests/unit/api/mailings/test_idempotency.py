"""The Idempotency-Key: what it is, and what its hash covers."""

from typing import Any

import pytest

from services.api.mailings.idempotency.keys import IdempotencyKey, key_of
from services.api.mailings.schemas import MailingNew
from services.api.web.problems import HttpProblem

BODY: dict[str, Any] = {"text": "Hello", "end_at": "2030-01-01T00:00:00Z", "filter": {}}


def a_key(header: str | None = "k", owner: str = "anna", **values: Any) -> IdempotencyKey | None:
    return key_of(header, owner, MailingNew.model_validate({**BODY, **values}))


def test_without_a_header_there_is_no_key() -> None:
    assert a_key(None) is None


@pytest.mark.parametrize(
    ("values", "same"),
    [
        ({}, True),
        ({"end_at": "2030-01-01T03:00:00+03:00"}, True),
        ({"filter": {"tags": []}}, True),
        ({"window": None}, True),
        ({"text": "hello"}, False),
        ({"start_at": "2029-01-01T00:00:00Z"}, False),
        ({"filter": {"tags": ["vip"]}}, False),
        ({"window": {"from": "09:00", "to": "21:00"}}, False),
    ],
)
def test_the_hash_is_of_what_the_body_means(values: dict[str, Any], same: bool) -> None:
    assert (a_key(**values) == a_key()) is same


@pytest.mark.parametrize("header", ["", "x" * 256, "a\tb", "ключ", "a\udcffb"])
def test_a_key_is_printable_ascii(header: str) -> None:
    with pytest.raises(HttpProblem) as refused:
        a_key(header)
    assert refused.value.errors[0].loc == ("header", "Idempotency-Key")


def test_locks_differ_by_owner_and_key_and_fit_the_database() -> None:
    keys = [a_key(header, owner) for header in ("k", "l") for owner in ("anna", "boris")]
    locks = {key.lock for key in keys if key is not None}
    assert len(locks) == 4
    assert all(-(2**63) <= lock < 2**63 for lock in locks)
