"""PostgreSQL and RabbitMQ for a test run: given, in containers, or started on this machine as `herald up` does.

Each is started once for a run, when the first test asks for it, by a host process (tests/support/services/host.py) that
outlives the pytest workers and cleans up when the run is over, however it ends.
"""

import fcntl
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

RUN_VARIABLE = "HERALD_TEST_RUN"
START_SECONDS = 110
STOP_SECONDS = 60

Kind = Literal["database", "broker"]


class ServiceMissing(Exception):
    """A service that the tests need could not be had. The message says why and what to set."""


def begin_run() -> Path:
    """Makes the folder of a run, whose name starts all that the run creates, and tell the workers of it."""
    parent = Path(tempfile.gettempdir())
    for earlier in parent.glob("herald_test_*_*"):
        remove_if_over(earlier)
    folder = parent / f"herald_test_{int(time.time())}_{secrets.token_hex(3)}"
    # Open to others, since an embedded PostgreSQL of root's runs as somebody else.
    folder.mkdir(mode=0o755)
    (folder / "controller").write_text(str(os.getpid()))
    os.environ[RUN_VARIABLE] = str(folder)
    return folder


def end_run(folder: Path) -> None:
    """Have the hosts of a run clean up and end."""
    for remembered in folder.glob("*.pid"):
        _stop(int(remembered.read_text()))
    shutil.rmtree(folder, ignore_errors=True)


def remove_if_over(folder: Path) -> None:
    """Removes the folder of a run whose pytest was killed, unless another host still needs it."""
    # What cannot be read is somebody else's, or just being made.
    with suppress(OSError, ValueError):
        pids = {int(file.read_text()) for file in (folder / "controller", *folder.glob("*.pid"))}
        if not any(is_alive(pid) for pid in pids - {os.getpid()}):
            shutil.rmtree(folder, ignore_errors=True)


def need(kind: Kind) -> dict[str, str]:
    """Returns what the host says of a service, after starting it where nobody has.

    Raises ServiceMissing when it cannot be had.
    """
    folder = Path(os.environ[RUN_VARIABLE])
    state = folder / f"{kind}.json"
    with _locked(folder / f"{kind}.lock"):
        if not state.exists():
            _start(kind, folder)
    found: dict[str, str] = json.loads(state.read_text())
    if "error" in found:
        raise ServiceMissing(found["error"])
    return found


def list_origins(folder: Path) -> list[tuple[str, str]]:
    """Returns, for people, where the services of a run that somebody asked for are from."""
    states = ((file.stem, json.loads(file.read_text())) for file in sorted(folder.glob("*.json")))
    return [(kind, state["origin"]) for kind, state in states if "origin" in state]


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _start(kind: Kind, folder: Path) -> None:
    log = folder / f"{kind}.host.log"
    with log.open("wb") as output:
        # Its own session, so that Ctrl-C reaches pytest only, which then ends the host in its turn.
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.services.host", kind, str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    (folder / f"{kind}.pid").write_text(str(process.pid))
    deadline = time.monotonic() + START_SECONDS
    while not (folder / f"{kind}.json").exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise ServiceMissing(f"the {kind} for the tests did not start:\n{log.read_text()[-2000:]}")
        time.sleep(0.05)
    # The host outlives this process; without this, dropping the object would be a ResourceWarning.
    process.returncode = 0


def is_alive(pid: int) -> bool:
    """Returns whether a process runs. One that has ended and whom nobody has waited for yet does not."""
    stat = Path(f"/proc/{pid}/stat")
    try:
        os.kill(pid, 0)
        return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except PermissionError:
        return True
    except (ProcessLookupError, FileNotFoundError):
        return False


def _stop(host: int) -> None:
    deadline = time.monotonic() + STOP_SECONDS
    with suppress(ProcessLookupError):
        os.kill(host, signal.SIGTERM)
        while is_alive(host):
            if time.monotonic() > deadline:
                os.killpg(host, signal.SIGKILL)
            # Reaps it where it is our own child; a worker's host is somebody else's.
            with suppress(ChildProcessError):
                os.waitpid(host, os.WNOHANG)
            time.sleep(0.05)
