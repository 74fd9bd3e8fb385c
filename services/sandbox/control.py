"""The routes that set faults and show the ledger. They require no token."""

from dataclasses import asdict
from typing import Annotated, Any

import orjson
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.sandbox.body import read_id
from services.sandbox.faults import Faults, refuses
from services.sandbox.ledger import LedgerEntry
from services.sandbox.modes import JSON, reply_body
from services.sandbox.state import STATE, SandboxState
from shared import logs
from shared.settings import SettingsError


class LedgerPage(BaseModel):
    """The query of a list: skip the first `after` entries, show at most `limit`."""

    model_config = ConfigDict(extra="forbid")

    after: Annotated[int, Field(ge=0)] = 0
    limit: Annotated[int, Field(ge=1, le=10_000)] = 1000


async def put_faults(request: web.Request) -> web.Response:
    """Answers PUT /faults: replaces all faults; those left out take their default. 422 lists what is wrong."""
    try:
        faults = Faults.model_validate_json(await request.read())
    except ValidationError as error:
        return _unprocessable(error)
    state = request.app[STATE]
    state.faults = faults
    logs.get().info("faults set", **faults.model_dump(mode="json"))
    try:
        await _move_listener(state, request)
    except SettingsError as error:
        return _error(503, str(error))
    response = await get_faults(request)
    if refuses(faults):
        response.force_close()
    return response


async def get_faults(request: web.Request) -> web.Response:
    """Answers GET /faults with the faults that are set."""
    return _json(request.app[STATE].faults.model_dump(mode="json"))


async def get_ledger(request: web.Request) -> web.Response:
    """Answers GET /ledger with counts: accepted, unique, duplicates, after_deadline, rejected."""
    return _json(request.app[STATE].ledger.counts())


async def delete_ledger(request: web.Request) -> web.Response:
    """Answers DELETE /ledger: empties the ledger."""
    request.app[STATE].ledger.clear()
    return web.Response(status=204)


async def get_accepted(request: web.Request) -> web.Response:
    """Answers GET /ledger/messages?after=&limit= with the accepted messages, in the order of their first acceptance.

    {"items": [{id, count, phone, text, accepted_at}], "next": number or null}. Phone, text and moment are those
    of the first acceptance, `count` is how often it was accepted so far. Pass `next` as `after` to go on; null
    means that the end was reached. limit is 1..10000, default 1000.
    """
    try:
        page = LedgerPage.model_validate(dict(request.query))
    except ValidationError as error:
        return _unprocessable(error)
    return _paged(page, request.app[STATE].ledger.accepted_messages(page.after, page.limit))


async def get_all_requests(request: web.Request) -> web.Response:
    """Answers GET /ledger/requests?after=&limit= with every request that has a readable id, in the order of arrival.

    {"items": [{id, received_at, mode, http_status, phone, text, accepted}], "next": number or null}, paged like the
    accepted messages.
    """
    try:
        page = LedgerPage.model_validate(dict(request.query))
    except ValidationError as error:
        return _unprocessable(error)
    found = request.app[STATE].ledger.all_requests(page.after, page.limit)
    return _paged(page, [{"id": message_id, **_shown(entry)} for message_id, entry in found])


async def get_requests(request: web.Request) -> web.Response:
    """Answers GET /ledger/{msgId} with every request for a message, oldest first; 404 when there was none.

    [{received_at, mode, http_status, phone, text, accepted}]. mode, phone and text are null when the request itself
    was wrong (no valid token, or a bad body); http_status is null when no reply was given.
    """
    message_id = read_id(request.match_info["message_id"])
    entries = [] if message_id is None else request.app[STATE].ledger.requests(message_id)
    if not entries:
        return _error(404, "no request was made for this id")
    return _json([_shown(entry) for entry in entries])


ROUTES = (
    web.put("/faults", put_faults),
    web.get("/faults", get_faults),
    web.get("/ledger", get_ledger),
    web.delete("/ledger", delete_ledger),
    web.get("/ledger/messages", get_accepted),
    web.get("/ledger/requests", get_all_requests),
    web.get("/ledger/{message_id}", get_requests),
)


async def _move_listener(state: SandboxState, request: web.Request) -> None:
    if state.listener is None:
        return
    if refuses(state.faults):
        await state.listener.close(asking=request.protocol)
    else:
        await state.listener.open()


def _shown(entry: LedgerEntry) -> dict[str, Any]:
    return {**asdict(entry), "accepted": entry.accepted}


def _paged(page: LedgerPage, items: list[dict[str, Any]]) -> web.Response:
    return _json({"items": items, "next": page.after + len(items) if len(items) == page.limit else None})


def _json(content: object, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(content), status=status, content_type=JSON)


def _error(status: int, message: str) -> web.Response:
    return web.Response(body=reply_body(status, message), status=status, content_type=JSON)


def _unprocessable(error: ValidationError) -> web.Response:
    problems = error.errors(include_url=False, include_input=False, include_context=False)
    errors = [{"loc": problem["loc"], "msg": problem["msg"]} for problem in problems]
    return _json({"code": 422, "message": "not valid", "errors": errors}, 422)
