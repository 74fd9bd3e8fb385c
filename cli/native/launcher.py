"""Runs a command that ends when its starter ends, even by SIGKILL. Executed as a file, never imported.

Usage: launcher.py STARTER_PID SIGNAL USER COMMAND...; USER may be empty. A launcher of its own is used, since code
that runs between fork and exec (preexec_fn) is not safe in a starter with threads.
"""

import ctypes
import os
import pwd
import sys

PR_SET_PDEATHSIG = 1


def _become(user: str) -> None:
    entry = pwd.getpwnam(user)
    os.initgroups(user, entry.pw_gid)
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)


def _tie(starter: int, number: int) -> None:
    # Only Linux has this; elsewhere a command can outlive a starter that was killed with SIGKILL.
    if not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)
    if os.getppid() != starter:
        sys.exit("the starter ended before its command began")


def main(starter: str, number: str, user: str, *command: str) -> None:
    # The tie comes last: the kernel forgets it when the user changes.
    if user:
        _become(user)
    _tie(int(starter), int(number))
    os.execvp(command[0], command)  # noqa: S606


main(*sys.argv[1:])
