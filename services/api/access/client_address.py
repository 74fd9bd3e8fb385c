"""Where a request comes from: the peer, or what a proxy that we trust says of it. Pure."""

import ipaddress
import re
from collections.abc import Iterable, Sequence

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

UNKNOWN = "unknown"
# A header longer than any chain of proxies is looked at no further.
MOST_HOPS = 32
_WITH_PORT = re.compile(r"\[(?P<six>[^\]]+)\](:\d+)?|(?P<four>\d+\.\d+\.\d+\.\d+):\d+")


def parse_networks(text: str) -> tuple[Network, ...]:
    """Reads addresses and networks, separated by commas. Raises ValueError for anything else."""
    return tuple(ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip())


def client_address(peer: str | None, forwarded: Sequence[str], trusted: Sequence[Network]) -> str:
    """Finds who is asking. `forwarded` are the X-Forwarded-For headers.

    Each proxy adds whom it got the request from at the end: so the list is read from there, and only as long as
    whoever wrote an entry is trusted. Everything further left may have been made up by the caller.
    """
    address = _parse(peer or "")
    for entry in reversed(_entries(forwarded)):
        if address is None or not _among(address, trusted):
            break
        said = _parse(entry)
        if said is None:
            break
        address = said
    return UNKNOWN if address is None else str(address)


def bucket_of(address: str) -> str:
    """Returns who counts as one: an IPv4 address, or the /64 that a subscriber of IPv6 has to himself."""
    parsed = _parse(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return address


def _entries(headers: Iterable[str]) -> list[str]:
    return [entry.strip() for header in headers for entry in header.split(",")][-MOST_HOPS:]


def _parse(text: str) -> Address | None:
    found = _WITH_PORT.fullmatch(text)
    try:
        address = ipaddress.ip_address((found["six"] or found["four"]) if found else text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _among(address: Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)
