"""Texts with a place for a value of each client."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.personal_text import MAX_LENGTH, Unrendered, WrongText, is_personal, read_text, render

ANNA = {"name": "Anna", "points": 120, "vip": True, "rate": 1e-7, "whole": 3.0, "blank": " "}

RENDERED = [
    ("Hello, {{name}}!", "Hello, Anna!"),
    ("{{name}}{{name}}", "AnnaAnna"),
    ("{{nobody|client}}", "client"),
    ("{{name|client}}", "Anna"),
    ("{{blank|client}}", "client"),
    ("{{points}} {{vip}} {{rate}} {{whole}}", "120 true 0.0000001 3"),
    (r"\{{name}} costs {{points}}", "{{name}} costs 120"),
    ("one { two } }} three", "one { two } }} three"),
    ("a\nb {{name}}", "a\nb Anna"),
]


@pytest.mark.parametrize(("text", "expected"), RENDERED)
def test_a_text_is_rendered(text: str, expected: str) -> None:
    assert render(read_text(text), ANNA).text == expected


WRONG = [
    ("Hello, {{Name}}!", 8),
    ("{{name", 1),
    ("x {{ name }}", 3),
    ("{{name|}}", 1),
    ("{{name|a|b}}", 1),
    ("{{name.first}}", 1),
    ("{{#if name}}x{{/if}}", 1),
    ("{{name}} {{}}", 10),
    ("{{{name}}}", 1),
    ("{{" + "a" * 33 + "}}", 1),
]


@pytest.mark.parametrize(("text", "place"), WRONG)
def test_unknown_syntax_is_refused_with_its_place(text: str, place: int) -> None:
    with pytest.raises(WrongText) as wrong:
        read_text(text)
    assert wrong.value.place == place


@pytest.mark.parametrize("attributes", [{}, {"name": ""}, {"name": "  "}])
def test_without_the_value_a_text_is_not_rendered(attributes: dict[str, object]) -> None:
    with pytest.raises(Unrendered, match="no value: name"):
        render(read_text("Hello, {{name}}!"), attributes)


def test_a_value_is_never_expanded_again() -> None:
    sly = {"name": "{{contract}}", "contract": r"\{{x}} {{name|y}}"}
    rendered = render(read_text("{{name}} {{contract}}"), sly)
    assert rendered.text == r"{{contract}} \{{x}} {{name|y}}"
    assert rendered.values == ("{{contract}}", r"\{{x}} {{name|y}}")


def test_a_text_that_becomes_too_long_is_not_rendered() -> None:
    text = read_text("{{name}}" + "x" * (MAX_LENGTH - 8))
    assert len(render(text, {"name": "y" * 8}).text) == MAX_LENGTH
    with pytest.raises(Unrendered, match="longer than 2,000 characters"):
        render(text, {"name": "y" * 9})


def test_the_names_of_a_text_are_known() -> None:
    text = read_text("{{a}} {{b|x}} {{a|y}} {{c}}")
    assert (text.names, text.required) == (["a", "b", "c"], ["a", "c"])


@given(st.text(max_size=200))
def test_a_text_without_braces_stays_as_it_is(text: str) -> None:
    if not is_personal(text):
        assert render(read_text(text), {}).text == text


@given(st.text(max_size=50), st.text(max_size=50))
def test_what_is_written_with_backslashes_comes_out_with_braces(before: str, after: str) -> None:
    before, after = before.replace("{", "(").rstrip("\\"), after.replace("{", "(")
    assert render(read_text(before + r"\{{" + after), {}).text == before + "{{" + after
