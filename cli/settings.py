"""The settings of the commands, and the folder .herald/ that `herald up` leaves for them."""

import os
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.settings import PREFIX

FOLDER = Path(".herald")
# What marks the root of a checkout or of an unpacked source archive.
ROOT_MARKS = (".git", "pyproject.toml")
DEFAULT_API_URL = "http://127.0.0.1:8080"


class ClientSettings(BaseSettings):
    """The address of the API, and the tokens to use with it."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", frozen=True)

    api_url: str = DEFAULT_API_URL
    token: SecretStr | None = None
    admin_token: SecretStr | None = None


@dataclass(frozen=True, slots=True)
class StackFolder:
    """The folder of a stack, with the paths of what is in it besides the data of its services."""

    path: Path = FOLDER

    @property
    def token(self) -> Path:
        return self.path / "token"

    @property
    def stop_list_key(self) -> Path:
        """The key of the stop list. It must be kept as long as the database: nobody can make it again."""
        return self.path / "stop-list-key"

    @property
    def addresses(self) -> Path:
        """The file with the addresses of the stack that runs, or ran last."""
        return self.path / "stack.json"

    @property
    def logs(self) -> Path:
        """The folder of the log lines of the processes of `herald up`."""
        return self.path / "logs"

    @property
    def targets(self) -> Path:
        """The addresses of the processes, which Prometheus reads with deploy/prometheus/native.yml."""
        return self.path / "prometheus.json"

    @property
    def demo(self) -> Path:
        return self.path / "demo"


def find_folder(start: Path | None = None) -> StackFolder:
    """Returns the .herald/ of this folder, or of the nearest one above it, up to the root of the checkout.

    Without any it is where a stack of this folder would put it: in the root of the checkout, or right here. A folder
    of another user is passed over, since it could lead commands, with their token, to an API of that user.
    """
    here = (start or Path.cwd()).resolve()
    for place in (here, *here.parents):
        found = place / FOLDER
        if _is_ours(found) or any((place / mark).exists() for mark in ROOT_MARKS):
            return StackFolder(_in_short(found))
    return StackFolder(_in_short(here / FOLDER))


def _is_ours(folder: Path) -> bool:
    return folder.is_dir() and folder.stat().st_uid == os.geteuid()


def _in_short(path: Path) -> Path:
    return Path(os.path.relpath(path))
