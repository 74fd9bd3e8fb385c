"""The settings of the sign-in by OpenID Connect. Without an issuer there is none."""

import re
from typing import Annotated, Self

from pydantic import AfterValidator, BeforeValidator, SecretStr, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from yarl import URL

from services.api.access.origin import is_loopback_host
from services.api.sign_in.roles import RoleMap, read_role_map
from shared.settings import PREFIX

_CLAIM = re.compile(r"[^.\s]+(\.[^.\s]+)*")


def _check_url(text: str) -> str:
    if not text:
        return text
    url = URL(text)
    if url.scheme not in ("http", "https") or not url.host or url.query_string or url.fragment:
        raise ValueError("it is not a URL like https://id.example.org/realms/main")
    if url.scheme == "http" and not is_loopback_host(url.host):
        raise ValueError("http:// is allowed for this machine alone: use https://")
    return text.rstrip("/")


def _check_claim(text: str) -> str:
    if not _CLAIM.fullmatch(text):
        raise ValueError("it is not a claim like groups or realm_access.roles")
    return text


def _read_map(value: object) -> object:
    return read_role_map(value) if isinstance(value, str) else value


Url = Annotated[str, AfterValidator(_check_url)]


class SignInSettings(BaseSettings):
    """The issuer, this client of it, and which of its groups have which role."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", frozen=True)

    # Where browsers reach Herald, as in the redirect URI that the issuer knows.
    public_url: Url = ""
    oidc_issuer: Url = ""
    oidc_client_id: str = ""
    oidc_client_secret: SecretStr = SecretStr("")
    oidc_scopes: str = "openid email profile"
    oidc_role_claim: Annotated[str, AfterValidator(_check_claim)] = "groups"
    oidc_role_map: Annotated[RoleMap, NoDecode, BeforeValidator(_read_map)] = RoleMap({})
    # Go to the issuer at once, without a page that offers a token as well.
    oidc_auto: bool = False

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if not self.oidc_issuer:
            return self
        missing = [
            f"{PREFIX}{name.upper()}"
            for name in ("public_url", "oidc_client_id", "oidc_role_map")
            if not getattr(self, name)
        ]
        if missing:
            raise ValueError(f"{PREFIX}OIDC_ISSUER needs {', '.join(missing)}")
        if "openid" not in self.oidc_scopes.split():
            raise ValueError(f"{PREFIX}OIDC_SCOPES must include openid")
        return self
