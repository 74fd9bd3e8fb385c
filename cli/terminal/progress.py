"""Progress bars of a transfer in bytes, and of a mailing in messages."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from cli.connections.api import ApiClient, Json

CHUNK_BYTES = 64 * 1024
POLL_SECONDS = 1.0
ENDED = frozenset({"finished", "cancelled"})
UNFINISHED = ("pending", "retrying")


def transfer_bar(console: Console) -> Progress:
    """Makes a progress bar that counts bytes. It is not shown before it is started, and is gone at its end."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


@contextmanager
def closing_bar(progress: Progress) -> Iterator[Progress]:
    """Ends a progress bar with the block, also one that was never started."""
    try:
        yield progress
    finally:
        progress.stop()


async def read_with_progress(path: Path, progress: Progress) -> AsyncIterator[bytes]:
    """Yields the chunks of a file, and advances the progress bar.

    The bar starts when the first chunk was taken, so that none stands before an error that comes at once.
    """
    size = await asyncio.to_thread(lambda: path.stat().st_size)
    task = progress.add_task(path.name, total=size)
    file = await asyncio.to_thread(path.open, "rb")
    with file:
        while chunk := await asyncio.to_thread(file.read, CHUNK_BYTES):
            yield chunk
            if len(chunk) == CHUNK_BYTES:
                progress.start()
            progress.advance(task, len(chunk))


def mailing_bar(console: Console) -> Progress:
    """Makes a progress bar that counts messages, and shows their rate and the time left."""
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        console=console,
    )


async def watch_mailing(api: ApiClient, mailing_id: int, console: Console) -> Json:
    """Shows a progress bar until the mailing has ended and all messages are final. Returns the last statistics."""
    # Before the bar is shown, so that none stands before an error.
    statistics = await api.get(f"/mailings/{mailing_id}/statistics")
    with mailing_bar(console) as progress:
        task = progress.add_task("", total=None, rate="")
        while True:
            progress.update(
                task,
                description=f"mailing {mailing_id} {statistics['status']}",
                total=statistics["total"] or None,
                completed=count_final(statistics),
                rate=format_rate(statistics),
            )
            if has_ended(statistics):
                return statistics
            await asyncio.sleep(POLL_SECONDS)
            statistics = await api.get(f"/mailings/{mailing_id}/statistics")


def format_rate(statistics: Json) -> str:
    """Formats the rate and the time left, as far as the API knows them."""
    rate, eta = statistics.get("rate"), statistics.get("eta")
    parts = []
    if rate:
        parts.append(f"{rate:,.0f}/s")
    if rate and eta is not None:
        parts.append(f"{timedelta(seconds=round(eta))} left")
    return ", ".join(parts)


def count_final(statistics: Json) -> int:
    """Returns the number of messages with a final status."""
    unfinished: int = sum(statistics["by_status"][status] for status in UNFINISHED)
    total: int = statistics["total"]
    return total - unfinished


def has_ended(statistics: Json) -> bool:
    """Returns whether no count will change any more. A cancelled mailing takes some seconds to reach that."""
    return statistics["status"] in ENDED and count_final(statistics) == statistics["total"]
