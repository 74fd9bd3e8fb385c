"""The layers of the house, read from the imports themselves."""

import ast
import functools
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("services", "shared", "cli", "bench")
SERVICES = ("api", "dispatcher", "planner", "reporter", "sandbox")
BANNED_NAMES = frozenset({"utils", "helpers", "common", "manager", "base", "core", "misc", "data"})

# From the top down: a module of shared/ imports only from the rows below its own.
SHARED_LAYERS = (
    ("process",),
    ("broker", "database", "ops"),
    ("metrics", "migrate"),
    ("health", "logs", "settings", "waiting"),
    ("amqp_urls", "failpoints", "messages", "topology"),
    ("tracebacks", "window"),
    ("redaction", "statuses"),
)

# Who may import whom. A service stands for itself and for nobody else.
ALLOWED = {
    "shared": {"shared"},
    **{f"services.{service}": {"shared", f"services.{service}"} for service in SERVICES},
    "cli": {"shared", "cli", "bench", *(f"services.{service}" for service in SERVICES)},
    "bench": {"shared", "cli", "bench", *(f"services.{service}" for service in SERVICES)},
}


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))}


@functools.cache
def imports_of(name: str) -> frozenset[str]:
    """Names the modules of the house that a module imports, wherever in it, in full."""
    return frozenset(_imports(name, parse(name)))


@functools.cache
def parse(name: str) -> ast.Module:
    return ast.parse(MODULES[name].read_text(encoding="utf-8"))


def _imports(name: str, tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if _is_ours(alias.name))
        elif isinstance(node, ast.ImportFrom):
            origin = _origin(name, node)
            if _is_ours(origin):
                # `from shared import logs` imports a module, `from shared.logs import get` what is in it.
                named = (f"{origin}.{alias.name}" for alias in node.names)
                yield from (full if full in MODULES else origin for full in named)


def _origin(name: str, node: ast.ImportFrom) -> str:
    if node.level == 0:
        return node.module or ""
    folder = name.split(".") if MODULES[name].name == "__init__.py" else name.split(".")[:-1]
    kept = folder[: len(folder) - node.level + 1]
    return ".".join([*kept, *([node.module] if node.module else [])])


def _is_ours(name: str) -> bool:
    return name.split(".")[0] in (*PACKAGES, "tests")


def house_of(name: str) -> str:
    """Names what a module belongs to: shared, cli, bench, or one service."""
    parts = name.split(".")
    return ".".join(parts[:2]) if parts[0] == "services" and len(parts) > 1 else parts[0]


def test_there_are_modules_to_look_at() -> None:
    assert {house_of(name) for name in MODULES} >= {"shared", "cli", *(f"services.{service}" for service in SERVICES)}


def test_every_service_is_in_the_table() -> None:
    folders = {path.parent.name for path in (ROOT / "services").glob("*/__init__.py")}
    assert folders == set(SERVICES)


@pytest.mark.parametrize("name", [name for name in MODULES if house_of(name) in ALLOWED])
def test_a_module_imports_only_what_its_house_may(name: str) -> None:
    allowed = ALLOWED[house_of(name)]
    assert {imported for imported in imports_of(name) if house_of(imported) not in allowed} == set()


SHARED = [name for name in MODULES if name.startswith("shared.")]


def short_name(name: str) -> str:
    """Names the module of shared/ that a module is; a folder counts as one."""
    return name.split(".")[1]


def layer_of(name: str) -> int:
    """Say in which row a module of shared/ stands."""
    rows = [row for row, layer in enumerate(SHARED_LAYERS) if short_name(name) in layer]
    assert len(rows) == 1, f"{name} must stand in exactly one row of SHARED_LAYERS"
    return rows[0]


def test_the_layers_have_only_modules_that_exist() -> None:
    assert {f"shared.{short}" for layer in SHARED_LAYERS for short in layer} <= set(MODULES)


@pytest.mark.parametrize("name", SHARED)
def test_a_shared_module_imports_only_from_layers_below(name: str) -> None:
    beyond = {imported for imported in imports_of(name) if short_name(imported) != short_name(name)}
    assert {imported for imported in beyond if layer_of(imported) <= layer_of(name)} == set()


def test_no_imports_run_in_circles() -> None:
    graph = {name: imports_of(name) - {name} for name in MODULES}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" imports ".join(reversed(error.args[1])))


def test_no_module_has_a_name_that_says_nothing() -> None:
    assert {name for name in MODULES if BANNED_NAMES & set(name.split("."))} == set()


@pytest.mark.parametrize("name", MODULES)
def test_nothing_is_imported_by_a_star_or_from_the_tests(name: str) -> None:
    stars = [node for node in ast.walk(parse(name)) if isinstance(node, ast.ImportFrom) and node.names[0].name == "*"]
    assert stars == []
    assert {imported for imported in imports_of(name) if imported.split(".")[0] == "tests"} == set()
