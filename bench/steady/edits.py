"""How soon edits of a running mailing are answered at full rate, and when a dispatcher stands still across them."""

import asyncio
import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count

from bench.percentiles import percentile
from bench.steady.late_requests import begun_late, find_late
from bench.steady.stage import TAG, FiguresTable, Stage
from cli.stack.output import announce

PAUSE_SECONDS = 0.05
MILLISECOND = timedelta(milliseconds=1)
# A mailing with less than this share left is replaced, so that every edit meets messages on their way.
LEAST_LEFT = 0.25
# The edit is sent at this share of the freeze, in turn: before, in and after what the API waits for at most.
MOMENTS = (0.0, 0.35, 0.7)


@dataclass(slots=True)
class EditedMailing:
    """A mailing that is edited again and again, and the moments at which its texts were superseded."""

    stage: Stage
    clients: int
    mailing_id: int = 0
    text: str = ""
    superseded_at: dict[str, datetime] = field(default_factory=dict)
    numbers: "count[int]" = field(default_factory=count)

    async def edit(self) -> float:
        """Edits the text, and returns the seconds to the answer."""
        text, clock = f"the text of edit {next(self.numbers)}", asyncio.get_running_loop().time
        began = clock()
        await self.stage.api.patch(f"/mailings/{self.mailing_id}", {"text": text})
        took = clock() - began
        if self.text:
            self.superseded_at[self.text] = datetime.now(UTC)
        self.text = text
        return took

    async def keep_running(self) -> None:
        """Begins another mailing if most of this one is sent."""
        left = "SELECT pending FROM mailing_counts WHERE mailing_id = $1"
        if (await self.stage.connection.fetchval(left, self.mailing_id) or 0) > self.clients * LEAST_LEFT:
            return
        if self.mailing_id:
            await self.stage.api.post(f"/mailings/{self.mailing_id}/cancel")
        self.mailing_id, self.text = await self.stage.create_mailing(TAG), ""
        await self.stage.until_sent(1, self.mailing_id)


async def measure(stage: Stage, clients: int, edits: int, freezes: Sequence[float]) -> FiguresTable:
    """Edits a running mailing `edits` times, then once across each of the freezes, which are in seconds."""
    await stage.add_clients(clients)
    await stage.set_faults(0)
    edited = EditedMailing(stage, clients)
    announce(f"{edits} edits")
    began, requests = asyncio.get_running_loop().time(), await stage.count_requests()
    times = []
    for _ in range(edits):
        await edited.keep_running()
        times.append(await edited.edit())
        await asyncio.sleep(PAUSE_SECONDS)
    rate = (await stage.count_requests() - requests) / (asyncio.get_running_loop().time() - began)
    frozen = [await _edit_frozen(edited, seconds, at) for seconds in freezes for at in MOMENTS]
    await stage.api.post(f"/mailings/{edited.mailing_id}/cancel")
    await stage.until_finished([edited.mailing_id])
    late = await find_late(stage.sandbox_url, edited.superseded_at)
    begun = await begun_late(stage.connection, late)
    ordered, slowest = sorted(times), max(frozen, default=(0.0, 0.0, 0.0), key=lambda one: one[2])
    rows = [
        ("edits at full rate", len(times)),
        ("requests/s meanwhile", f"{rate:.0f}"),
        ("p50 (ms)", f"{percentile(ordered, 0.5, 4) * 1000:.1f}"),
        ("p99 (ms)", f"{percentile(ordered, 0.99, 4) * 1000:.1f}"),
        ("longest (ms)", f"{ordered[-1] * 1000:.1f}"),
        ("edits with a frozen dispatcher", len(frozen)),
        ("longest of them (s)", f"{slowest[2]:.2f}, in a freeze of {slowest[0]:.2f} s, {slowest[1]:.2f} s after it"),
        ("requests under old terms that arrived after the answer", len(late)),
        ("of these began after it, by the tables, which are late by what a claim takes", len(begun)),
        ("the latest of these after the answer (ms)", f"{max(begun, default=timedelta(0)) / MILLISECOND:.0f}"),
    ]
    return FiguresTable(f"{clients} clients in each mailing", ("figure", "value"), rows)


async def _edit_frozen(edited: EditedMailing, seconds: float, at: float) -> tuple[float, float, float]:
    """Freezes a dispatcher, and edits meanwhile. Returns the freeze, when the edit was sent, and how long it took."""
    await edited.keep_running()
    await edited.edit()
    pid = edited.stage.stack.supervisor.pids["dispatcher"]
    os.kill(pid, signal.SIGSTOP)
    try:
        await asyncio.sleep(seconds * at)
        editing = asyncio.create_task(edited.edit())
        await asyncio.sleep(seconds * (1 - at))
    finally:
        os.kill(pid, signal.SIGCONT)
    took = await editing
    announce(f"frozen for {seconds:.2f} s, edited {seconds * at:.2f} s after that: answered in {took:.2f} s")
    return seconds, seconds * at, took
