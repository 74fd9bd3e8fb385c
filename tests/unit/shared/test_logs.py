"""Log lines: their fields, their format, and that nothing secret is in them."""

import json
from typing import Any

import pytest

from shared.logs import in_lines, mask_phone
from tests.unit.shared import child

PHONE, TOKEN = "79991234567", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJoZXJhbGQifQ.c2lnbmF0dXJl"
SECRET = "the password of the database"
# Every way in which a value can get into a line.
WAYS = (
    'log.info("noted", value=BAD)',
    'log.info("noted", value=[{"deep": (BAD,)}])',
    'log.info("noted", **{BAD: 1})',
    'log.bind(value=BAD).info("noted")',
    'log.info("noted", value=ValueError(BAD))',
    'import structlog\nwith structlog.contextvars.bound_contextvars(value=BAD):\n    log.info("noted")',
    # Exceptions: one whose message is shown, one whose message is not, one that has it as a local variable.
    'try:\n    raise RuntimeError(BAD)\nexcept RuntimeError:\n    log.exception("failed")',
    'try:\n    int(BAD)\nexcept ValueError:\n    log.exception("failed")',
    'def f(phone):\n    1 / 0\ntry:\n    f(BAD)\nexcept ArithmeticError:\n    log.exception("failed")',
    # Libraries.
    'logging.getLogger("x").warning("lost %s", BAD)',
    'try:\n    raise ValueError(BAD)\nexcept ValueError:\n    logging.getLogger("x").exception("lost")',
)

CONFIGURED = """
import logging
from shared import logs
logs.configure("planner", level={level!r}, json={json}, secrets=[{secret!r}])
log = logs.get()
{code}
"""


def configured(code: str, level: str = "info", *, json: bool = True) -> str:
    return CONFIGURED.format(level=level, json=json, secret=SECRET, code=code)


def logged(code: str, level: str = "info") -> list[dict[str, Any]]:
    """Runs code in a process with logs configured, and returns its lines."""
    ended = child.run("-c", configured(code, level))
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
    [line] = logged('import structlog; structlog.contextvars.bind_contextvars(request_id="req-1"); log.info("noted")')
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
        ("ValueError('broken')", "broken"),
        ("b'raw'", "b'raw'"),
        ("float('nan')", None),
        ("__import__('datetime').datetime(2026, 5, 4, tzinfo=__import__('datetime').UTC)", "2026-05-04T00:00:00+00:00"),
    ],
)
def test_any_value_is_shown_on_one_line(value: str, shown: object) -> None:
    [line] = logged(f'log.info("noted", value={value})')
    assert line["value"] == shown


@pytest.mark.parametrize("value", ["2**70", '"\\udcff"'], ids=["huge number", "lone surrogate"])
def test_no_value_makes_a_log_call_fail(value: str) -> None:
    [line] = logged(f'log.info("noted", value={value})')
    assert line["event"] == "noted"


def test_lines_below_the_level_are_left_out() -> None:
    code = 'log.debug("d"); log.info("i"); log.warning("w"); log.error("e")'
    assert [line["event"] for line in logged(code, "debug")] == ["d", "i", "w", "e"]
    assert [line["event"] for line in logged(code, "warning")] == ["w", "e"]


def test_warnings_of_libraries_are_lines_too() -> None:
    [line] = logged('logging.getLogger("some.library").warning("lost %s", "it"); logging.getLogger("x").info("no")')
    assert (line["event"], line["library"], line["detail"]) == ("library warning", "some.library", "lost it")


def test_a_warning_that_a_library_repeats_is_one_line() -> None:
    code = (
        'for _ in range(70): logging.getLogger("asyncio").error("never retrieved")\nlogging.getLogger("x").warning("a")'
    )
    assert [(line["library"], line["times"]) for line in logged(code)] == [("asyncio", 1), ("x", 1)]


def test_connections_that_a_pool_cannot_open_are_logged_by_the_checks_of_the_database_alone() -> None:
    assert logged('logging.getLogger("asyncpg.pool").warning("Failed to restore the pool")') == []


def test_the_console_format_is_no_json() -> None:
    ended = child.run("-c", configured('log.info("noted", mailing_id=7)', json=False))
    assert "noted" in ended.stdout
    assert "mailing_id=7" in ended.stdout
    assert not ended.stdout.startswith("{")


@pytest.mark.parametrize("json", [True, False], ids=["json", "console"])
def test_nothing_secret_and_no_control_character_comes_out_whichever_way_it_went_in(json: bool) -> None:
    bad = f"\r\n\x1b[31m\x9b\u202e{PHONE}\x07 {TOKEN} {SECRET}\n"
    ended = child.run("-c", configured("\n".join((f"BAD = {bad!r}", *WAYS)), json=json))
    assert (ended.returncode, ended.stderr) == (0, "")
    for unwanted in (PHONE, TOKEN, SECRET, "\r", "\x1b", "\x9b", "\x07", "\u202e"):
        assert unwanted not in ended.stdout
    # What went in could not forge a line either.
    events = sum(ended.stdout.count(event) for event in ("noted", "failed", "library warning"))
    assert events == len(WAYS)
    assert not json or ended.stdout.count("\n") == len(WAYS)


def test_lists_are_cut_into_lines_that_are_short_enough() -> None:
    assert [len(ids) for ids in in_lines(range(2500))] == [1000, 1000, 500]
    assert list(in_lines([])) == []
