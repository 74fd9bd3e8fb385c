"""Files that only their owner can read."""

from pathlib import Path


def write_secret(secret: str, file: Path) -> None:
    """Writes a secret to a file that only its owner can read, and replaces it as a whole."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f"{file.name}.new")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    draft.write_text(f"{secret}\n")
    draft.replace(file)
