"""Pools: the shares of each provider, and who stands by."""

from collections import Counter

import pytest

from services.dispatcher.providers.routing import MOST_BEHIND, Pool, make_router
from shared.providers.reading import parse_providers_file


def counted(pool: Pool, messages: int, away: frozenset[str] = frozenset()) -> Counter[str | None]:
    return Counter(pool.pick(lambda name: name not in away, lambda name: name not in away) for _ in range(messages))


def test_shares_are_those_of_the_weights() -> None:
    assert counted(Pool({"a": 80, "b": 20}), 10_000) == {"a": 8000, "b": 2000}


def test_one_that_was_full_for_a_while_gets_its_share_afterwards() -> None:
    pool = Pool({"a": 80, "b": 20})
    full = {"a"}
    got: Counter[str | None] = Counter()
    for turn in range(1000):
        if turn == 50:
            full.clear()
        got[pool.pick(lambda name: name not in full, lambda name: True)] += 1
    assert got["a"] == pytest.approx(800, abs=1)


def test_one_that_is_always_full_never_holds_the_others_up_nor_floods_afterwards() -> None:
    pool = Pool({"a": 1, "b": 1})
    assert Counter(pool.pick(lambda name: name == "b", lambda name: True) for _ in range(10_000)) == {"b": 10_000}
    first = [pool.pick(lambda name: True, lambda name: True) for _ in range(1000)]
    assert first.count("a") <= 500 + MOST_BEHIND + 1


def test_what_is_away_leaves_its_share_to_the_others() -> None:
    pool = Pool({"a": 3, "b": 1, "c": 1})
    assert counted(pool, 100, frozenset({"a"})) == {"b": 50, "c": 50}
    assert counted(pool, 10, frozenset("abc")) == {None: 10}


def test_a_provider_without_a_weight_stands_by() -> None:
    pool = Pool({"a": 1, "b": 0})
    assert counted(pool, 10) == {"a": 10}
    assert pool.standby(lambda name: True) == "b"
    assert pool.standby(lambda name: name == "a") is None


def test_the_first_route_that_matches_decides() -> None:
    file = parse_providers_file(
        """
version: 1
providers: {a: {preset: probe}, b: {preset: probe}}
routes:
  - {when: {operator_codes: [916, "917"]}, pool: [{provider: a}]}
  - {pool: [{provider: b}]}
"""
    )
    router = make_router(file)
    assert [router.pool_of(code).names for code in ("916", "917", "999")] == [("a",), ("a",), ("b",)]


def test_without_routes_all_providers_share_everything() -> None:
    file = parse_providers_file("version: 1\nproviders: {a: {preset: probe}, b: {preset: probe}}")
    assert counted(make_router(file).pool_of("999"), 10) == {"a": 5, "b": 5}
