"""What the tests of the console's words read of JavaScript."""

import pytest

from tests.unit.api.console.javascript import arguments_of, texts_of


@pytest.mark.parametrize(
    ("call", "arguments"),
    [
        ('h("p", {}, "Hello, you")', ['"p"', "{}", '"Hello, you"']),
        ('h("p", { title: say("x", {}) }, [1, 2])', ['"p"', '{ title: say("x", {}) }', "[1, 2]"]),
        ("h(`a ${f({}, `,`)} b`, c)", ["`a ${f({}, `,`)} b`", "c"]),
        ('h("\\"", c)', ['"\\""', "c"]),
    ],
)
def test_a_call_is_split_at_its_own_commas(call: str, arguments: list[str]) -> None:
    assert list(arguments_of(call, "h")) == [arguments]


@pytest.mark.parametrize(
    ("argument", "texts"),
    [
        ('"Hello"', ["Hello"]),
        ('say("hello")', []),
        ('found && "Hello"', ["Hello"]),
        ('state === "running" ? "Yes" : say("no")', ["Yes"]),
        ("`Client ${id}`", ["Client "]),
        ('["One", [say("two"), "Three"]]', ["One", "Three"]),
    ],
)
def test_the_texts_of_an_argument_are_those_that_are_shown(argument: str, texts: list[str]) -> None:
    assert list(texts_of(argument)) == texts
