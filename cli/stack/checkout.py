"""Another checkout of Herald whose processes a stack runs, as `make bench-compare` does."""

import asyncio
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cli.failure import Failure


@dataclass(frozen=True, slots=True)
class Checkout:
    """The folder of a checkout, with a virtual environment in .venv."""

    folder: Path

    def command(self, name: str) -> list[str | Path]:
        """Returns the command line of a sub-command of herald. Without -P the code of this folder would be run."""
        return [self.folder / ".venv" / "bin" / "python", "-P", "-m", "cli.main", name]

    def environment(self, env: Mapping[str, str]) -> dict[str, str]:
        """Returns the environment for such a command."""
        return {**env, "PYTHONPATH": str(self.folder.resolve())}


async def migrate(checkout: Checkout, env: Mapping[str, str], database_url: str) -> None:
    """Applies the migrations of a checkout. Raises Failure."""
    process = await asyncio.create_subprocess_exec(
        *checkout.command("migrate"),
        env=checkout.environment({**env, "HERALD_DATABASE_URL": database_url}),
        stdout=DEVNULL,
        stderr=PIPE,
    )
    _, errors = await process.communicate()
    if process.returncode:
        raise Failure(f"the migrations of {checkout.folder} failed: {errors.decode(errors='replace').strip()[-500:]}")
