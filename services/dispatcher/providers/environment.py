"""The one provider that HERALD_PROVIDER_URL and its siblings describe, as a file would."""

from datetime import timedelta

from services.dispatcher.settings import DispatcherSettings
from shared.providers.presets import read_preset
from shared.providers.schema import ProvidersFile
from shared.providers.secrets import SecretValues

NAME = "probe"
TOKEN = "HERALD_PROVIDER_TOKEN"  # noqa: S105 - the name of a variable


def environment_file(config: DispatcherSettings) -> ProvidersFile:
    """Returns a file with the provider of the environment."""
    preset = read_preset("probe")
    request = preset["request"] | {
        "url": f"{config.provider_url.rstrip('/')}/send/{{{{message_id}}}}",
        "auth": {"bearer": f"${{{TOKEN}}}"},
    }
    provider = preset | {"preset": "probe", "request": request, "insecure": True}
    file = ProvidersFile.model_validate({"version": 1, "providers": {NAME: provider}})
    found = file.providers[NAME].model_copy(
        update={
            "timeout": timedelta(seconds=config.provider_timeout),
            "rate": config.provider_rate,
            "concurrency": config.dispatcher_concurrency,
        }
    )
    return file.model_copy(update={"providers": {NAME: found}})


def environment_secrets(config: DispatcherSettings) -> SecretValues:
    """Returns the token as the only secret."""
    token = config.provider_token
    return SecretValues({} if token is None else {TOKEN: token.get_secret_value()})
