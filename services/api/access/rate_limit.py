"""How much one caller may ask for: requests of a token, and wrong tokens from an address."""

from aiohttp import web
from aiohttp.typedefs import Handler

from services.api.access.client_address import bucket_of, client_address
from services.api.access.token_bucket import Allowance, Policy
from services.api.web.context import ALLOWANCE, IDENTITY, state_of
from services.api.web.problems import Problem
from shared import logs

# A caller who does several things at once, such as a page that opens, is not held up.
BURST_SECONDS = 2


def policy_of(rate: float) -> Policy:
    """Allows `rate` requests a second, and those of two seconds at once."""
    return Policy(rate, max(round(rate * BURST_SECONDS), 1))


def address_of(request: web.Request) -> str:
    return client_address(request.remote, request.headers.getall("X-Forwarded-For", ()), state_of(request).trusted)


def count_wrong_token(request: web.Request) -> None:
    """Count a wrong token against its address. Raises a 429 problem where there were too many; a right one still opens.

    A request without any token is no guess, and is not counted.
    """
    address = address_of(request)
    allowance = state_of(request).wrong_tokens.take(bucket_of(address))
    logs.get().warning("token refused", address=address)
    if allowance.retry_after is not None:
        raise too_many("Too many wrong tokens came from this address.", allowance.retry_after)


@web.middleware
async def limit(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Takes one from the token's bucket."""
    rates = state_of(request).rates
    if rates is not None and IDENTITY in request:
        allowance = request[ALLOWANCE] = rates.take(request[IDENTITY].name)
        if allowance.retry_after is not None:
            raise too_many("This token asks too often.", allowance.retry_after)
    return await handler(request)


def headers_of(allowance: Allowance) -> dict[str, str]:
    """What is left, in the words that clients know: the number at once, how many are left, seconds until all are."""
    return {
        "RateLimit-Limit": str(allowance.limit),
        "RateLimit-Remaining": str(allowance.remaining),
        "RateLimit-Reset": str(allowance.reset),
    }


def too_many(detail: str, retry_after: int) -> Problem:
    return Problem(429, detail, headers={"Retry-After": str(retry_after)})
