"""What the commands read from the environment."""

from pathlib import Path

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.settings import PREFIX

FOLDER = Path(".herald")
TOKEN_FILE = FOLDER / "token"


class ClientSettings(BaseSettings):
    """Where the API is, and the token to use."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", frozen=True)

    api_url: str = "http://127.0.0.1:8080"
    token: SecretStr | None = None
    admin_token: SecretStr | None = None


def find_token(settings: ClientSettings, file: Path = TOKEN_FILE) -> str | None:
    """Take HERALD_TOKEN, else HERALD_ADMIN_TOKEN, else what `herald up` left in this folder."""
    for given in (settings.token, settings.admin_token):
        if given is not None and given.get_secret_value():
            return given.get_secret_value()
    return file.read_text().strip() if file.exists() else None
