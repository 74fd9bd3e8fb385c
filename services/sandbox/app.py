"""The stand-in provider: one send route, and the routes that control it."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import aiohttp
from aiohttp import web

from services.sandbox import control, presets
from services.sandbox.body import RefusedSend, SendRequest, read_id, read_send
from services.sandbox.faults import decide, delay, refuses
from services.sandbox.ledger import LedgerEntry
from services.sandbox.listener import Listener
from services.sandbox.modes import MODES, Behaviour, Mode, reply_body
from services.sandbox.receipts import ReceiptSender
from services.sandbox.reply_writer import write_reply
from services.sandbox.settings import SandboxSettings
from services.sandbox.state import STATE, SandboxState
from services.sandbox.token import TokenVerifier

BODY_BYTES = 64 * 1024
# The shutdown waits this long twice: for a request to end by itself, then for it to end once cancelled.
GRACE_SECONDS = 0.4


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports that were opened. `control` is None when the controls share the port of the sends."""

    send: int
    control: int | None


async def send(request: web.Request) -> web.StreamResponse:
    """Answers POST /v1/send/{msgId}: refuses a malformed send, else lets the faults decide.

    The request enters the ledger once it is decided and before its latency, so that the ledger shows every request
    whose reply has arrived.
    """
    state = request.app[STATE]
    faults, received_at = state.faults, datetime.now(UTC)
    if refuses(faults):
        return await write_reply(request, MODES[Mode.REFUSE], faults.retry_after_header)
    message_id = read_id(request.match_info["message_id"])
    try:
        wanted = await _check(state, request, message_id, received_at)
    except RefusedSend as refusal:
        state.ledger.record(message_id, LedgerEntry(received_at, None, refusal.status))
        return await write_reply(request, _answer(refusal), faults.retry_after_header)
    mode = decide(faults, wanted.phone, state.draw())
    behaviour = MODES[mode]
    state.ledger.record(message_id, LedgerEntry(received_at, mode, behaviour.status, wanted.phone, wanted.text))
    if pause := delay(faults, state.draw()):
        await asyncio.sleep(pause.total_seconds())
    return await write_reply(request, behaviour, faults.retry_after_header)


@asynccontextmanager
async def serve(config: SandboxSettings) -> AsyncIterator[Ports]:
    """Runs a sandbox while the block runs. Raises SettingsError when a port is taken.

    With a control port, faults that refuse connections close the listener of the other port. Without one they reset
    each request to send, since the port must stay open for setting other faults.
    """
    # The draws only spread faults, so they need no cryptographic randomness.
    state = SandboxState(TokenVerifier(config.sandbox_secret.get_secret_value()), random.random)
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()))
        state.receipts = ReceiptSender(session, state.draw)
        stack.callback(state.receipts.close)
        routes = (
            web.post("/v1/send/{message_id}", send),
            web.route("*", "/presets/{name}/{path:.*}", presets.send),
            *control.ROUTES,
        )
        runner = await stack.enter_async_context(_running(routes, state))
        listener = Listener(runner, config.sandbox_host, config.sandbox_port, "HERALD_SANDBOX_PORT")
        await listener.open()
        if config.sandbox_control_port == 0:
            yield Ports(listener.port, None)
            return
        control_runner = await stack.enter_async_context(_running(control.ROUTES, state))
        control_port = config.sandbox_control_port
        await Listener(control_runner, config.sandbox_host, control_port, "HERALD_SANDBOX_CONTROL_PORT").open()
        state.listener = listener
        yield Ports(listener.port, control_port)


@asynccontextmanager
async def _running(routes: tuple[web.RouteDef, ...], state: SandboxState) -> AsyncIterator[web.AppRunner]:
    app = web.Application(client_max_size=BODY_BYTES)
    app[STATE] = state
    app.add_routes(routes)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=GRACE_SECONDS)
    await runner.setup()
    try:
        yield runner
    finally:
        await runner.cleanup()


async def _check(state: SandboxState, request: web.Request, message_id: int | None, now: datetime) -> SendRequest:
    if not state.verifier.accepts(request.headers.get("Authorization"), now):
        raise RefusedSend(401, "a bearer token signed with the sandbox's secret is required")
    try:
        return read_send(message_id, await request.read())
    except web.HTTPRequestEntityTooLarge:
        raise RefusedSend(413, f"the body must not be larger than {BODY_BYTES} bytes") from None


def _answer(refusal: RefusedSend) -> Behaviour:
    return Behaviour(refusal.status, reply_body(refusal.status, str(refusal)))
