"""The copy of the tokens table: how old it may be, and how often the table is read."""

import asyncio

import pytest

from services.api.access.identity import Identity
from services.api.access.known_tokens import FRESH_SECONDS, STALE_SECONDS, UNKNOWN_SECONDS, KnownTokens, StoredToken

ANNA = Identity("anna", "viewer")
HASH = b"h" * 32


class Table:
    """The tokens table with a clock, counting how often it is read. `away` makes it fail."""

    def __init__(self) -> None:
        self.now = 100.0
        self.away = False
        self.rows = [StoredToken(HASH, ANNA, None)]
        self.read_count = 0
        self.tokens = KnownTokens(lambda: self.now)

    async def read(self) -> list[StoredToken]:
        self.read_count += 1
        await asyncio.sleep(0)
        if self.away:
            raise ConnectionError
        return list(self.rows)

    async def find(self, hashed: bytes = HASH) -> Identity | None:
        return await self.tokens.find(hashed, self.read)


async def test_a_busy_token_costs_two_reads_a_second() -> None:
    table = Table()
    for _ in range(100):
        table.now += 0.01
        assert await table.find() == ANNA
    assert table.read_count <= 3


async def test_a_revoked_token_stops_working_within_half_a_second_however_busy() -> None:
    table = Table()
    assert await table.find() == ANNA
    table.rows.clear()
    table.now += FRESH_SECONDS + 0.001
    assert await table.find() is None


async def test_a_created_token_works_at_once() -> None:
    table = Table()
    assert await table.find(b"n" * 32) is None
    table.rows.append(StoredToken(b"n" * 32, ANNA, None))
    table.now += UNKNOWN_SECONDS + 0.001
    assert await table.find(b"n" * 32) == ANNA


async def test_guesses_cost_ten_reads_a_second_and_no_memory() -> None:
    table = Table()
    for number in range(1000):
        table.now += 0.001
        assert await table.find(str(number).encode()) is None
    assert table.read_count <= 11
    assert list(table.tokens._tokens) == [HASH]


async def test_of_many_requests_at_once_one_reads() -> None:
    table = Table()
    assert await asyncio.gather(*(table.find() for _ in range(50))) == [ANNA] * 50
    assert table.read_count == 1


async def test_a_token_expires_by_itself() -> None:
    table = Table()
    table.rows = [StoredToken(HASH, ANNA, 0.2)]
    assert await table.find() == ANNA
    table.now += 0.2
    table.rows = []
    assert await table.find() is None


async def test_a_known_token_works_five_seconds_without_the_database() -> None:
    table = Table()
    assert await table.find() == ANNA
    table.away = True
    table.now += STALE_SECONDS - 0.1
    assert await table.find() == ANNA
    with pytest.raises(ConnectionError):
        await table.find(b"n" * 32)
    table.now += 0.2
    with pytest.raises(ConnectionError):
        await table.find()
