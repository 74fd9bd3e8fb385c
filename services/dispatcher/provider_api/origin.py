"""The origin of the send API: what its base URL says about where to connect and what to ask for. Pure."""

from dataclasses import dataclass
from urllib.parse import quote, urlsplit

_DEFAULT_PORTS = {"http": 80, "https": 443}
# What may stand in a path as it is; an existing %-escape stays.
_SAFE = "/%:@!$&'()*+,;=~-._"


@dataclass(frozen=True, slots=True)
class ProviderOrigin:
    """Where to connect. `path` is the encoded path of the base URL, without a slash at its end."""

    host: str
    port: int
    encrypted: bool
    path: bytes

    @property
    def authority(self) -> str:
        """The value of the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS["https" if self.encrypted else "http"] else f"{host}:{self.port}"


def read_origin(url: str) -> ProviderOrigin:
    """Reads a base URL. Raises ValueError for one without a host, or with a port that is none."""
    parts = urlsplit(url)
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise ValueError("the provider's URL must be http:// or https:// with a host")
    host = parts.hostname if parts.hostname.isascii() else parts.hostname.encode("idna").decode()
    path = quote(parts.path.rstrip("/"), safe=_SAFE).encode()
    return ProviderOrigin(host, parts.port or _DEFAULT_PORTS[parts.scheme], parts.scheme == "https", path)


def encode_headers(headers: dict[str, str]) -> bytes:
    """Encodes header lines. Raises ValueError for a line break in one: it would begin another header."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    if lines.count("\n") != len(headers) or lines.count("\r") != len(headers):
        raise ValueError("a header must not hold a line break")
    return lines.encode("latin-1")
