"""Every path and every module that pages, docstrings and comments name exists in the repository.

A path is what begins with a top-level folder (`shared/window.py`, `docs/decisions/0021`), and a term in backticks that
ends like a source file (`docker-compose.yml`). The changelog is left out: it names files that have gone since.
"""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.markdown import ROOT, inline_codes, tracked_pages

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
# In these languages a comment is a line that begins so, or the end of a line after two blanks.
COMMENT_MARKS = {".sql": "--", ".js": "//", ".yml": "#", ".yaml": "#", ".toml": "#", ".sh": "#", ".conf": "#"}
BARE_FILES = ("Makefile", "Dockerfile", ".env.example", ".gitlab-ci.yml", ".ci/run")


def is_ours(path: Path) -> bool:
    parts = path.relative_to(ROOT).parts
    return path.name not in VENDORED and not any(part.startswith(".") or part == "node_modules" for part in parts[:-1])


def code_files() -> list[Path]:
    """Lists the sources that have comments: Python, SQL, JavaScript, and what configures."""
    suffixes = {".py", *COMMENT_MARKS}
    nested = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if path.suffix in suffixes]
    flat = [path for path in ROOT.iterdir() if path.suffix in suffixes]
    bare = [ROOT / name for name in BARE_FILES if (ROOT / name).exists()]
    return sorted({path for path in (*nested, *flat) if is_ours(path)} | set(bare))


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
    """Returns whether a path is there: from the root or beside the page, a module without .py, or what * stands for."""
    name = name.rstrip("./")
    if DECISION.fullmatch(name):
        return any(ROOT.glob(f"{name}-*.md"))
    places = (ROOT / name, beside.parent / name, ROOT / f"{name}.py")
    if "*" in name:
        return any(ROOT.glob(name)) or any(beside.parent.glob(name))
    return any(map(_is_there, places))


def _is_there(path: Path) -> bool:
    """A folder in which only compiled files are left has gone."""
    if path.is_dir():
        return any(inner.is_file() and "__pycache__" not in inner.parts for inner in path.rglob("*"))
    return path.is_file()


def is_a_tail(name: str) -> bool:
    """Returns whether a file of the repository ends in this path: `kustomization.yaml`, `import_/lines.py`."""
    return any(is_ours(path) for path in ROOT.rglob(name) if ".venv" not in path.parts)


def is_generated(name: str) -> bool:
    return name in (ROOT / ".gitignore").read_text(encoding="utf-8").split()


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
        if NAMED_FILE.fullmatch(code) and not (exists(code, path) or is_generated(code) or is_a_tail(code))
    }
    return paths | modules | named


PAGES = [path for path in tracked_pages() if path not in HISTORY]
CODE = code_files()


def test_there_is_something_to_look_at() -> None:
    assert {ROOT / "README.md", ROOT / "docs" / "operations.md"} <= set(PAGES)
    assert {ROOT / "shared" / "topology.py", ROOT / "Makefile"} <= set(CODE)


@pytest.mark.parametrize("text", ["see `services/planner/gone.py`", "see docs/decisions/0000", "shared.gone does it"])
def test_what_does_not_exist_is_found(text: str) -> None:
    assert missing_in(text, ROOT / "README.md") != set()


@pytest.mark.parametrize("page", PAGES, ids=[str(path.relative_to(ROOT)) for path in PAGES])
def test_a_page_names_only_what_exists(page: Path) -> None:
    assert missing_in(page.read_text(encoding="utf-8"), page) == set()


def test_docstrings_and_comments_name_only_what_exists() -> None:
    missing = {str(path.relative_to(ROOT)): missing_in(prose_of(path), path) for path in CODE}
    assert {name: found for name, found in missing.items() if found} == {}
