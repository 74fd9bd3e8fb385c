"""Reads as much of JavaScript as it takes to find the texts in the arguments of a call: strings, brackets, comments."""

import re
from collections.abc import Iterator

Text = str
OPENING, CLOSING = "([{", ")]}"


def arguments_of(source: str, name: str) -> Iterator[list[str]]:
    """Yields the arguments of each call of a function, as they are written."""
    for found in re.finditer(rf"(?<![\w.]){name}\(", source):
        before = source[: found.start()].rpartition("\n")[2]
        if not re.search(r"function $|^\s*\*", before):
            yield split(source, found.end())


def split(source: str, start: int) -> list[str]:
    """Splits at the commas from `start` up to the bracket that closes what is open there."""
    parts, begun, depth, at = list[str](), start, 0, start
    while at < len(source):
        sign = source[at]
        if sign in "\"'`":
            at = end_of_text(source, at)
            continue
        if sign in OPENING:
            depth += 1
        elif sign in CLOSING:
            depth -= 1
        if depth < 0 or (depth == 0 and sign == ","):
            parts.append(source[begun:at].strip())
            begun = at + 1
        if depth < 0:
            break
        at += 1
    return [part for part in parts if part]


def end_of_text(source: str, at: int) -> int:
    """Returns where the literal that begins at `at` has ended. A template may hold others in ${}."""
    quote, at = source[at], at + 1
    while source[at] != quote:
        if source[at] == "\\":
            at += 1
        elif quote == "`" and source.startswith("${", at):
            at += 2 + len(inner(source, at + 2))
        at += 1
    return at + 1


def inner(source: str, at: int) -> str:
    """Returns what is inside of ${}, which begins at `at`."""
    begun, depth = at, 0
    while depth or source[at] != "}":
        if source[at] in "\"'`":
            at = end_of_text(source, at)
            continue
        depth += {"{": 1, "}": -1}.get(source[at], 0)
        at += 1
    return source[begun:at]


def texts_of(argument: str) -> Iterator[Text]:
    """Yields the literals of an argument that become a text, not those that are handed to another call or compared."""
    depth, at = 0, 0
    while at < len(argument):
        sign = argument[at]
        if sign in "\"'`":
            end = end_of_text(argument, at)
            if depth == 0 and not re.search(r"[=!]== $", argument[:at]):
                yield re.sub(r"\$\{[^}]*\}", "", argument[at + 1 : end - 1])
            at = end
            continue
        depth += {"(": 1, "{": 1, ")": -1, "}": -1}.get(sign, 0)
        at += 1
