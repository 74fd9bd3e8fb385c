"""What the provider received: the sandbox's ledger, request by request."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import aiohttp

PAGE = 10_000
# Accepted, but with a reply that nobody can read in time: I4 admits a repeat.
LOST_REPLIES = ("lost_reply", "slow_drip")


@dataclass(frozen=True, slots=True)
class Request:
    message_id: int
    received_at: datetime
    mode: str | None
    accepted: bool
    text: str


async def read_requests(sandbox: aiohttp.ClientSession) -> list[Request]:
    """Reads every request, in the order of arrival."""
    requests: list[Request] = []
    after: int | None = 0
    while after is not None:
        async with sandbox.get(f"/ledger/requests?limit={PAGE}&after={after}") as reply:
            page = await reply.json()
        requests += [
            Request(
                item["id"],
                datetime.fromisoformat(item["received_at"]),
                item["mode"],
                item["accepted"],
                item["text"] or "",
            )
            for item in page["items"]
        ]
        after = page["next"]
    return requests


def acceptances(requests: Iterable[Request]) -> Counter[int]:
    """Counts how often each message was accepted."""
    return Counter(request.message_id for request in requests if request.accepted)


def lost_replies(requests: Iterable[Request]) -> int:
    return sum(request.accepted and request.mode in LOST_REPLIES for request in requests)
