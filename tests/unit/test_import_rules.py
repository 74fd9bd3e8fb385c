"""The shape of the house, read from its files: layers, cycles, names, and the size of folders."""

import ast
import functools
import os
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
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
    ("checks",),
    ("broker", "database", "ops", "task_supervisor"),
    ("failpoints", "metrics", "migrate", "tracing"),
    ("amqp", "health", "logs", "settings", "waiting"),
    ("transport",),
    ("amqp_urls", "messages", "topology"),
    ("audience", "providers", "tracebacks", "window", "wording"),
    ("edits", "redaction", "statuses", "texts"),
)

# From the bottom up: a folder of services/api imports only from itself and from the rows before its own. Metrics are
# below all of them; what stands directly in services/api, and every __main__, wires the rest and may import everything.
API_LAYERS = (
    ("metrics",),
    ("web",),
    ("access",),
    ("audit",),
    ("sign_in", "tokens", "processes"),
    ("edits",),
    ("stop_list", "providers"),
    ("receipts",),
    ("clients", "segments"),
    ("mailings", "stop_list_files"),
    ("messages", "statistics", "dead_letters", "test_sends"),
    ("health",),
    ("openapi",),
    ("pages",),
    ("console",),
    ("wiring",),
)

# A folder with more files holds a feature that has no name yet.
MOST_FILES = 20
# Files that come one by one and are read one by one, and pictures: their number is no sign of disorder.
LARGE_FOLDERS = {
    "docs/decisions",
    "docs/images",
    "shared/migrations",
    "tests/files",
}

# Public class names that may stand in more than one place. Every other name means one thing in the whole house.
SHARED_NAMES = {
    # The hop of a service: the same idea in each of them.
    "Handler",
    # The metrics of one service: the same idea in each of them.
    "Metrics",
    # The API's answer that shows what shared/window.py computes with; its name is part of docs/openapi.json.
    "Window",
}

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
    """Finds the row of a module of shared/."""
    rows = [row for row, layer in enumerate(SHARED_LAYERS) if short_name(name) in layer]
    assert len(rows) == 1, f"{name} must stand in exactly one row of SHARED_LAYERS"
    return rows[0]


def test_the_layers_have_only_modules_that_exist() -> None:
    assert {f"shared.{short}" for layer in SHARED_LAYERS for short in layer} <= set(MODULES)


@pytest.mark.parametrize("name", SHARED)
def test_a_shared_module_imports_only_from_layers_below(name: str) -> None:
    beyond = {imported for imported in imports_of(name) if short_name(imported) != short_name(name)}
    assert {imported for imported in beyond if layer_of(imported) <= layer_of(name)} == set()


API = [name for name in MODULES if name.startswith("services.api.")]


def api_layer_of(name: str) -> int:
    """Returns the row of API_LAYERS in which a module of services/api stands."""
    parts = name.split(".")[2:]
    wires = parts[-1] == "__main__" or (len(parts) == 1 and MODULES[name].name != "__init__.py")
    folder = "wiring" if wires and parts[0] != "metrics" else parts[0]
    rows = [row for row, layer in enumerate(API_LAYERS) if folder in layer]
    assert len(rows) == 1, f"{name} must stand in exactly one row of API_LAYERS"
    return rows[0]


def test_the_layers_of_the_api_have_only_folders_that_exist() -> None:
    named = {folder for layer in API_LAYERS for folder in layer} - {"wiring"}
    assert {f"services.api.{folder}" for folder in named} <= set(MODULES)


@pytest.mark.parametrize("name", API)
def test_a_module_of_the_api_imports_only_from_layers_below(name: str) -> None:
    folder, row = name.split(".")[2], api_layer_of(name)
    beyond = {imported for imported in imports_of(name) & set(API) if imported.split(".")[2] != folder}
    if row < len(API_LAYERS) - 1:
        assert {imported for imported in beyond if api_layer_of(imported) >= row} == set()


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


def files_by_folder() -> Mapping[str, int]:
    """Counts the files of every folder, without what tools leave behind."""
    counts: Counter[str] = Counter()
    for top in (*PACKAGES, "tests", "docs", "deploy"):
        for folder, names, files in os.walk(ROOT / top):
            names[:] = [name for name in names if name != "__pycache__"]
            counts[Path(folder).relative_to(ROOT).as_posix()] = len(files)
    return counts


def test_no_folder_holds_more_files_than_a_reader_can_survey() -> None:
    large = {folder for folder, count in files_by_folder().items() if count > MOST_FILES}
    assert large <= LARGE_FOLDERS


@functools.cache
def public_classes() -> Mapping[str, list[str]]:
    """Maps the name of each public class of the house to the modules that define it."""
    found: dict[str, list[str]] = defaultdict(list)
    for name in MODULES:
        for node in parse(name).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found[node.name].append(name)
    return found


def test_no_class_name_means_two_things() -> None:
    twice = {name: modules for name, modules in public_classes().items() if len(modules) > 1}
    assert {name: modules for name, modules in twice.items() if name not in SHARED_NAMES} == {}


def test_every_shared_name_is_needed() -> None:
    assert {name for name in SHARED_NAMES if len(public_classes()[name]) < 2} == set()
