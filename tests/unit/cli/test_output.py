"""The output of the processes is split into lines, and written to the terminal or to files."""

from pathlib import Path

import pytest

from cli.stack.output import FileSink, split_lines, to_terminal


class Chunks:
    """A stream that returns one chunk at a time."""

    def __init__(self, *chunks: bytes) -> None:
        self._chunks = list(chunks)

    async def read(self, n: int = -1) -> bytes:
        return self._chunks.pop(0) if self._chunks else b""


@pytest.mark.parametrize(
    ("chunks", "lines"),
    [
        ((), []),
        ((b"one\n",), ["one"]),
        ((b"one\ntwo\n",), ["one", "two"]),
        # A line may come in pieces, and the last one without its end.
        ((b"o", b"ne\ntw", b"o"), ["one", "two"]),
        ((b"\n\n",), ["", ""]),
        # A character may come in two chunks, and invalid UTF-8 is replaced.
        ((b"\xd0", b"\xaf\n\xff\n"), ["Я", "�"]),
    ],
)
async def test_a_stream_is_cut_into_lines(chunks: tuple[bytes, ...], lines: list[str]) -> None:
    assert [line async for line in split_lines(Chunks(*chunks))] == lines


async def test_a_line_may_be_of_any_length() -> None:
    chunks = [b"x" * 60_000] * 10
    assert [len(line) async for line in split_lines(Chunks(*chunks, b"\n"))] == [600_000]


def test_a_line_has_the_name_of_its_process_before_it(capsys: pytest.CaptureFixture[str]) -> None:
    to_terminal("planner", "[bold]as it is[/bold]")
    assert capsys.readouterr().out == "planner      [bold]as it is[/bold]\n"


def test_each_process_has_a_file_of_its_own(tmp_path: Path) -> None:
    write = FileSink(tmp_path / "logs")
    write("api", "one")
    write("planner", "two")
    write("api", "three")
    assert (tmp_path / "logs" / "api.log").read_text() == "one\nthree\n"
    assert (tmp_path / "logs" / "planner.log").read_text() == "two\n"
