"""Finds HERALD_* variables that no part of Herald reads, as a misspelled setting is."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from shared import logs
from shared.settings import PREFIX

# Every variable that a process, a command or a container of Herald reads; a test compares this with the code.
KNOWN = frozenset(
    PREFIX + name
    for name in (
        "ADMIN_TOKEN",
        "API_HOST",
        "API_PORT",
        "API_RATE",
        "API_URL",
        "AUTH",
        "DATABASE_PASSWORD",
        "DATABASE_URL",
        "DECLARE",
        "DEFAULT_TIMEZONE",
        "DEFAULT_WINDOW",
        "DISPATCHER_CONCURRENCY",
        "EXTERNAL_RABBITMQ_URL",
        "FAILPOINT",
        "IMAGE",
        "INSECURE_TRANSPORT",
        "JOBS_HIGH_WATERMARK",
        "LOG_FILE",
        "LOG_FORMAT",
        "LOG_LEVEL",
        "MAX_ATTEMPTS",
        "OIDC_AUTO",
        "OIDC_CLIENT_ID",
        "OIDC_CLIENT_SECRET",
        "OIDC_ISSUER",
        "OIDC_ROLE_CLAIM",
        "OIDC_ROLE_MAP",
        "OIDC_SCOPES",
        "OPS_HOST",
        "OPS_PORT",
        "PAUSE_ON_REJECTED",
        "PROVIDERS_FILE",
        "PROVIDER_RATE",
        "PROVIDER_TIMEOUT",
        "PROVIDER_TOKEN",
        "PROVIDER_URL",
        "PUBLIC_URL",
        "PUBLISH_ADDRESS",
        "RABBITMQ_URL",
        "REPORT_AT",
        "REPORT_FROM",
        "REPORT_LANGUAGE",
        "REPORT_TIMEZONE",
        "REPORT_TO",
        "RETRY_DELAYS",
        "SANDBOX_CONTROL_PORT",
        "SANDBOX_HOST",
        "SANDBOX_PORT",
        "SANDBOX_SECRET",
        "SMTP_URL",
        "STOP_LIST_KEY",
        "TOKEN",
        "TRUSTED_PROXIES",
    )
)
# Variables of the tests, which a developer may have set for a whole shell.
TEST_PREFIX = PREFIX + "TEST_"


@dataclass(frozen=True, slots=True)
class UnknownVariable:
    """A variable that nothing reads, and the known one whose name is nearest to it, if one is near."""

    name: str
    nearest: str | None


def find_unknown(names: Iterable[str]) -> list[UnknownVariable]:
    """Lists the unknown ones among names of variables, in order."""
    unknown = (
        name for name in names if name.startswith(PREFIX) and not name.startswith(TEST_PREFIX) and name not in KNOWN
    )
    return [UnknownVariable(name, _nearest(name)) for name in sorted(unknown)]


def _nearest(name: str) -> str | None:
    found = difflib.get_close_matches(name.removeprefix(PREFIX), [one.removeprefix(PREFIX) for one in KNOWN], n=1)
    return PREFIX + found[0] if found else None


def warn_of_unknown(environment: Mapping[str, str]) -> None:
    """Logs a warning for each variable HERALD_* that nothing reads."""
    for one in find_unknown(environment):
        remedy = f"did you mean {one.nearest}?" if one.nearest else "docs: README, Configuration"
        logs.get().warning("unknown setting ignored", variable=one.name, remedy=remedy)
