"""Named places where a test can kill the process, to prove that a crash exactly there loses nothing.

HERALD_FAILPOINT=name kills the process with SIGKILL the first time the place is reached, name:3 the third
time. Without the variable a place costs one comparison.
"""

import os
import signal

_NAME, _, _NTH = os.environ.get("HERALD_FAILPOINT", "").partition(":")
_left = int(_NTH or 1)


def reach(name: str) -> None:
    """Dies here if this is the place, and the turn, that HERALD_FAILPOINT names."""
    global _left
    if name != _NAME:
        return
    _left -= 1
    if _left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
