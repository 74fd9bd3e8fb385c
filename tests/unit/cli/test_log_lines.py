"""What `herald up` shows of a log line, at a terminal of 80 columns and in a file."""

import pytest

from cli.stack.log_lines import fold, line_renderer

EVENT = {"event": "mailing started", "time": "2026-05-04T12:00:00.123456Z", "level": "info", "service": "planner"}


def shown(width: int | None = None, **fields: object) -> str:
    return line_renderer(colours=False, width=lambda: width)(EVENT | fields)


def test_a_line_has_the_time_to_the_second_and_says_nothing_twice() -> None:
    assert shown(mailing_id=7, request_id="25afc56c55e6") == "12:00:00Z mailing started  mailing_id=7"


def test_a_level_above_info_is_named() -> None:
    assert shown(level="warning") == "12:00:00Z WARNING mailing started"
    assert shown(level="debug") == "12:00:00Z mailing started"


def test_a_value_with_blanks_is_quoted() -> None:
    assert shown(detail="no such queue", empty="").endswith('detail="no such queue" empty=""')


def test_a_long_line_is_folded_between_fields_under_its_event() -> None:
    fields = {f"field_{number}": "x" * 20 for number in range(4)}
    lines = line_renderer(colours=False, width=lambda: 80)(EVENT | fields).split("\n")
    assert len(lines) == 3
    # The prefix with the name of the process comes before the first.
    assert all(len(line) <= 80 for line in [" " * 13 + lines[0], *lines[1:]])
    assert all(line.startswith(" " * 23 + "field_") for line in lines[1:])


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("short", "short"),
        ("one two three", "one two\n  three"),
        # A word that fits nowhere stays whole, so that it can be copied.
        ("url https://example.test/very/long", "url\n  https://example.test/very/long"),
    ],
)
def test_a_text_is_folded_between_words(text: str, folded: str) -> None:
    assert fold(text, 10, 2) == folded
    assert fold(text, None, 2) == text


@pytest.mark.parametrize("colours", [False, True])
def test_what_is_shown_of_an_event_commands_no_terminal(colours: bool) -> None:
    event = {
        "event": "failed\n\x1b[2J",
        "level": "er\x9bror",
        "time": "\x07",
        "a\x1bb": ["\x1b[1m"],
        "exception": "1\n2\x1b",
    }
    text = line_renderer(colours=colours, width=lambda: None)(event)
    bare = text
    for code in ("\x1b[0m", "\x1b[1m", "\x1b[2m"):
        bare = bare.replace(code, "")
    assert not set(bare) & set("\x1b\x9b\x07")
    assert text.split("\n")[1:] == ["1", "2\\x1b"]


def test_a_line_is_rendered_whatever_it_lacks() -> None:
    assert line_renderer(colours=False, width=lambda: 80)({}) == "Z "
