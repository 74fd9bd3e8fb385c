"""Compiles the request of a provider into a function from a message to bytes."""

import base64
import re
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import quote, quote_plus, urlsplit

import orjson

from services.dispatcher.provider_api.origin import ProviderOrigin, read_origin
from services.dispatcher.providers.leaves import Leaf, compile_leaf, compile_text, compile_tree
from services.dispatcher.providers.message_values import LeafValue, MessageValues
from shared.providers.placeholders import RequestPlaceholder, parse_text
from shared.providers.schema import BasicAuth, RequestAuth, RequestConfig
from shared.providers.secrets import SecretValues
from shared.texts.sms import fits_gsm

# What may stand in a path as the file has it; an existing %-escape stays.
_SAFE = "/%:@!$&'()*+,;=~-._"
_LINE = re.compile(r"[\x00-\x1f\x7f]+")
_USUAL_HEADERS = {"User-Agent": "herald", "Accept": "*/*", "Accept-Encoding": "identity"}

Render = Callable[[MessageValues], "RenderedRequest"]
Encode = Callable[[MessageValues], bytes]


class RenderedRequest(NamedTuple):
    """A request in bytes. `path` begins with a slash and holds the query; `headers` are encoded lines."""

    method: bytes
    path: bytes
    headers: bytes
    body: bytes


def compile_request(config: RequestConfig, secrets: SecretValues) -> Render:
    """Compiles a request, and its variant for texts that do not fit the GSM alphabet. Raises MissingSecret."""
    plain = _compile_variant(config, secrets)
    if not config.unicode:
        return plain
    variant = _compile_variant(config.for_unicode(), secrets)
    return lambda values: plain(values) if fits_gsm(values.claim.text) else variant(values)


def origin_of(config: RequestConfig) -> ProviderOrigin:
    """Returns where the requests go: the host is always the same."""
    return read_origin(_plain(config.url))


def _plain(url: str) -> str:
    return "".join(part if isinstance(part, str) else "x" for part in parse_text(url))


def _compile_variant(config: RequestConfig, secrets: SecretValues) -> Render:
    method = config.method.encode()
    path, query = _compile_path(config.url, secrets), _compile_query(config, secrets)
    headers = _compile_headers(config, secrets)
    body = _compile_body(config, secrets)
    if not config.query and "?" not in config.url:
        return lambda values: RenderedRequest(method, path(values), headers(values), body(values))
    return lambda values: RenderedRequest(method, path(values) + query(values), headers(values), body(values))


def _compile_path(url: str, secrets: SecretValues) -> Encode:
    """Compiles the path. A placeholder is percent-encoded as a whole, so it stays within its segment."""
    scheme_end = url.index("//") + 2
    path = url[url.index("/", scheme_end) :] if "/" in url[scheme_end:] else "/"
    path = path.partition("?")[0]
    pieces: list[Encode] = []
    for part in parse_text(path):
        if isinstance(part, str):
            pieces.append(_constant(quote(part, safe=_SAFE).encode()))
        elif isinstance(part, RequestPlaceholder):
            pieces.append(_in_path(compile_leaf(f"{{{{{part.name}}}}}", secrets)))
        else:
            pieces.append(_in_path(compile_leaf(_written(part), secrets)))
    if len(pieces) == 1:
        return pieces[0]
    if len(pieces) == 2:
        first, second = pieces
        return lambda values: first(values) + second(values)
    return lambda values: b"".join([piece(values) for piece in pieces])


def _written(part: Any) -> str:
    return f"${{{part.name}}}" if hasattr(part, "name") else f"file:{part.path}"


def _constant(value: bytes) -> Encode:
    return lambda _: value


def _in_path(leaf: Leaf) -> Encode:
    def encode(values: MessageValues) -> bytes:
        found = leaf(values)
        if isinstance(found, int):
            return b"%d" % found
        text = quote("" if found is None else str(found), safe=":")
        # A segment of dots alone would climb.
        return (text.replace(".", "%2E") if text.strip(".") == "" else text).encode()

    return encode


