"""Keeps web pages of others out while no token is required: a browser sends their requests here, too."""

import ipaddress
from collections.abc import Collection

from aiohttp import web
from yarl import URL

from services.api.web.problems import HttpProblem

# What Sec-Fetch-Site says of a request that a page of this origin, or the person at the address bar, made.
_OWN_SITES = frozenset({"same-origin", "none"})


def refuse_foreign(request: web.Request) -> None:
    """Raises a 403 problem for a request of a page of another origin, and for one that names another host.

    A name that is not loopback may have been made to point here (DNS rebinding). Programs send no Origin, and pass.
    """
    if not _is_loopback(request.host):
        raise _foreign("Without tokens, this API answers to localhost and 127.0.0.1 only.")
    origin = request.headers.get("Origin")
    if origin is not None and origin != f"{request.scheme}://{request.host}":
        raise _foreign("Without tokens, pages of other origins may not call this API.")
    if request.headers.get("Sec-Fetch-Site", "none") not in _OWN_SITES:
        raise _foreign("Without tokens, pages of other sites may not call this API.")


def _foreign(detail: str) -> HttpProblem:
    return HttpProblem("foreign-origin", detail)


def _is_loopback(host: str) -> bool:
    try:
        return is_loopback_host(URL(f"http://{host}").host or "")
    except ValueError:
        return False


def is_loopback_host(name: str) -> bool:
    """Returns whether a host name or an address is this machine's own."""
    try:
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def refuse_cross_site(request: web.Request, own_origins: Collection[str]) -> None:
    """Raises a 403 problem unless a request that a browser sent with a cookie comes from a page of this origin.

    Browsers of today say so in Sec-Fetch-Site. Others send an Origin with everything that changes something.
    """
    site = request.headers.get("Sec-Fetch-Site")
    allowed = site == "same-origin" if site is not None else request.headers.get("Origin") in own_origins
    if not allowed:
        raise _foreign("A session's requests must come from a page of this origin.")
