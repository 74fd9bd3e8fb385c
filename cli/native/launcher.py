"""Runs a command that ends when its parent ends, even if the parent is killed with SIGKILL.

This file is executed as a program, never imported: launcher.py PARENT_PID SIGNAL USER COMMAND...; USER may be empty.
A separate program is used because code between fork and exec (preexec_fn) is not safe in a parent with threads.
"""

import ctypes
import os
import pwd
import sys

PR_SET_PDEATHSIG = 1


def _switch_user(user: str) -> None:
    entry = pwd.getpwnam(user)
    os.initgroups(user, entry.pw_gid)
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)


def _set_parent_death_signal(parent: int, number: int) -> None:
    # Only Linux has this signal. Elsewhere a command outlives a parent that is killed with SIGKILL.
    if not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit("the parent process ended before its command began")


def main(parent: str, number: str, user: str, *command: str) -> None:
    # The signal is set last, because the kernel clears it when the user changes.
    if user:
        _switch_user(user)
    _set_parent_death_signal(int(parent), int(number))
    os.execvp(command[0], command)  # noqa: S606


main(*sys.argv[1:])
