"""The clock of leases, claims and requests."""

import sys
import time
from functools import partial

import pytest

from services.dispatcher.claims.clock import read_clock
from services.dispatcher.claims.held_claims import HeldClaims


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a clock that counts while suspended")
def test_the_clock_goes_on_while_the_machine_is_suspended() -> None:
    assert isinstance(read_clock, partial)
    assert (read_clock.func, read_clock.args) == (time.clock_gettime, (time.CLOCK_BOOTTIME,))
    before = time.clock_gettime(time.CLOCK_BOOTTIME)
    assert before <= read_clock() <= time.clock_gettime(time.CLOCK_BOOTTIME)


def test_a_lease_is_over_after_the_machine_was_suspended() -> None:
    moments = [100.0]
    held = HeldClaims(lambda: moments[0])
    held.record_beat(100.0, held.names.alive)
    assert held.may_ask()
    # As long as a lid is closed: an edit was answered meanwhile, since the lease had run out by the database's clock.
    moments[0] += 600
    assert not held.may_ask()
