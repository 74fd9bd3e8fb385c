"""The send routes of the presets: a send in any dialect, with the faults and the ledger of all others."""

import asyncio
from datetime import UTC, datetime

from aiohttp import web

from services.sandbox.body import RefusedSend
from services.sandbox.dialects import DIALECTS
from services.sandbox.dialects.dialect import Dialect, DialectSend, read_request
from services.sandbox.faults import Faults, decide, delay, refuses
from services.sandbox.ledger import LedgerEntry
from services.sandbox.modes import MODES, Behaviour, Mode
from services.sandbox.reply_writer import write_reply
from services.sandbox.state import STATE


async def send(request: web.Request) -> web.StreamResponse:
    """Answers any method at /presets/{name}/…: a malformed send is refused, else the faults decide.

    404 for a name that no dialect has.
    """
    state = request.app[STATE]
    faults, received_at = state.faults, datetime.now(UTC)
    dialect = DIALECTS.get(request.match_info["name"])
    if dialect is None:
        raise web.HTTPNotFound
    if refuses(faults):
        return await write_reply(request, MODES[Mode.REFUSE], faults.retry_after_header)
    try:
        wanted = dialect.read(await read_request(request))
    except RefusedSend as refusal:
        behaviour = dialect.refuse(str(refusal), None)
        state.ledger.record(None, LedgerEntry(received_at, None, behaviour.status))
        return await write_reply(request, behaviour, faults.retry_after_header)
    mode = decide(faults, wanted.phone, state.draw())
    behaviour = _behave(dialect, mode, wanted, faults)
    state.ledger.record(wanted.message_id, LedgerEntry(received_at, mode, behaviour.status, wanted.phone, wanted.text))
    if behaviour.accepted and state.receipts is not None:
        await state.receipts.report(request.match_info["name"], dialect, wanted, faults)
    if pause := delay(faults, state.draw()):
        await asyncio.sleep(pause.total_seconds())
    return await write_reply(request, behaviour, faults.retry_after_header)


def _behave(dialect: Dialect, mode: Mode, wanted: DialectSend, faults: Faults) -> Behaviour:
    """Returns how a mode looks in a dialect. What breaks the connection, or is no reply of anybody, looks the same."""
    if mode is Mode.CODE:
        return dialect.refuse(faults.code, wanted)
    if mode in dialect.codes:
        return dialect.refuse(dialect.codes[mode], wanted)
    usual = MODES[mode]
    if mode in {Mode.OK, Mode.SLOW_DRIP, Mode.BAD_CHUNKS}:
        accepted = dialect.accept(wanted)
        return Behaviour(accepted.status, accepted.body, accepted.content_type, usual.manner, accepted=usual.accepted)
    return usual
