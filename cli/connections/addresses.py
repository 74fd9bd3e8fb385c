"""The addresses of the stack of this folder, which `herald up` and `herald demo` leave for the other commands."""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from urllib.parse import urlsplit

from cli.secret_files import write_secret
from cli.settings import ClientSettings, StackFolder, find_folder
from shared import settings
from shared.settings import BrokerSettings, DatabaseSettings

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, slots=True)
class StackAddresses:
    """Where a stack can be reached. `logs` is the folder of its log lines, and may be empty."""

    api_url: str
    database_url: str
    broker_url: str
    sandbox_url: str = ""
    logs: str = ""


@dataclass(frozen=True, slots=True)
class Address:
    """An address for a command. `given` is whether the user has set it, and `remedy` what to do if nothing answers."""

    url: str
    remedy: str
    given: bool = False


def write_addresses(addresses: StackAddresses, folder: StackFolder) -> None:
    """Writes the file of the addresses, for its owner only, since they hold passwords."""
    write_secret(json.dumps(asdict(addresses)), folder.addresses)


def read_addresses(folder: StackFolder) -> StackAddresses | None:
    """Returns the addresses of the stack that runs from a folder, or ran there last. None if there was none."""
    with suppress(OSError, ValueError, TypeError, KeyError):
        found: Mapping[str, str] = json.loads(folder.addresses.read_text())
        return StackAddresses(**{field.name: found[field.name] for field in fields(StackAddresses)})
    return None


def find_api() -> Address:
    """Returns HERALD_API_URL, otherwise the API of the stack of this folder, otherwise the default."""
    config, folder = settings.load(ClientSettings), find_folder()
    if "api_url" in config.model_fields_set:
        return Address(config.api_url, "check that it runs, and HERALD_API_URL", given=True)
    found = read_addresses(folder)
    return Address(config.api_url if found is None else found.api_url, remedy_for("HERALD_API_URL", folder))


def find_token(url: str) -> str | None:
    """Returns HERALD_TOKEN, otherwise HERALD_ADMIN_TOKEN, otherwise the token of the stack of this folder.

    The last is sent to no other machine: an API there does not know it, and has no business to.
    """
    config = settings.load(ClientSettings)
    for given in (config.token, config.admin_token):
        if given is not None and given.get_secret_value():
            return given.get_secret_value()
    file = find_folder().token
    with suppress(OSError, ValueError):
        if urlsplit(url).hostname in LOOPBACK:
            return file.read_text().strip() or None
    return None


def find_database() -> Address:
    """Returns HERALD_DATABASE_URL, otherwise the database of the stack of this folder, otherwise the default."""
    config, folder = settings.load(DatabaseSettings), find_folder()
    if "database_url" in config.model_fields_set:
        return Address(config.database_url.get_secret_value(), "check HERALD_DATABASE_URL", given=True)
    found = read_addresses(folder)
    url = config.database_url.get_secret_value() if found is None else found.database_url
    return Address(url, remedy_for("HERALD_DATABASE_URL", folder))


def find_broker() -> Address:
    """Returns HERALD_RABBITMQ_URL, otherwise the broker of the stack of this folder, otherwise the default."""
    config, folder = settings.load(BrokerSettings), find_folder()
    if "rabbitmq_url" in config.model_fields_set:
        return Address(config.rabbitmq_url.get_secret_value(), "check HERALD_RABBITMQ_URL", given=True)
    found = read_addresses(folder)
    url = config.rabbitmq_url.get_secret_value() if found is None else found.broker_url
    return Address(url, remedy_for("HERALD_RABBITMQ_URL", folder))


def find_logs() -> Path:
    """Returns the folder of the log lines of the stack of this folder."""
    folder = find_folder()
    found = read_addresses(folder)
    return Path(found.logs) if found is not None and found.logs else folder.logs


def remedy_for(variable: str, folder: StackFolder) -> str:
    """Says what to do when the stack of a folder does not answer, or when the folder has none."""
    if read_addresses(folder) is not None:
        return f"start `herald up` in {folder.path.resolve().parent}, or set {variable}"
    return f"run this command in the folder where `herald up` runs, or below it, or set {variable}"