def _compile_query(config: RequestConfig, secrets: SecretValues) -> Encode:
    literal = urlsplit(config.url).query if "?" in config.url else ""
    fields = _compile_fields(config.query, secrets)
    if not config.query:
        return _constant(f"?{quote(literal, safe=_SAFE)}".encode() if literal else b"")
    start = f"?{quote(literal, safe=_SAFE)}&".encode() if literal else b"?"
    return lambda values: start + fields(values)


def _compile_fields(tree: dict[str, Any], secrets: SecretValues) -> Encode:
    """Compiles a form or a query. A list repeats its key; what has no value is left out."""
    fields = [
        (quote_plus(key), compile_leaf(one, secrets))
        for key, value in tree.items()
        for one in (value if isinstance(value, list) else [value])
        if one is not None
    ]

    def encode(values: MessageValues) -> bytes:
        found = [(key, leaf(values)) for key, leaf in fields]
        return "&".join([f"{key}={quote_plus(_in_form(one))}" for key, one in found if one is not None]).encode()

    return encode


def _in_form(value: LeafValue) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _compile_headers(config: RequestConfig, secrets: SecretValues) -> Encode:
    lines: dict[str, Leaf] = {}
    if isinstance(config.auth, RequestAuth):
        lines["Authorization"] = _compile_auth(config.auth, secrets)
    if config.json_ is not None:
        lines["Content-Type"] = lambda _: "application/json"
    elif config.form is not None:
        lines["Content-Type"] = lambda _: "application/x-www-form-urlencoded; charset=utf-8"
    own = {name: compile_leaf(value, secrets) for name, value in config.headers.items() if value is not None}
    taken = {name.lower() for name in own}
    lines = {name: leaf for name, leaf in lines.items() if name.lower() not in taken}
    usual = {name: compile_leaf(value, secrets) for name, value in _USUAL_HEADERS.items() if name.lower() not in taken}
    return _join_headers(lines | own | usual, constant=not _mentions_message(config))


def _mentions_message(config: RequestConfig) -> bool:
    """Says whether a header differs from request to request, by the message or by a file that may change."""
    texts = [*map(str, config.headers.values())]
    if isinstance(config.auth, RequestAuth):
        texts += map(str, config.auth.model_dump(exclude_none=True).values())
    return any("{{" in text or "file:" in text for text in texts)


def _join_headers(lines: dict[str, Leaf], *, constant: bool) -> Encode:
    def encode(values: MessageValues) -> bytes:
        found = [(name, leaf(values)) for name, leaf in lines.items()]
        # No value can begin another line.
        text = "".join([f"{name}: {_LINE.sub(' ', _in_form(one))}\r\n" for name, one in found if one is not None])
        return text.encode("utf-8", "replace")

    if not constant:
        return encode
    nobody: Any = None
    return _constant(encode(nobody))


def _compile_auth(auth: RequestAuth, secrets: SecretValues) -> Leaf:
    if auth.bearer is not None:
        token = compile_text(auth.bearer, secrets)
        return lambda values: f"Bearer {token(values)}"
    return _compile_basic(auth.basic or BasicAuth(user="", password=""), secrets)


def _compile_basic(basic: BasicAuth, secrets: SecretValues) -> Leaf:
    user, password = compile_text(basic.user, secrets), compile_text(basic.password, secrets)

    def encode(values: MessageValues) -> str:
        pair = f"{user(values)}:{password(values)}".encode()
        secret = base64.b64encode(pair).decode()
        # It must not be seen any more than the password itself.
        secrets.known.add(secret)
        return f"Basic {secret}"

    return encode


def _compile_body(config: RequestConfig, secrets: SecretValues) -> Encode:
    if config.json_ is not None:
        tree = compile_tree(config.json_, secrets)
        encode = orjson.dumps
        return lambda values: encode(tree(values))
    if config.form is not None:
        return _compile_fields(config.form, secrets)
    return _constant(b"")
