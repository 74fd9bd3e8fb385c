"""What a stack keeps in .herald/ besides data: a lock against a second one, its token, and its addresses."""

import fcntl
import json
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from cli.failure import Failure
from cli.stack.plan import ProcessSpec


@contextmanager
def lock_folder(folder: Path) -> Iterator[None]:
    """Holds the folder for this process. Raises Failure when another one holds it."""
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
    """Returns the token that was given, else the one kept in the file, else a new one, which is kept there.

    The file can be read by its owner only.
    """
    if given:
        return given
    kept = file.read_text().strip() if file.exists() else ""
    if kept:
        return kept
    token = secrets.token_urlsafe(32)
    write_secret(token, file)
    return token


def write_secret(secret: str, file: Path) -> None:
    """Writes a secret to a file that can be read by its owner only."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o600)
    file.chmod(0o600)
    file.write_text(f"{secret}\n")


@contextmanager
def prometheus_targets(processes: Sequence[ProcessSpec], file: Path) -> Iterator[None]:
    """Tell Prometheus where the metrics of each process are, while the block runs.

    The format is that of its file_sd_configs. Prometheus may read at any time, so the file is there whole, or not.
    """
    groups = [{"targets": [spec.ops], "labels": {"process": spec.command}} for spec in processes if spec.ops]
    draft = file.with_suffix(".new")
    draft.write_text(json.dumps(groups, indent=2) + "\n")
    draft.replace(file)
    try:
        yield
    finally:
        file.unlink(missing_ok=True)
