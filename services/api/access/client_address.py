"""Finds the address of a caller: the peer's, or the one that a trusted proxy reports. Pure."""

import ipaddress
import re
from collections.abc import Iterable, Sequence

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

UNKNOWN = "unknown"
# No chain of proxies is longer, so entries beyond that are ignored.
MOST_HOPS = 32
_WITH_PORT = re.compile(r"\[(?P<six>[^\]]+)\](:\d+)?|(?P<four>\d+\.\d+\.\d+\.\d+):\d+")


def parse_networks(text: str) -> tuple[Network, ...]:
    """Parses addresses and networks, separated by commas. Raises ValueError for anything else."""
    return tuple(ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip())


def client_address(peer: str | None, forwarded: Sequence[str], trusted: Sequence[Network]) -> str:
    """Returns the address of the caller. `forwarded` are the X-Forwarded-For headers.

    Each proxy appends the address that it got the request from. The list is therefore read from its end, for as long as
    the author of an entry is trusted. Entries further left may have been made up by the caller.
    """
    address = _parse(peer or "")
    for entry in reversed(_entries(forwarded)):
        if address is None or not _among(address, trusted):
            break
        reported = _parse(entry)
        if reported is None:
            break
        address = reported
    return UNKNOWN if address is None else str(address)


def bucket_of(address: str) -> str:
    """Returns the key under which an address is limited: an IPv4 address, or the /64 network of an IPv6 subscriber."""
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
