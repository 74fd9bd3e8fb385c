import json
from typing import Any

import pytest

from shared.logs import mask_phone
from tests.unit.shared import child

CONFIGURED = """
import logging
from shared import logs
logs.configure("planner", level={level!r}, json={json})
log = logs.get()
{code}
"""


def logged(code: str, level: str = "info") -> list[dict[str, Any]]:
    """Run code in a process with logs configured, and return its lines."""
    ended = child.run("-c", CONFIGURED.format(level=level, json=True, code=code))
    assert (ended.returncode, ended.stderr) == (0, "")
    return [json.loads(line) for line in ended.stdout.splitlines()]


@pytest.mark.parametrize(
    ("phone", "masked"),
    [
        ("79991234567", "7999***4567"),
        ("12345678", "1234***5678"),
        # Too short to keep eight digits and still hide any.
        ("1234567", "***"),
        ("7", "***"),
        ("", "***"),
    ],
)
def test_a_phone_is_masked(phone: str, masked: str) -> None:
    assert mask_phone(phone) == masked


def test_a_line_has_the_event_its_fields_and_where_it_is_from() -> None:
    [line] = logged('log.bind(mailing_id=7).warning("mailing paused", request_id="req-1")')
    assert line.pop("time").endswith("Z")
    assert line == {
        "event": "mailing paused",
        "level": "warning",
        "service": "planner",
        "mailing_id": 7,
        "request_id": "req-1",
    }


def test_what_is_bound_to_the_context_is_on_the_line() -> None:
    [line] = logged('import structlog; structlog.contextvars.bind_contextvars(request_id="req-1"); log.info("told")')
    assert line["request_id"] == "req-1"


def test_an_exception_is_one_line() -> None:
    [line] = logged('try:\n    1 / 0\nexcept ZeroDivisionError:\n    log.exception("failed")')
    assert line["level"] == "error"
    assert line["exception"].endswith("ZeroDivisionError: division by zero")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ('"line\\nbreak \\x1b[31m Привет"', "line\nbreak \x1b[31m Привет"),
        ("None", None),
        ("{1: 2}", {"1": 2}),
        ("ValueError('why')", "why"),
        ("b'raw'", "b'raw'"),
        ("float('nan')", None),
        ("__import__('datetime').datetime(2026, 5, 4, tzinfo=__import__('datetime').UTC)", "2026-05-04T00:00:00+00:00"),
    ],
)
def test_any_value_is_shown_on_one_line(value: str, shown: object) -> None:
    [line] = logged(f'log.info("told", value={value})')
    assert line["value"] == shown


@pytest.mark.parametrize("value", ["2**70", '"\\udcff"'], ids=["huge number", "lone surrogate"])
def test_no_value_makes_a_log_call_fail(value: str) -> None:
    [line] = logged(f'log.info("told", value={value})')
    assert line["event"] == "told"


def test_lines_below_the_level_are_left_out() -> None:
    code = 'log.debug("d"); log.info("i"); log.warning("w"); log.error("e")'
    assert [line["event"] for line in logged(code, "debug")] == ["d", "i", "w", "e"]
    assert [line["event"] for line in logged(code, "warning")] == ["w", "e"]


def test_warnings_of_libraries_are_lines_too() -> None:
    [line] = logged('logging.getLogger("some.library").warning("lost %s", "it"); logging.getLogger("x").info("no")')
    assert (line["event"], line["library"], line["detail"]) == ("library warning", "some.library", "lost it")


def test_the_console_format_is_for_people() -> None:
    ended = child.run("-c", CONFIGURED.format(level="info", json=False, code='log.info("told", mailing_id=7)'))
    assert "told" in ended.stdout
    assert "mailing_id=7" in ended.stdout
    assert not ended.stdout.startswith("{")
