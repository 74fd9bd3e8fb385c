"""Compares this checkout with another version, side by side: `make bench-compare BASE=v0.1.0`.

Both are measured by the bench of this checkout, in turn, so that the machine's speed and its other work are the same.
The other version needs to know nothing of the bench: its processes are run from a checkout of its own.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console

from cli.failure import Failure
from cli.terminal.tables import make_table

ROOT = Path(__file__).parents[1]
# `rate` is better when it is higher, and the costs when they are lower.
FIGURES = ("rate", "ratio", "total_us", "bare_requests", "wal_bytes")


def ratios(pairs: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]]) -> dict[str, tuple[float, float, float]]:
    """Returns the least, the median and the greatest ratio of head to base of each figure that all runs have."""
    found = {}
    for name in (*FIGURES, *_processes(pairs)):
        values = [(_figure(head, name), _figure(base, name)) for base, head in pairs]
        of_pairs = sorted(head / base for head, base in values if head is not None and base)
        if of_pairs and len(of_pairs) == len(pairs):
            found[name] = (of_pairs[0], of_pairs[len(of_pairs) // 2], of_pairs[-1])
    return found


def _processes(pairs: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]]) -> list[str]:
    return list(pairs[0][1]["cost"]["by_process_us"]) if pairs else []


def _figure(result: Mapping[str, Any], name: str) -> float | None:
    cost = result["cost"]
    value: float | None = result.get(name, cost.get(name, cost["by_process_us"].get(name)))
    return value


@contextmanager
def checked_out(base: str) -> Iterator[Path]:
    """Checks a version out into a temporary folder, with a virtual environment of its own. Raises Failure."""
    folder = Path(tempfile.mkdtemp(prefix="herald-base-"))
    tree = folder / "tree"
    try:
        _call(["git", "worktree", "add", "--quiet", "--detach", str(tree), base], cwd=ROOT)
        _call([sys.executable, "-m", "venv", str(tree / ".venv")], cwd=tree)
        install = [str(_python(tree)), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        _call([*install, "--require-hashes", "-r", "requirements-native.lock"], cwd=tree)
        yield tree
    finally:
        remove = ["git", "worktree", "remove", "--force", str(tree)]
        subprocess.run(remove, cwd=ROOT, check=False, capture_output=True)
        shutil.rmtree(folder, ignore_errors=True)


def _python(tree: Path) -> Path:
    return tree / ".venv" / "bin" / "python"


def _call(command: Sequence[str], cwd: Path) -> None:
    done = subprocess.run(command, cwd=cwd, check=False, capture_output=True, text=True)
    if done.returncode:
        raise Failure(f"{' '.join(command[:4])} failed: {done.stderr.strip()[-500:]}")


def measure(checkout: Path | None, options: Sequence[str], broker: str | None) -> dict[str, Any]:
    """Runs the bench with a PostgreSQL of its own, and returns its figures. Raises Failure.

    The processes run the code of `checkout`, and of this one where it is None.
    """
    # A database that both versions migrate would be of neither.
    env = {name: value for name, value in os.environ.items() if name != "HERALD_DATABASE_URL"}
    if broker:
        env["HERALD_RABBITMQ_URL"] = broker
    code = ["--checkout", str(checkout)] if checkout is not None else []
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "bench.json"
        command = [sys.executable, "-m", "cli.main", "bench", *options, *code, "--output", str(output)]
        done = subprocess.run(command, cwd=ROOT, env=env, check=False, capture_output=True, text=True)
        if not output.exists():
            last = (done.stderr or done.stdout).strip()[-500:]
            raise Failure(f"the bench of {checkout or 'this checkout'} failed: {last}")
        result: dict[str, Any] = orjson.loads(output.read_bytes())
        return result


def main(
    base: Annotated[str, typer.Argument(help="The git ref to compare with.")],
    options: Annotated[list[str] | None, typer.Argument(help="Options for `herald bench`, after --.")] = None,
    pairs: Annotated[int, typer.Option(min=1, help="Number of runs of each.")] = 3,
    base_broker: Annotated[
        str | None,
        typer.Option(help="RabbitMQ URL for the base, if HERALD_RABBITMQ_URL is set: another empty virtual host."),
    ] = None,
    output: Annotated[Path, typer.Option(help="JSON file for the figures of all runs.")] = Path("bench-compare.json"),
) -> None:
    """Run this checkout and another version in turn, and print the ratios of their figures."""
    console, found = Console(), []
    if os.environ.get("HERALD_RABBITMQ_URL") and not base_broker:
        raise typer.BadParameter("with HERALD_RABBITMQ_URL give --base-broker, too: queues of two versions may differ")
    try:
        with checked_out(base) as tree:
            for number in range(pairs):
                before = measure(tree, options or [], base_broker)
                after = measure(None, options or [], None)
                found.append((before, after))
                console.print(f"pair {number + 1}: {before['rate']} and {after['rate']} messages a second")
    except Failure as error:
        typer.secho(f"herald: {error}", err=True, fg=typer.colors.RED)
        raise typer.Exit(error.code) from error
    finally:
        if found:
            output.write_bytes(orjson.dumps([{"base": one, "head": other} for one, other in found]))
    rows = [(name, *(f"{value:.2f}" for value in three)) for name, three in ratios(found).items()]
    console.print(make_table(f"this checkout to {base}", ("figure", "min", "median", "max"), rows))


if __name__ == "__main__":
    typer.run(main)
