"""The clock of leases, claims and requests."""

import sys
import time
from collections.abc import Callable
from functools import partial

# Returns seconds on a clock that never jumps and that goes on while the machine is suspended. CLOCK_MONOTONIC stands
# still then: a lease would outlive what the database thinks of it. It is read ten times for each message.
read_clock: Callable[[], float] = (
    partial(time.clock_gettime, time.CLOCK_BOOTTIME) if sys.platform == "linux" else time.monotonic
)
