"""Writes an export of the API to a file or to standard output, with a progress bar."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from rich.console import Console

from cli.connections.api import open_api
from cli.failure import Failure
from cli.terminal.progress import closing_bar, transfer_bar


async def download_to(file: Path | None, path: str, accept: str, params: Mapping[str, str]) -> None:
    """Writes what the API answers at `path` to a file, or to standard output. Raises Failure for a file it cannot."""
    if file is None:
        await _download(sys.stdout.buffer, path, accept, params, path)
        return
    try:
        target = file.open("wb")
    except OSError as error:
        raise Failure(f"{file} cannot be written: {error.strerror}") from error
    with target:
        await _download(target, path, accept, params, file.name)


async def _download(target: BinaryIO, path: str, accept: str, params: Mapping[str, str], name: str) -> None:
    async with open_api() as api:
        with closing_bar(transfer_bar(Console(stderr=True))) as progress:
            task = progress.add_task(name, total=None)
            async for chunk in api.download(path, accept, params):
                # Once the first bytes are there, the request was not refused.
                progress.start()
                target.write(chunk)
                progress.advance(task, len(chunk))
    target.flush()
