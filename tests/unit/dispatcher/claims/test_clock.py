"""The clock of leases, claims and requests."""

import sys
import time

import pytest

from services.dispatcher.claims.clock import read_clock
from services.dispatcher.claims.held_claims import HeldClaims


class SuspendedMachine:
    """The clocks of a machine: one goes on while it is suspended, the other stands still."""

    def __init__(self) -> None:
        self.clocks = {time.CLOCK_BOOTTIME: 100.0, time.CLOCK_MONOTONIC: 100.0}

    def clock_gettime(self, clock: int) -> float:
        return self.clocks[clock]

    def suspend(self, seconds: float) -> None:
        self.clocks[time.CLOCK_BOOTTIME] += seconds


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a clock that counts while suspended")
def test_the_clock_goes_on_while_the_machine_is_suspended(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = SuspendedMachine()
    monkeypatch.setattr(time, "clock_gettime", machine.clock_gettime)
    held = HeldClaims(read_clock)
    held.record_beat(read_clock(), held.names.alive)
    assert held.may_ask()
    # As long as a lid is closed: an edit was answered meanwhile, since the lease had run out by the database's clock.
    machine.suspend(600)
    assert read_clock() == 700.0
    assert not held.may_ask()
