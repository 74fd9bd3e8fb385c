"""Log lines are written whole and in their order, together where that is possible, and no output ends the process."""

import asyncio
import errno
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from shared.logs.sink import MOST_LINES, MOST_WAITING_BYTES, DescriptorOutput, FileOutput, LogSink
from tests.unit.shared import child

FULL = BlockingIOError(errno.EAGAIN, "full")
BROKEN = BrokenPipeError(errno.EPIPE, "closed")


class RecordingOutput:
    """An output that keeps what it is given. `answers` are errors to raise, or the most bytes to take, in turn."""

    def __init__(self, *answers: OSError | int) -> None:
        self.writes: list[bytes] = []
        self.answers = list(answers)

    def write(self, data: bytes) -> int:
        answer = self.answers.pop(0) if self.answers else len(data)
        if isinstance(answer, OSError):
            raise answer
        self.writes.append(data[:answer])
        return len(data[:answer])

    def end_lines(self) -> None:
        pass

    @property
    def text(self) -> bytes:
        return b"".join(self.writes)


async def until(reached: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not reached():  # noqa: ASYNC110 - the sink calls nobody back
            await asyncio.sleep(0.01)


async def test_the_lines_of_a_turn_are_one_write() -> None:
    output = RecordingOutput()
    sink = LogSink(output)
    for line in (b"1\n", b"2\n", b"3\n"):
        sink.info(line)
    assert output.writes == []
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert output.writes == [b"1\n2\n3\n"]
    sink.info(b"4\n")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert output.writes[1:] == [b"4\n"]


@pytest.mark.parametrize("level", ["warning", "error", "critical"])
async def test_a_warning_is_written_at_once_after_the_lines_before_it(level: str) -> None:
    output = RecordingOutput()
    sink = LogSink(output)
    sink.info(b"before\n")
    getattr(sink, level)(b"warning\n")
    assert output.writes == [b"before\nwarning\n"]


def test_without_an_event_loop_a_line_does_not_wait() -> None:
    output = RecordingOutput()
    LogSink(output).info(b"1\n")
    assert output.text == b"1\n"


async def test_a_long_turn_keeps_a_bounded_number_of_lines() -> None:
    output = RecordingOutput()
    sink = LogSink(output)
    for _ in range(MOST_LINES):
        sink.info(b"x\n")
    assert output.text == b"x\n" * MOST_LINES


def test_a_second_event_loop_gets_its_lines_too() -> None:
    output = RecordingOutput()
    sink = LogSink(output)

    async def log_and_leave() -> None:
        sink.info(b"1\n")

    loop = asyncio.new_event_loop()
    loop.call_soon(sink.info, b"0\n")
    loop.call_soon(loop.stop)
    loop.run_forever()
    loop.close()
    asyncio.run(log_and_leave())
    sink.close()
    assert output.text == b"0\n1\n"


async def test_what_an_output_takes_in_parts_stays_whole() -> None:
    output = RecordingOutput(3, 2, 1)
    sink = LogSink(output)
    sink.warning(b"0123456789\n")
    sink.warning(b"after\n")
    assert output.text == b"0123456789\nafter\n"


async def test_a_full_output_is_tried_again_and_keeps_the_order() -> None:
    output = RecordingOutput(4, FULL, FULL)
    sink = LogSink(output)
    sink.warning(b"0123456789\n")
    assert output.text == b"0123"
    sink.info(b"after\n")
    await until(lambda: output.text == b"0123456789\nafter\n")


async def test_what_waits_for_a_full_output_is_bounded_and_its_loss_is_counted() -> None:
    lost: list[int] = []
    output = RecordingOutput(*[FULL] * 20)
    sink = LogSink(output, lost.append)
    line = b"x" * (MOST_WAITING_BYTES // 4) + b"\n"
    for _ in range(8):
        sink.warning(line)
    output.answers.clear()
    sink.flush()
    assert output.text.count(b"\n") + sum(lost) == 8
    assert len(output.text) <= MOST_WAITING_BYTES * 1.5
    assert lost


@pytest.mark.parametrize("error", [BROKEN, OSError(errno.ENOSPC, "no space"), OSError(errno.EIO, "broken")])
async def test_a_broken_output_loses_lines_and_says_how_many_afterwards(error: OSError) -> None:
    lost: list[int] = []
    output = RecordingOutput(error, error)
    sink = LogSink(output, lost.append)
    sink.warning(b"1\n")
    sink.info(b"2\n")
    sink.warning(b"3\n")
    sink.warning(b"4\n")
    assert (output.text, lost) == (b"4\n", [3])


def test_a_line_of_which_a_part_was_written_does_not_swallow_the_next() -> None:
    output = RecordingOutput(3, BROKEN)
    sink = LogSink(output)
    sink.warning(b"012345\n")
    sink.warning(b"next\n")
    assert output.text.splitlines() == [b"012", b"next"]


def test_a_line_that_is_logged_while_another_is_written_comes_after_it() -> None:
    class Nested(RecordingOutput):
        def write(self, data: bytes) -> int:
            if data == b"outer\n":
                sink.warning(b"inner\n")
            return super().write(data)

    output = Nested()
    sink = LogSink(output)
    sink.warning(b"outer\n")
    assert output.text == b"outer\ninner\n"


def test_no_line_of_several_threads_is_lost_or_broken() -> None:
    output = RecordingOutput()
    sink = LogSink(output)

    def write(name: int) -> None:
        for number in range(500):
            (sink.info if number % 2 else sink.warning)(f"{name} {number}\n".encode())

    threads = [threading.Thread(target=write, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sink.close()
    lines = output.text.decode().splitlines()
    for name in range(4):
        assert [line for line in lines if line.startswith(f"{name} ")] == [f"{name} {n}" for n in range(500)]


def test_a_reader_that_does_not_read_does_not_keep_the_process() -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    sink = LogSink(DescriptorOutput(writing))
    for _ in range(100):
        sink.warning(b"x" * 10_000 + b"\n")
    # Within about a second: a hanging reader would hold up the end of the process.
    sink.close()
    os.close(reading)
    os.close(writing)


def test_a_file_is_begun_anew_when_it_is_large_and_no_line_is_torn(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "api.log"
    sink = LogSink(FileOutput(path, max_bytes=400))
    for number in range(100):
        sink.warning(f"line {number:03d}\n".encode())
    assert {one.name for one in path.parent.iterdir()} == {"api.log", "api.log.1"}
    kept = path.with_suffix(".log.1").read_text() + path.read_text()
    assert kept.splitlines() == [f"line {number:03d}" for number in range(100)][-len(kept.splitlines()) :]
    assert len(path.with_suffix(".log.1").read_text()) <= 410


def test_a_file_is_continued(tmp_path: Path) -> None:
    path = tmp_path / "api.log"
    path.write_text("before\n")
    LogSink(FileOutput(path)).warning(b"after\n")
    assert path.read_text() == "before\nafter\n"


LOOP = """
import asyncio, os, signal, sys
from shared import failpoints, logs
logs.configure("planner")
log = logs.get()

async def main():
    {how}

asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("how", "code"),
    [
        ('log.info("noted")', 0),
        ('log.info("noted"); sys.exit(3)', 3),
        ('log.info("noted"); raise RuntimeError', 1),
        ('log.info("noted"); failpoints.reach("here")', -signal.SIGKILL),
        ('log.info("noted"); logs.flush(); os._exit(4)', 4),
        ('log.warning("noted"); os._exit(4)', 4),
    ],
)
def test_the_last_lines_are_written_however_the_process_ends(how: str, code: int) -> None:
    ended = child.run("-c", LOOP.format(how=how), HERALD_FAILPOINT="here")
    assert ended.returncode == code
    assert [json.loads(line)["event"] for line in ended.stdout.splitlines()] == ["noted"]


def test_a_closed_standard_output_does_not_end_the_process() -> None:
    how = 'sys.stdin.read(); log.warning("noted"); log.info("noted"); await asyncio.sleep(0.01); os._exit(7)'
    with subprocess.Popen(
        [sys.executable, "-c", LOOP.format(how=how)],
        cwd=child.ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(child.PATIENCE_SECONDS) == 7
