"""The settings of the commands, and the files under .herald/ that `herald up` leaves for them."""

from pathlib import Path

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared import settings as shared_settings
from shared.settings import PREFIX, DatabaseSettings

FOLDER = Path(".herald")
TOKEN_FILE = FOLDER / "token"
# The key of the stop list. It must be kept as long as the database: nobody can make it again.
STOP_LIST_KEY_FILE = FOLDER / "stop-list-key"
# The URL of the database of `herald up`.
DATABASE_FILE = FOLDER / "database"
# The log lines of its processes.
LOG_FOLDER = FOLDER / "logs"
# The addresses of its processes, which Prometheus reads with deploy/prometheus/native.yml.
TARGETS_FILE = FOLDER / "prometheus.json"


class ClientSettings(BaseSettings):
    """The address of the API, and the tokens to use with it."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", frozen=True)

    api_url: str = "http://127.0.0.1:8080"
    token: SecretStr | None = None
    admin_token: SecretStr | None = None


def find_token(settings: ClientSettings, file: Path = TOKEN_FILE) -> str | None:
    """Returns HERALD_TOKEN, otherwise HERALD_ADMIN_TOKEN, otherwise the token that `herald up` left in this folder."""
    for given in (settings.token, settings.admin_token):
        if given is not None and given.get_secret_value():
            return given.get_secret_value()
    return file.read_text().strip() if file.exists() else None


def find_database(file: Path = DATABASE_FILE) -> str:
    """Returns HERALD_DATABASE_URL, otherwise the URL that `herald up` left in this folder, otherwise the default."""
    config = shared_settings.load(DatabaseSettings)
    if "database_url" not in config.model_fields_set and file.exists():
        return file.read_text().strip()
    return config.database_url.get_secret_value()
