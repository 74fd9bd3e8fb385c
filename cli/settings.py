"""What the commands read from the environment."""

from pathlib import Path

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared import settings as shared_settings
from shared.settings import PREFIX, DatabaseSettings

FOLDER = Path(".herald")
TOKEN_FILE = FOLDER / "token"
# Where `herald up` says which database it has, and keeps what its processes log.
DATABASE_FILE = FOLDER / "database"
LOG_FOLDER = FOLDER / "logs"
# Where Prometheus, with deploy/prometheus/native.yml, reads which processes a stack has.
TARGETS_FILE = FOLDER / "prometheus.json"


class ClientSettings(BaseSettings):
    """Where the API is, and the token to use."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", frozen=True)

    api_url: str = "http://127.0.0.1:8080"
    token: SecretStr | None = None
    admin_token: SecretStr | None = None


def find_token(settings: ClientSettings, file: Path = TOKEN_FILE) -> str | None:
    """Takes HERALD_TOKEN, else HERALD_ADMIN_TOKEN, else what `herald up` left in this folder."""
    for given in (settings.token, settings.admin_token):
        if given is not None and given.get_secret_value():
            return given.get_secret_value()
    return file.read_text().strip() if file.exists() else None


def find_database(file: Path = DATABASE_FILE) -> str:
    """Takes HERALD_DATABASE_URL, else what `herald up` left in this folder, else the default."""
    config = shared_settings.load(DatabaseSettings)
    if "database_url" not in config.model_fields_set and file.exists():
        return file.read_text().strip()
    return config.database_url.get_secret_value()
