"""A provider that echoes the phone, the text and the token of each request in its reply."""

import json
from collections.abc import Awaitable, Callable

from aiohttp import web

Echo = Callable[[str, str, str], web.Response]


def _escaped(text: str) -> str:
    return "".join(f"\\u{ord(character):04x}" for character in text if ord(character) < 0x10000)


def _formatted(phone: str) -> str:
    return f"+{phone[0]} ({phone[1:4]}) {phone[4:7]}-{phone[7:9]}-{phone[9:]}"


# The replies by message id: as JSON, escaped, as HTML, in headers, in the reason phrase, with control characters.
ECHOES: tuple[Echo, ...] = (
    lambda phone, text, token: web.json_response({"code": 0, "message": f"{phone} {text} {token}"}),
    lambda phone, text, token: web.json_response({"code": 5, "message": f"{phone}: {text}", "auth": token}),
    lambda phone, text, token: web.json_response({"message": [phone, text, token]}, status=400),
    lambda phone, text, token: web.Response(
        text=f'{{"code": "{_escaped(phone)}", "m": "{_escaped(text)} {_escaped(token)}"}}', status=500
    ),
    lambda phone, text, token: web.Response(text=f"<b>{_formatted(phone)}</b>\r\n{text}\x1b[2J{token}", status=502),
    lambda phone, text, token: web.Response(
        status=429, headers={"Retry-After": phone, "X-Echo": f"{phone} {token}", "Date": token}, text=text
    ),
    lambda phone, text, token: web.Response(status=302, headers={"Location": f"http://x/{phone}?{token}"}),
    lambda phone, text, token: web.Response(
        status=404, reason=f"no {phone}", text=f"\x9b\u202e{text[:20]}{token[:40]}"
    ),
    lambda phone, text, token: web.Response(body=b"\xff\xfe" + f"{phone}\n{text}\n{token}".encode()),
    lambda phone, text, token: web.Response(status=403, text=f"{token} may not: {phone} {text}"),
)


def app() -> web.Application:
    """Makes the provider. The reply to a message is chosen by its id, modulo the number of replies."""

    async def send(request: web.Request) -> web.Response:
        sent = json.loads(await request.read())
        token = request.headers["Authorization"].partition(" ")[2]
        echo: Echo = ECHOES[sent["id"] % len(ECHOES)]
        return echo(str(sent["phone"]), sent["text"], token)

    handler: Callable[[web.Request], Awaitable[web.Response]] = send
    made = web.Application()
    made.add_routes([web.post("/v1/send/{message_id}", handler)])
    return made
