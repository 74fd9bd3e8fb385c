"""A mutant: which mechanism it lacks, by which changes of the code, and which tests must notice."""

from dataclasses import dataclass
from pathlib import Path


class PatchOutdated(Exception):
    """The text that a patch replaces is not in its file, or more than once: the patch must be written anew."""


@dataclass(frozen=True, slots=True)
class Patch:
    """A replacement of one text in one file. `old` must stand there exactly once."""

    path: str
    old: str
    new: str

    def applied_to(self, text: str) -> str:
        """Returns the text of the file with the patch applied. Raises PatchOutdated."""
        found = text.count(self.old)
        if found != 1:
            raise PatchOutdated(f"{self.path} holds this text {found} times, and not once:\n{self.old}")
        return text.replace(self.old, self.new)

    def check(self, root: Path) -> None:
        """Raises PatchOutdated unless the patch fits the file under `root`."""
        path = root / self.path
        if not path.is_file():
            raise PatchOutdated(f"{self.path} is not there any more; it held this text:\n{self.old}")
        self.applied_to(path.read_text())


@dataclass(frozen=True, slots=True)
class Mutant:
    """A mechanism that is taken out. `tests` are those that must notice, as pytest names them.

    It is in the code `since` one file is there, and `until` another is.
    """

    mechanism: str
    patches: tuple[Patch, ...]
    tests: tuple[str, ...]
    since: str | None = None
    until: str | None = None

    def applies(self, root: Path) -> bool:
        """Says whether the code under `root` has the mechanism in this form."""
        begun = self.since is None or (root / self.since).exists()
        return begun and not (self.until is not None and (root / self.until).exists())

    def check(self, root: Path) -> None:
        """Raises PatchOutdated unless every patch fits the files under `root`."""
        for patch in self.patches:
            patch.check(root)


def mutant(
    mechanism: str, path: str, old: str, new: str, *tests: str, since: str | None = None, until: str | None = None
) -> Mutant:
    """Makes a mutant of one change."""
    return Mutant(mechanism, (Patch(path, old, new),), tests, since, until)
