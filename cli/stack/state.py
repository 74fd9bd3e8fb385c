"""The files of a stack in .herald/ besides its data: a lock, its token, and its addresses for Prometheus."""

import fcntl
import json
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from cli.failure import Failure
from cli.secret_files import write_secret
from cli.stack.plan import ProcessSpec


@contextmanager
def lock_folder(folder: Path) -> Iterator[None]:
    """Locks the folder for this process while the block runs. Raises Failure when another process has locked it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.seek(0)
            holder = file.read().strip() or "?"
            raise Failure(
                f"another `herald up` or `herald demo` (pid {holder}) runs from {folder.resolve()}: stop it first"
            ) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def find_or_create_token(given: str | None, file: Path) -> str:
    """Returns the given token, otherwise the one in the file, otherwise a new one, which is written to the file."""
    if given:
        return given
    stored = file.read_text().strip() if file.exists() else ""
    if stored:
        return stored
    token = secrets.token_urlsafe(32)
    write_secret(token, file)
    return token


@contextmanager
def prometheus_targets(processes: Sequence[ProcessSpec], file: Path) -> Iterator[None]:
    """Publishes the metrics addresses of the processes to Prometheus while the block runs.

    The file has the format of file_sd_configs. It is replaced as a whole, because Prometheus may read it at any time.
    """
    groups = [{"targets": [spec.ops], "labels": {"process": spec.command}} for spec in processes if spec.ops]
    draft = file.with_suffix(".new")
    draft.write_text(json.dumps(groups, indent=2) + "\n")
    draft.replace(file)
    try:
        yield
    finally:
        file.unlink(missing_ok=True)
