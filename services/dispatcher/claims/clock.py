"""The clock of leases, claims and requests."""

import sys
import time


def read_clock() -> float:
    """Returns seconds on a clock that never jumps and that goes on while the machine is suspended.

    CLOCK_MONOTONIC stands still then: a lease would outlive what the database thinks of it.
    """
    if sys.platform == "linux":
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()
