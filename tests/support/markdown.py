"""Reads the repository's Markdown pages: their headings, links, tables and diagrams."""

import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
MADE_BY_TOOLS = frozenset({"__pycache__", "build", "dist", "node_modules"})

_FENCE = re.compile(r"^(```+)(\w*)[^\n]*\n(.*?)^\1[ \t]*$", re.MULTILINE | re.DOTALL)
_INLINE_CODE = re.compile(r"(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.DOTALL)
_HEADING = re.compile(r"^(#{1,6}) +(.+?) *#*$", re.MULTILINE)
_LINK = re.compile(r"\[(?:[^\[\]]|\[[^\]]*\])*\]\(\s*([^()\s]+)\s*\)")
_CELL_BAR = re.compile(r"(?<!\\)\|")


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading with the anchor that GitHub and GitLab give it."""

    level: int
    text: str
    anchor: str


def list_files() -> list[Path]:
    """Lists the files of the repository, without folders that tools make: hidden ones, compiled and installed code."""
    found: list[Path] = []
    for folder, inner, names in os.walk(ROOT):
        inner[:] = sorted(name for name in inner if not name.startswith(".") and name not in MADE_BY_TOOLS)
        found += [Path(folder, name) for name in sorted(names)]
    return found


def list_pages() -> list[Path]:
    """Lists the Markdown files of the repository."""
    return [path for path in list_files() if path.suffix == ".md"]


def read(page: str) -> str:
    """Reads a page by its path from the root of the repository."""
    return (ROOT / page).read_text(encoding="utf-8")


def without_code(text: str) -> str:
    """Removes fenced blocks and inline code, in which nothing is a link or a heading."""
    return _INLINE_CODE.sub("", _FENCE.sub("", text))


def inline_codes(text: str) -> list[str]:
    """Lists the terms in backticks, outside of fenced blocks."""
    return [found[2].strip() for found in _INLINE_CODE.finditer(_FENCE.sub("", text))]


def headings(text: str) -> list[Heading]:
    """Lists the headings; a repeated anchor gets a number, as on GitHub."""
    seen: Counter[str] = Counter()
    found: list[Heading] = []
    for match in _HEADING.finditer(_FENCE.sub("", text)):
        plain = _LINK.sub(lambda link: link[0][1 : link[0].index("](")], match[2]).replace("`", "")
        anchor = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        found.append(Heading(len(match[1]), plain, f"{anchor}-{seen[anchor]}" if seen[anchor] else anchor))
        seen[anchor] += 1
    return found


def links(text: str) -> list[str]:
    """Lists the targets of links and pictures."""
    return _LINK.findall(without_code(text))


def section(text: str, title: str) -> str:
    """Returns what stands under a heading, up to the next one of its level or above. Raises KeyError."""
    matches = list(_HEADING.finditer(text))
    for place, match in enumerate(matches):
        if match[2] == title:
            ends = (later.start() for later in matches[place + 1 :] if len(later[1]) <= len(match[1]))
            return text[match.end() : next(ends, len(text))]
    raise KeyError(title)


def table_rows(text: str) -> Iterator[list[str]]:
    """Yields the cells of each table row, without the headers and the lines below them."""
    lines = [line.strip() for line in text.splitlines()]
    for place, line in enumerate(lines):
        if line.startswith("|") and not _is_rule(line) and not _is_rule(lines[min(place + 1, len(lines) - 1)]):
            yield [cell.strip().replace("\\|", "|") for cell in _CELL_BAR.split(line.strip("|"))]


def _is_rule(line: str) -> bool:
    return re.fullmatch(r"\|(?:\s*:?-+:?\s*\|)+", line) is not None


def fenced(text: str, language: str) -> list[str]:
    """Lists the contents of the fenced blocks in a language."""
    return [found[3] for found in _FENCE.finditer(text) if found[2] == language]
