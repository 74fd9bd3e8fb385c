"""Limits the requests of a token, and the wrong tokens from an address."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.typedefs import Handler

from services.api.access.client_address import Network, bucket_of, client_address
from services.api.access.identity import IDENTITY
from services.api.access.token_bucket import REFUSALS, WRONG_TOKENS, Allowance, RatePolicy, TokenBuckets
from services.api.web.problem_kinds import ProblemCode
from services.api.web.problems import HttpProblem
from shared import logs

# A caller that sends several requests at once, such as a page that opens, is not limited.
BURST_SECONDS = 2


@dataclass(frozen=True, slots=True)
class RateLimits:
    """The limits of callers. Without `per_token`, tokens are unlimited.

    X-Forwarded-For counts only if it comes from one of `trusted_proxies`.
    """

    per_token: TokenBuckets | None = None
    wrong_tokens: TokenBuckets = field(default_factory=lambda: TokenBuckets(WRONG_TOKENS))
    trusted_proxies: Sequence[Network] = ()
    # Which refusals become events: those of one address, and those of all.
    recorded: TokenBuckets = field(default_factory=lambda: TokenBuckets(WRONG_TOKENS))
    recorded_in_all: TokenBuckets = field(default_factory=lambda: TokenBuckets(REFUSALS))


RATE_LIMITS = web.AppKey("rate_limits", RateLimits)
ALLOWANCE = web.RequestKey("allowance", Allowance)


def policy_of(rate: float) -> RatePolicy:
    """Returns the policy for a rate, which allows the requests of two seconds at once."""
    return RatePolicy(rate, max(round(rate * BURST_SECONDS), 1))


def address_of(request: web.Request) -> str:
    trusted = request.app[RATE_LIMITS].trusted_proxies
    return client_address(request.remote, request.headers.getall("X-Forwarded-For", ()), trusted)


def may_record_refusal(request: web.Request) -> bool:
    """Returns whether there is room for one more event of a failed sign-in or a refused token."""
    limits = request.app[RATE_LIMITS]
    if limits.recorded.take(bucket_of(address_of(request))).retry_after is not None:
        return False
    return limits.recorded_in_all.take("all").retry_after is None


def count_wrong_token(request: web.Request) -> None:
    """Counts a wrong token against its address. Raises a 429 problem when there were too many.

    A valid token still works from that address. A request without any token is not a guess, and is not counted.
    """
    address = address_of(request)
    allowance = request.app[RATE_LIMITS].wrong_tokens.take(bucket_of(address))
    logs.get().warning("token refused", address=address)
    if allowance.retry_after is not None:
        raise too_many("wrong-tokens-exceeded", "Too many wrong tokens came from this address.", allowance.retry_after)


@web.middleware
async def limit(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Takes one request from the token's bucket. Raises a 429 problem when the bucket is empty."""
    buckets = request.app[RATE_LIMITS].per_token
    if buckets is not None and IDENTITY in request:
        allowance = request[ALLOWANCE] = buckets.take(request[IDENTITY].name)
        if allowance.retry_after is not None:
            raise too_many("rate-exceeded", "This token sent too many requests.", allowance.retry_after)
    return await handler(request)


async def stamp_allowance(request: web.Request, response: web.StreamResponse) -> None:
    """Adds the RateLimit headers of the token to every answer, streams included."""
    if ALLOWANCE in request:
        allowance = request[ALLOWANCE]
        response.headers["RateLimit-Limit"] = str(allowance.limit)
        response.headers["RateLimit-Remaining"] = str(allowance.remaining)
        response.headers["RateLimit-Reset"] = str(allowance.reset)


def too_many(code: ProblemCode, detail: str, retry_after: int) -> HttpProblem:
    return HttpProblem(code, detail, headers={"Retry-After": str(retry_after)})
