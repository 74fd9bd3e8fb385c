"""The log lines of the stack's processes are kept in files and shown at the terminal."""

import json
from pathlib import Path

from cli.stack.log_recorder import LogRecorder


def a_line(**fields: object) -> str:
    return json.dumps({"event": "mailing started", "time": "2026-05-04T12:00:00Z", "level": "info", **fields})


LINE = a_line()


class RecordingSink:
    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []

    def __call__(self, name: str, line: str) -> None:
        self.lines.append((name, line))


def test_lines_are_kept_as_json_and_shown_as_text(tmp_path: Path) -> None:
    shown = RecordingSink()
    recorder = LogRecorder(tmp_path / "logs", shown, readable=True)
    recorder("planner", a_line(mailing_id=7))
    recorder("planner", "no JSON \x1b[2J")
    kept = (tmp_path / "logs" / "planner.log").read_text().splitlines()
    assert [json.loads(line)["mailing_id"] for line in kept] == [7]
    assert "mailing started" in shown.lines[0][1]
    assert "mailing_id=7" in shown.lines[0][1]
    assert shown.lines[1] == ("planner", "no JSON \\x1b[2J")


def test_a_chosen_format_is_shown_as_it_is(tmp_path: Path) -> None:
    shown = RecordingSink()
    LogRecorder(tmp_path, shown, readable=False)("api", LINE)
    assert shown.lines == [("api", LINE)]


def test_the_files_do_not_grow_for_ever(tmp_path: Path) -> None:
    recorder = LogRecorder(tmp_path, RecordingSink(), readable=False, max_bytes=1000)
    for _ in range(100):
        recorder("api", LINE)
    assert {path.name for path in tmp_path.iterdir()} <= {"api.log", "api.log.1"}
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 2500
