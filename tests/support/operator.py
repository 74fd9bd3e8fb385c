"""Uses Herald as an operator does: over the REST API, with the provider's ledger for comparison."""

from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import aiohttp

from tests.support.polling import until

Json = dict[str, Any]


class StackSessions(Protocol):
    """Sessions with the API of a running stack, with a token, and with its sandbox."""

    api: aiohttp.ClientSession
    sandbox: aiohttp.ClientSession


class Operator:
    """Calls the API and the sandbox of a stack. Every method fails the test for an unexpected status."""

    def __init__(self, stack: StackSessions) -> None:
        self._stack = stack

    async def get(self, path: str) -> Json:
        async with self._stack.api.get(f"/api/v1{path}") as reply:
            assert reply.status == 200, await reply.text()
            body: Json = await reply.json()
            return body

    async def post(self, path: str, body: Json | None = None, *, status: int = 200) -> Json:
        async with self._stack.api.post(f"/api/v1{path}", json=body) as reply:
            assert reply.status == status, await reply.text()
            answer: Json = await reply.json(content_type=None)
            return answer

    async def patch(self, path: str, body: Json) -> Json:
        async with self._stack.api.patch(f"/api/v1{path}", json=body) as reply:
            assert reply.status == 200, await reply.text()
            answer: Json = await reply.json()
            return answer

    async def delete(self, path: str) -> None:
        async with self._stack.api.delete(f"/api/v1{path}") as reply:
            assert reply.status == 204, await reply.text()

    async def import_csv(self, *lines: str) -> Json:
        return await self.post_csv("/clients/import", "phone,operator_code,tag,timezone", *lines)

    async def post_csv(self, path: str, *lines: str) -> Json:
        headers = {"Content-Type": "text/csv"}
        async with self._stack.api.post(f"/api/v1{path}", data="\n".join(lines).encode(), headers=headers) as reply:
            assert reply.status == 200, await reply.text()
            body: Json = await reply.json()
            return body

    async def import_numbered(self, number: int, *, operator_code: str = "900", tag: str = "", first: int = 0) -> None:
        """Imports clients with distinct phones that choose no fault of the sandbox."""
        phones = (70000000000 + i // 9000 * 10000 + 1000 + i % 9000 for i in range(first, first + number))
        done = await self.import_csv(*(f"{phone},{operator_code},{tag},Europe/Moscow" for phone in phones))
        assert done["created"] == number

    async def create_mailing(self, *, lasts: float = 600, starts_in: float | None = None, **fields: Any) -> int:
        now = datetime.now(UTC)
        body: Json = {
            "text": "Hello",
            "filter": {},
            "end_at": (now + timedelta(seconds=(starts_in or 0) + lasts)).isoformat(),
        }
        if starts_in is not None:
            body["start_at"] = (now + timedelta(seconds=starts_in)).isoformat()
        made = await self.post("/mailings", body | fields, status=201)
        mailing_id: int = made["id"]
        return mailing_id

    async def counts(self, mailing_id: int) -> dict[str, int]:
        """Returns the counts by status that are not zero, and checks that all counts add up to the total."""
        shown = await self.get(f"/mailings/{mailing_id}")
        assert sum(shown["by_status"].values()) == shown["total"]
        return {status: count for status, count in shown["by_status"].items() if count}

    async def until_status(self, mailing_id: int, status: str, seconds: float = 60) -> dict[str, int]:
        async def reached() -> bool:
            return bool((await self.get(f"/mailings/{mailing_id}"))["status"] == status)

        try:
            await until(reached, seconds, f"mailing {mailing_id} {status}")
        except AssertionError as error:
            raise AssertionError(f"{error}: {await self.counts(mailing_id)}") from None
        return await self.counts(mailing_id)

    async def until_counts(self, mailing_id: int, seconds: float = 60, **expected: int) -> None:
        async def reached() -> bool:
            return await self.counts(mailing_id) == expected

        await until(reached, seconds, f"mailing {mailing_id} {expected}")

    async def until_counts_begin(self, mailing_id: int, seconds: float = 30) -> None:
        """Waits until some messages of the mailing are sent."""

        async def begun() -> bool:
            return "sent" in await self.counts(mailing_id)

        await until(begun, seconds, f"mailing {mailing_id} begins")

    async def messages(self, mailing_id: int) -> list[Json]:
        items: list[Json] = (await self.get(f"/mailings/{mailing_id}/messages?limit=1000"))["items"]
        return items

    async def set_faults(self, **faults: Any) -> None:
        async with self._stack.sandbox.put("/faults", json=faults) as reply:
            assert reply.status == 200, await reply.text()

    async def ledger(self, message_id: int | None = None) -> Any:
        path = "/ledger" if message_id is None else f"/ledger/{message_id}"
        async with self._stack.sandbox.get(path) as reply:
            return await reply.json()
