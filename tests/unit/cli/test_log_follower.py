"""The log lines that the stack's processes write to their files are shown at the terminal."""

import asyncio
import io
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from cli.stack.log_follower import LogFollower, follow_logs
from cli.stack.log_lines import line_renderer
from cli.stack.output import batch_writer
from shared.logs.sink import FileOutput, LogSink


def a_line(**fields: object) -> str:
    return json.dumps({"event": "mailing started", "time": "2026-05-04T12:00:00Z", "level": "info", **fields})


class RecordingTerminal:
    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []

    def __call__(self, lines: Sequence[tuple[str, str]]) -> None:
        self.lines += lines


@pytest.fixture
def terminal() -> RecordingTerminal:
    return RecordingTerminal()


def append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def test_json_lines_are_shown_as_text_and_others_escaped(tmp_path: Path, terminal: RecordingTerminal) -> None:
    follower = LogFollower(tmp_path / "logs", terminal, line_renderer(colours=False, width=lambda: None))
    append(tmp_path / "logs" / "planner.log", f"{a_line(mailing_id=7)}\nno JSON \x1b[2J\n")
    assert follower.poll()
    texts = dict.fromkeys(text for _, text in terminal.lines)
    assert any("mailing started" in text and "mailing_id=7" in text for text in texts)
    assert "no JSON \\x1b[2J" in texts
    assert {name for name, _ in terminal.lines} == {"planner"}
    assert not follower.poll()


def test_a_chosen_format_is_shown_as_it_is(tmp_path: Path, terminal: RecordingTerminal) -> None:
    follower = LogFollower(tmp_path, terminal, None)
    append(tmp_path / "api.log", f"{a_line()}\n")
    follower.poll()
    assert terminal.lines == [("api", a_line())]


def test_only_what_is_new_is_shown_and_no_half_line(tmp_path: Path, terminal: RecordingTerminal) -> None:
    append(tmp_path / "api.log", f"{a_line(number=1)}\n")
    follower = LogFollower(tmp_path, terminal, None)
    append(tmp_path / "api.log", f"{a_line(number=2)}\n{a_line(number=3)[:20]}")
    follower.poll()
    assert terminal.lines == [("api", a_line(number=2))]
    append(tmp_path / "api.log", f"{a_line(number=3)[20:]}\n")
    follower.poll()
    assert terminal.lines[1:] == [("api", a_line(number=3))]


def test_lines_of_several_processes_are_in_order_of_time(tmp_path: Path, terminal: RecordingTerminal) -> None:
    follower = LogFollower(tmp_path, terminal, None)
    for second, name in enumerate(("planner", "api", "reporter", "api")):
        append(tmp_path / f"{name}.log", f"{a_line(time=f'2026-05-04T12:00:0{second}Z')}\n")
    follower.poll()
    assert [name for name, _ in terminal.lines] == ["planner", "api", "reporter", "api"]


def test_no_line_is_missed_when_files_are_begun_anew(tmp_path: Path, terminal: RecordingTerminal) -> None:
    follower = LogFollower(tmp_path, terminal, None)
    sink = LogSink(FileOutput(tmp_path / "api.log", max_bytes=1000))
    for number in range(100):
        sink.warning(f"{a_line(number=number)}\n".encode())
        if number % 3 == 0:
            follower.poll()
    follower.show_rest()
    assert [json.loads(line)["number"] for _, line in terminal.lines] == list(range(100))


async def test_the_last_lines_are_shown_at_the_end(tmp_path: Path, terminal: RecordingTerminal) -> None:
    async with follow_logs(tmp_path, terminal, None) as following:
        append(tmp_path / "api.log", f"{a_line(number=1)}\n")
        async with asyncio.timeout(10):
            while not terminal.lines:  # noqa: ASYNC110 - the terminal calls nobody back
                await asyncio.sleep(0.01)
        append(tmp_path / "api.log", f"{a_line(number=2)}\n")
    assert following.done()
    assert [json.loads(line)["number"] for _, line in terminal.lines] == [1, 2]


def test_many_lines_are_one_write_with_the_names_of_their_processes() -> None:
    output = io.StringIO()
    batch_writer(output)([("planner", "one"), ("api", "two")])
    assert output.getvalue() == "planner      one\napi          two\n"
