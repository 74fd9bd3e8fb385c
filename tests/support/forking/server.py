"""Forks a process for each command that it is told to run. Usage: python -m tests.support.forking.server

Reads requests from standard input, a line of JSON each, and answers each with a line: `{"arguments": ...}` with the pid
of the new process, `{"ended": PID}` with its exit code or null. It ends with its input.
"""

import ctypes
import gc
import importlib
import json
import os
import signal
import sys
from typing import Any

from cli import main as herald
from cli.commands.processes import PROCESSES
from shared import failpoints

PR_SET_PDEATHSIG = 1


def load() -> None:
    """Loads all that the commands load, and keeps the garbage collector from touching it."""
    for name in PROCESSES:
        importlib.import_module(f"services.{name}.__main__")
    for target in herald.COMMANDS.values():
        importlib.import_module(target.partition(":")[0])
    gc.collect()
    gc.freeze()


def run(request: dict[str, Any], parent: int) -> None:
    """Becomes the process of a command, and runs it until it ends."""
    os.setsid()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit("the parent process ended before its command began")
    _redirect(os.devnull, os.O_RDONLY, 0)
    _redirect(request["out"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 1)
    if request["err"] is None:
        os.dup2(1, 2)
    else:
        _redirect(request["err"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 2)
    os.environ.clear()
    os.environ.update(request["env"])
    # It reads its variable while it is loaded.
    importlib.reload(failpoints)
    if request["folder"] is not None:
        os.chdir(request["folder"])
    sys.argv = ["herald", *request["arguments"]]
    herald.app()


def _redirect(path: str, flags: int, descriptor: int) -> None:
    opened = os.open(path, flags, 0o644)
    os.dup2(opened, descriptor)
    os.close(opened)


def exit_code(pid: int) -> int | None:
    """Returns how a process ended, as subprocess does, or None while it runs."""
    ended, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if ended else None


def main() -> None:
    load()
    parent = os.getpid()
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    for line in requests:
        request = json.loads(line)
        if "ended" in request:
            answer = exit_code(request["ended"])
        elif (answer := os.fork()) == 0:
            requests.close()
            answers.close()
            run(request, parent)
            return
        answers.write(json.dumps(answer).encode() + b"\n")
        answers.flush()


if __name__ == "__main__":
    main()
