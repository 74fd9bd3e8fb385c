"""Starts Herald's commands by forking a process that has loaded them, so that a start does not load them again.

A command that was started so is a process like any other: it has its own pid, session, environment, standard output
and exit code. tests/support/forking/server.py is what forks. Only Linux has what this needs; see can_fork.
"""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

SERVER = "tests.support.forking.server"


def can_fork(env: Mapping[str, str]) -> bool:
    """Returns whether a command with these additional variables may be forked.

    Variables of libraries, like SSL_CERT_FILE and LD_PRELOAD, are read before a fork could set them; those of
    OpenTelemetry are read when it is imported, in the fork.
    """
    return sys.platform == "linux" and all(name.startswith(("HERALD_", "OTEL_")) for name in env)


class ForkedProcess:
    """A process that was forked. It has the part of asyncio's Process that cli/native/child.py uses."""

    def __init__(self, server: "ForkServer", pid: int) -> None:
        self._server = server
        self._code: int | None = None
        self.pid = pid

    @property
    def returncode(self) -> int | None:
        """The exit code, negative if a signal ended the process, and None while it runs."""
        if self._code is None:
            self._code = self._server.ask({"ended": self.pid})
        return self._code

    def send_signal(self, number: int) -> None:
        """Sends a signal, unless the process has ended."""
        if self.returncode is None:
            os.kill(self.pid, number)

    async def wait(self) -> int:
        """Waits until the process has ended, and returns its exit code."""
        if (code := self.returncode) is not None:
            return code
        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        descriptor = os.pidfd_open(self.pid)
        try:
            loop.add_reader(descriptor, ended.set)
            await ended.wait()
        finally:
            loop.remove_reader(descriptor)
            os.close(descriptor)
        code = self.returncode
        assert code is not None
        return code


class ForkServer:
    """Talks with the process that forks: a line of JSON each way."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
        )

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def ask(self, request: Mapping[str, Any]) -> Any:
        """Returns the answer to a request. Raises ConnectionError when the server has ended."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request).encode() + b"\n")
        self._process.stdin.flush()
        if not (line := self._process.stdout.readline()):
            raise ConnectionError("the fork server has ended")
        return json.loads(line)

    def end(self) -> None:
        """Ends the server, and with it the processes that it forked."""
        with contextlib.suppress(BrokenPipeError):
            self._process.communicate()


_servers: list[ForkServer] = []


def fork(
    arguments: Sequence[str], *, env: Mapping[str, str], out: Path, err: Path | None = None, folder: Path | None = None
) -> ForkedProcess:
    """Starts `herald ARGUMENTS`, and appends its output to the files. Standard error goes to `out` without an `err`."""
    if not _servers or not _servers[0].running:
        end_server()
        _servers.append(ForkServer())
    request = {
        "arguments": list(arguments),
        "env": dict(env),
        "out": str(out),
        "err": None if err is None else str(err),
        "folder": None if folder is None else str(folder),
    }
    return ForkedProcess(_servers[0], _servers[0].ask(request))


def end_server() -> None:
    """Ends the fork server of this process, if there is one."""
    while _servers:
        _servers.pop().end()
