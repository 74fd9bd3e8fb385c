"""A test run and its PostgreSQL and RabbitMQ: given ones, containers, or services started on this machine.

Each service is started once for a run, when the first test needs it. A host process (tests/support/services/host.py)
runs it, outlives the pytest workers, and cleans up when the run is over, even if pytest is killed.
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
    """A service that the tests need could not be started. The message names the cause and the remedy."""


def begin_run() -> Path:
    """Makes the folder of a run, and passes its path to the workers in an environment variable.

    The names of all databases and virtual hosts of the run begin with the name of the folder.
    """
    parent = Path(tempfile.gettempdir())
    for earlier in parent.glob("herald_test_*_*"):
        remove_if_over(earlier)
    folder = parent / f"herald_test_{int(time.time())}_{secrets.token_hex(3)}"
    # Other users need access, because root's embedded PostgreSQL runs as another user.
    folder.mkdir(mode=0o755)
    (folder / "controller").write_text(str(os.getpid()))
    os.environ[RUN_VARIABLE] = str(folder)
    return folder


def end_run(folder: Path) -> None:
    """Stops the host processes of a run, which clean up, and removes its folder."""
    for file in folder.glob("*.pid"):
        _stop(int(file.read_text()))
    shutil.rmtree(folder, ignore_errors=True)


def remove_if_over(folder: Path) -> None:
    """Removes the folder of a run whose pytest was killed, unless a host process still uses it."""
    # An unreadable file belongs to another user, or is being written.
    with suppress(OSError, ValueError):
        pids = {int(file.read_text()) for file in (folder / "controller", *folder.glob("*.pid"))}
        if not any(is_alive(pid) for pid in pids - {os.getpid()}):
            shutil.rmtree(folder, ignore_errors=True)


def need(kind: Kind) -> dict[str, str]:
    """Returns the state that the host process publishes, such as the URL. Starts the service if it does not run yet.

    Raises ServiceMissing when it cannot be started.
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
    """Returns the kind and the origin of each service that the run has used."""
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
        # A session of its own, so that Ctrl-C reaches only pytest, which then stops the host process.
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
    # The host process outlives this one. Without a return code, deleting the object raises a ResourceWarning.
    process.returncode = 0


def is_alive(pid: int) -> bool:
    """Returns whether a process runs. A zombie does not."""
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
            # Reaps the process if it is a child of this one; a worker may have started it.
            with suppress(ChildProcessError):
                os.waitpid(host, os.WNOHANG)
            time.sleep(0.05)
