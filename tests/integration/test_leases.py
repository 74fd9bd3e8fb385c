"""Dispatchers lease the tokens of a rate from a real database: never more than there are, and none is lost."""

from collections.abc import Sequence
from uuid import UUID, uuid4

import asyncpg

from services.dispatcher.admission.rate_shares import RateWish
from services.dispatcher.admission.seen_leases import SeenLeases
from services.dispatcher.providers.leaser import exchange, release, slots_of, terms_of
from tests.support.fakes import FakeClock

TOTAL = 200


class Holder:
    """A dispatcher that holds tokens, all of them free."""

    def __init__(self, pool: asyncpg.Pool, lease: str = "smsc") -> None:
        self._pool = pool
        self._lease = lease
        self.process: UUID = uuid4()
        self.held = self.target = 0
        self.clock = FakeClock(0.0)
        self._seen = SeenLeases(self.clock)

    def wait(self, seconds: float) -> None:
        self.clock.move_to(self.clock() + seconds)

    async def renew(self, wanted: int) -> int:
        self.held = min(self.held, self.target)
        async with self._pool.acquire() as connection, connection.transaction():
            self.held, self.target = await exchange(
                connection, self._lease, self.process, self.held, RateWish(wanted), TOTAL, self._seen, terms_of(1.0)
            )
        return self.held


async def settle(holders: Sequence[Holder], wants: Sequence[int]) -> list[int]:
    """Renews all leases twice: what one gives back another takes at its next renewal."""
    for _ in range(3):
        for holder, wanted in zip(holders, wants, strict=True):
            await holder.renew(wanted)
            assert sum(one.held for one in holders) <= TOTAL
    return [holder.held for holder in holders]


async def test_shares_follow_the_work_and_never_add_up_to_more(pool: asyncpg.Pool) -> None:
    holders = [Holder(pool) for _ in range(5)]
    assert await settle(holders, [TOTAL, 0, 0, 0, 0]) == [200, 0, 0, 0, 0]
    assert await settle(holders, [TOTAL] * 5) == [40] * 5
    assert sorted(await settle(holders, [10, 0, 0, TOTAL, TOTAL])) == [0, 0, 10, 95, 95]
    # What nobody wants lies ready.
    assert await settle(holders, [0] * 5) == [40] * 5


async def test_the_only_dispatcher_has_everything_before_its_first_message(pool: asyncpg.Pool) -> None:
    assert await Holder(pool).renew(0) == TOTAL


async def test_the_share_of_a_dead_dispatcher_is_back_after_ten_seconds(pool: asyncpg.Pool) -> None:
    dead, alive = Holder(pool), Holder(pool)
    await settle([dead, alive], [TOTAL, TOTAL])
    alive.wait(9.5)
    assert await alive.renew(TOTAL) == 100
    alive.wait(0.6)
    assert await alive.renew(TOTAL) == 200
    # One that was only stopped has lost them.
    assert await dead.renew(TOTAL) == 0
    assert await settle([dead, alive], [TOTAL, TOTAL]) == [100, 100]


async def test_a_database_whose_clock_is_set_forward_takes_nobody_s_share(pool: asyncpg.Pool) -> None:
    one, other = Holder(pool), Holder(pool)
    await settle([one, other], [TOTAL, TOTAL])
    await pool.execute("UPDATE rate_leases SET renewed_at = renewed_at - interval '1 h'")
    assert (await one.renew(TOTAL), await other.renew(TOTAL)) == (100, 100)


async def test_tokens_whose_exchange_was_lost_on_the_way_are_not_lost(pool: asyncpg.Pool) -> None:
    one, other = Holder(pool), Holder(pool)
    await one.renew(TOTAL)
    # It never heard of them.
    one.held = one.target = 0
    assert await one.renew(TOTAL) == 200
    assert await settle([one, other], [TOTAL, TOTAL]) == [100, 100]


async def test_one_that_stops_gives_slots_back_at_once_and_tokens_after_their_window(
    pool: asyncpg.Pool,
) -> None:
    leaving, staying = Holder(pool), Holder(pool)
    slots, other_slots = Holder(pool, slots_of("smsc")), Holder(pool, slots_of("smsc"))
    slots.process = leaving.process
    await settle([leaving, staying], [TOTAL, TOTAL])
    assert await slots.renew(TOTAL) == TOTAL
    await release(pool, leaving.process, ["smsc"])
    assert (await other_slots.renew(TOTAL), await staying.renew(TOTAL)) == (TOTAL, 100)
    # Two windows, since those of a provider that is slowed are twice as long.
    staying.wait(1.9)
    assert await staying.renew(TOTAL) == 100
    staying.wait(0.2)
    assert await staying.renew(TOTAL) == TOTAL


def test_a_token_for_minutes_is_not_given_to_others_within_them() -> None:
    assert [terms_of(window).gone for window in (0.5, 1.0, 60.0)] == [10.0, 10.0, 65.0]
    assert [terms_of(window).unused for window in (0.5, 1.0, 60.0)] == [5.5, 6.0, 65.0]
