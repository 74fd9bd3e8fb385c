"""Every path and every module that pages, docstrings and comments name exists in the repository.

A path is what begins with a top-level folder (`shared/health.py`, `docs/decisions/0021`), and a term in backticks that
ends like a source file (`docker-compose.yml`). The changelog is left out: it names files that have gone since.
"""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

import pytest

from tests.support.markdown import ROOT, inline_codes, list_files, list_pages

FOLDERS = ("bench", "cli", "deploy", "docs", "services", "shared", "tests")
PACKAGES = ("bench", "cli", "services", "shared", "tests")
SUFFIXES = (".py", ".md", ".sql", ".js", ".css", ".html", ".yml", ".yaml", ".toml", ".sh", ".conf", ".lock", ".in")
HISTORY = frozenset({ROOT / "CHANGELOG.md"})
# Files of others, which are kept as they came.
VENDORED = frozenset({"uPlot.esm.js", "pico.min.css", "swagger-ui-bundle.js", "swagger-ui.css"})

PATH = re.compile(rf"(?<![\w/.:@-])(?:{'|'.join(FOLDERS)})/[\w*][\w./*-]*")
MODULE = re.compile(rf"(?<![\w/.-])(?:{'|'.join(PACKAGES)})(?:\.[a-z_]\w*)+(?![\w/])")
NAMED_FILE = re.compile(rf"[\w.*-][\w./*-]*(?:{'|'.join(re.escape(suffix) for suffix in SUFFIXES)})")
DECISION = re.compile(r"docs/decisions/\d{4}")
# `begin_closing` in services/planner/store/lifecycle.py; the line may break between them.
NAME_IN_FILE = re.compile(r"`(\w+)(?:\(\))?`\s+in\s+((?:services|shared|cli)/[\w/]+\.(?:py|sql))")
# The number of a note that is yet to be written.
PLACEHOLDER = "NNNN"
# In these languages a comment is a line that begins so, or the end of a line after two blanks.
COMMENT_MARKS = {".sql": "--", ".js": "//", ".yml": "#", ".yaml": "#", ".toml": "#", ".sh": "#", ".conf": "#"}
# Sources in hidden folders, of which no others are looked at.
HIDDEN = [".ci/run", ".github/workflows/ci.yml"]


FILES = [path.relative_to(ROOT).as_posix() for path in list_files()] + HIDDEN
IGNORED = frozenset((ROOT / ".gitignore").read_text(encoding="utf-8").split())
PLACES = frozenset(FILES) | {str(folder) for file in FILES for folder in Path(file).parents}


def code_files() -> list[Path]:
    """Lists the sources that have comments: Python, SQL, JavaScript, and what configures."""
    suffixes = {".py", *COMMENT_MARKS}
    return [ROOT / file for file in FILES if Path(file).name not in VENDORED and is_code(Path(file), suffixes)]


def is_code(path: Path, suffixes: set[str]) -> bool:
    return path.suffix in suffixes or path.as_posix() in ("Makefile", "Dockerfile", *HIDDEN)


def prose_of(path: Path) -> str:
    """Returns the docstrings and comments of a source."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        return "\n".join((*_docstrings(text), *_comments(text)))
    mark = re.escape(COMMENT_MARKS.get(path.suffix, "#"))
    return "\n".join(found[1] for found in re.finditer(rf"(?:^|\s){mark}(.*)$", text, re.MULTILINE))


def _docstrings(source: str) -> Iterator[str]:
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, kinds) and (text := ast.get_docstring(node)):
            yield text


def _comments(source: str) -> Iterator[str]:
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.string


def exists(name: str, beside: Path) -> bool:
    """Returns whether a path is there: from the root or beside the page, a module without .py, or what * stands for.

    The end of a path will do, as within a folder that has a `shared` or a `tests` of its own.
    """
    name = name.rstrip("./")
    if PLACEHOLDER in name:
        return True
    if DECISION.fullmatch(name):
        return any(file.startswith(f"{name}-") for file in FILES)
    near = (beside.parent.relative_to(ROOT) / name).as_posix()
    if "*" in name:
        return any(fnmatch(place, pattern) for place in PLACES for pattern in (name, near))
    return not PLACES.isdisjoint((name, near, f"{name}.py")) or is_a_tail(name)


def is_a_tail(name: str) -> bool:
    """Returns whether a file of the repository ends in this path: `kustomization.yaml`, `import_/lines.py`."""
    return any(file.endswith(f"/{name}") for file in FILES)


def is_generated(name: str) -> bool:
    return name in IGNORED


@cache
def resolves(module: str) -> bool:
    """Returns whether a dotted name is a module, or a name that its module holds."""
    parts = module.split(".")
    for length in range(len(parts), 1, -1):
        place = ROOT.joinpath(*parts[:length])
        file = place.with_suffix(".py") if place.with_suffix(".py").is_file() else place / "__init__.py"
        if file.is_file():
            return length == len(parts) or re.search(rf"\b{parts[length]}\b", file.read_text("utf-8")) is not None
    return False


def missing_in(text: str, path: Path) -> set[str]:
    paths = {found for found in PATH.findall(text) if not exists(found, path)}
    modules = {found for found in MODULE.findall(text) if not resolves(found) and not NAMED_FILE.fullmatch(found)}
    named = {
        code
        for code in inline_codes(text)
        if NAMED_FILE.fullmatch(code) and not (exists(code, path) or is_generated(code))
    }
    return paths | modules | named


def strays_in(text: str) -> set[tuple[str, str]]:
    """Lists the names that are placed in a file which does not hold them: `start_due` in services/planner/sweep.py."""
    return {(name, file) for name, file in NAME_IN_FILE.findall(text) if name not in _words_of(file)}


@cache
def _words_of(file: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", (ROOT / file).read_text("utf-8"))) if file in PLACES else frozenset()


PAGES = [path for path in list_pages() if path not in HISTORY]
CODE = code_files()


def test_there_is_something_to_look_at() -> None:
    assert {ROOT / "README.md", ROOT / "docs" / "operations.md"} <= set(PAGES)
    assert {ROOT / "shared" / "topology.py", ROOT / "Makefile"} <= set(CODE)


@pytest.mark.parametrize("text", ["see `services/planner/gone.py`", "see docs/decisions/0000", "shared.gone does it"])
def test_what_does_not_exist_is_found(text: str) -> None:
    assert missing_in(text, ROOT / "README.md") != set()


def test_a_name_that_is_not_in_its_file_is_found() -> None:
    assert strays_in("`start_due` in\nservices/planner/sweep.py") == {("start_due", "services/planner/sweep.py")}


@pytest.mark.parametrize("page", PAGES, ids=[str(path.relative_to(ROOT)) for path in PAGES])
def test_a_page_names_only_what_exists(page: Path) -> None:
    assert missing_in(page.read_text(encoding="utf-8"), page) == set()


@pytest.mark.parametrize("page", PAGES, ids=[str(path.relative_to(ROOT)) for path in PAGES])
def test_a_name_is_in_the_file_that_a_page_places_it_in(page: Path) -> None:
    assert strays_in(page.read_text(encoding="utf-8")) == set()


def test_docstrings_and_comments_name_only_what_exists() -> None:
    # To separate prose from code takes long, so it is done only where the whole text names something missing.
    suspects = [path for path in CODE if missing_in(path.read_text(encoding="utf-8"), path)]
    missing = {str(path.relative_to(ROOT)): missing_in(prose_of(path), path) for path in suspects}
    assert {name: found for name, found in missing.items() if found} == {}
