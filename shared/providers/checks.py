"""What must be true of a providers file beyond its model: names, texts, addresses, and routes. Pure."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from shared.providers.faults import join_path, suggest
from shared.providers.placeholders import (
    ATTRIBUTE,
    PLACEHOLDERS,
    EnvironmentSecret,
    FileSecret,
    RequestPlaceholder,
    is_known,
    parse_text,
)
from shared.providers.rule_checks import check_rules
from shared.providers.schema import NAME, ProviderConfig, ProvidersFile, RequestAuth, RequestConfig

Path = tuple[int | str, ...]
_VARIANT_KEYS = frozenset({"query", "form", "json", "headers"})
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# What says where a request ends and which connection carries it.
_OF_THE_CONNECTION = frozenset({"connection", "content-length", "host", "te", "transfer-encoding", "upgrade"})
_TIME_FORMATS = frozenset({"iso", "unix", "unix_ms"})


def check_file(file: ProvidersFile, first_rules: Mapping[str, int]) -> list[str]:
    """Returns the faults of a file. `first_rules`: how many rules of each provider stand in its `reply_first`."""
    faults = []
    for name, provider in file.providers.items():
        path: Path = ("providers", name)
        if not NAME.fullmatch(name):
            faults.append(f"{join_path(path)}: a name has small letters, digits, - and _, at most 32, a letter first")
        found = [*_check_request(path, provider), *_check_receipts(path, provider)]
        found += [*_check_constants(path, provider), *_check_test_mode(path, provider)]
        faults += [f"{join_path(place)}: {fault}" for place, fault in found]
        if isinstance(provider.reply, list):
            own = f"{join_path(path)}."
            faults += [own + line for line in check_rules(provider.reply, first_rules.get(name, 0), provider.preset)]
    return faults + [f"{join_path(place)}: {fault}" for place, fault in _check_routes(file)]


def texts_of(provider: ProviderConfig) -> Iterator[tuple[Path, str]]:
    """Lists every text of a provider's request that may hold placeholders and secrets, with its path."""
    request = provider.request
    trees = {"url": request.url, "headers": request.headers, "query": request.query, "form": request.form}
    trees |= {"json": request.json_, "unicode": request.unicode}
    if isinstance(request.auth, RequestAuth):
        trees["auth"] = request.auth.model_dump(exclude_none=True)
    for key, tree in trees.items():
        yield from _texts(("request", key), tree)
    if provider.sender is not None:
        yield ("sender",), provider.sender
    if provider.receipts is not None and provider.receipts.token is not None:
        yield ("receipts", "token"), provider.receipts.token


def _texts(path: Path, tree: Any) -> Iterator[tuple[Path, str]]:
    if isinstance(tree, str):
        yield path, tree
    elif isinstance(tree, Mapping):
        for key, value in tree.items():
            yield from _texts((*path, key), value)
    elif isinstance(tree, list):
        for number, value in enumerate(tree):
            yield from _texts((*path, number), value)


def uses(provider: ProviderConfig, placeholder: str) -> bool:
    """Says whether a provider's request holds this placeholder."""
    return any(RequestPlaceholder(placeholder) in parse_text(text) for _, text in texts_of(provider))


def uses_attributes(provider: ProviderConfig) -> bool:
    """Says whether a provider's request holds attributes of the client."""
    parts = (part for _, text in texts_of(provider) for part in parse_text(text))
    return any(isinstance(part, RequestPlaceholder) and part.name.startswith(ATTRIBUTE) for part in parts)


def _check_request(path: Path, provider: ProviderConfig) -> Iterator[tuple[Path, str]]:
    request, here = provider.request, (*path, "request")
    for place, text in texts_of(provider):
        yield from (((*path, *place), fault) for fault in _check_text(text))
    yield from (((*here, "url"), fault) for fault in _check_url(provider))
    yield from ((here, fault) for fault in _check_body(request))
    for key in request.unicode or {}:
        if key not in _VARIANT_KEYS:
            yield (*here, "unicode", key), f"unknown key{suggest(key, _VARIANT_KEYS)}"
    yield from ((here, fault) for fault in (_check_body(request.for_unicode()) if request.unicode else ()))
    for variant, where in ((request, here), (request.for_unicode(), (*here, "unicode"))):
        for key, tree in (("query", variant.query), ("form", variant.form), ("headers", variant.headers)):
            found = _check_flat(tree or {}, lists=key != "headers")
            yield from (((*where, key, name), fault) for name, fault in found if variant is request or request.unicode)
    for where, headers in ((here, request.headers), ((*here, "unicode"), (request.unicode or {}).get("headers"))):
        yield from (((*where, "headers", name), fault) for name, fault in _check_headers(headers))
    if isinstance(request.auth, RequestAuth) and (request.auth.bearer is None) == (request.auth.basic is None):
        yield (*here, "auth"), "must be either bearer or basic"
    if uses(provider, "validity") and request.validity is None:
        yield (*here, "validity"), "is missing, though the request holds {{validity}}"
    if request.validity and request.validity.min and request.validity.min > request.validity.max:
        yield (*here, "validity", "min"), "is longer than max"


def _check_text(text: str) -> Iterator[str]:
    for part in parse_text(text):
        if isinstance(part, RequestPlaceholder) and not is_known(part.name):
            yield f"unknown placeholder {{{{{part.name}}}}}{suggest(part.name, PLACEHOLDERS)}"
        elif isinstance(part, EnvironmentSecret) and not part.name.isidentifier():
            yield f"${{{part.name}}} is no name of an environment variable"
        elif isinstance(part, str) and ("{{" in part or "}}" in part):
            yield "a placeholder is not closed"


def _check_body(request: RequestConfig) -> Iterator[str]:
    has_form, has_json = request.form is not None, request.json_ is not None
    if has_form and has_json:
        yield "has both form and json"
    if request.method == "GET" and (has_form or has_json):
        yield "a GET has no body: use query"


def _check_flat(tree: Mapping[str, Any], *, lists: bool) -> Iterator[tuple[str, str]]:
    for name, value in tree.items():
        values = value if isinstance(value, list) and lists else [value]
        if any(isinstance(one, list | Mapping) for one in values):
            yield name, "must be a text or a number, or a list of them" if lists else "must be a text or a number"


def _check_headers(headers: Any) -> Iterator[tuple[str, str]]:
    for name, value in headers.items() if isinstance(headers, Mapping) else ():
        if not _HEADER_NAME.fullmatch(name):
            yield name, "is no name of a header"
        elif name.lower() in _OF_THE_CONNECTION:
            yield name, "is set by the connection itself"
        elif isinstance(value, str) and _CONTROL.search(value):
            yield name, "must be one line"


def _check_url(provider: ProviderConfig) -> Iterator[str]:
    parts = parse_text(provider.request.url)
    # Secrets and placeholders stand for one letter, wherever the address is looked at.
    plain = "".join(part if isinstance(part, str) else "x" for part in parts)
    secret = any(isinstance(part, EnvironmentSecret | FileSecret) for part in parts)
    try:
        split = urlsplit(plain)
        host, _ = split.hostname or "", split.port
    except ValueError:
        yield "is no address"
        return
    if split.scheme not in {"http", "https"} or not host:
        yield "must begin with https:// and a host"
        return
    before_path = plain.index("/", plain.index("//") + 2) if "/" in plain[plain.index("//") + 2 :] else len(plain)
    if sum(len(part) if isinstance(part, str) else 1 for part in parts[:1]) < before_path and len(parts) > 1:
        yield "a placeholder or a secret may stand in the path only"
    if split.username or split.password:
        yield "must not hold a user or a password: use auth"
    if split.fragment:
        yield "must not hold a #"
    if secret and not provider.secret_in_url:
        yield "holds a secret, which gateways log: move it to a header, or set secret_in_url: true"
    if split.scheme == "http" and not provider.insecure and not is_loopback(host):
        yield "is http:// to another machine: use https://, or set insecure: true"
    if any(_holds_secret(value) for value in provider.request.query.values()) and not provider.secret_in_url:
        yield "the query holds a secret, which gateways log: move it to a header, or set secret_in_url: true"


def _holds_secret(value: Any) -> bool:
    texts = [text for _, text in _texts((), value)]
    return any(isinstance(part, EnvironmentSecret | FileSecret) for text in texts for part in parse_text(text))


def is_loopback(host: str) -> bool:
    """Says whether a host is this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _check_receipts(path: Path, provider: ProviderConfig) -> Iterator[tuple[Path, str]]:
    receipts = provider.receipts
    if receipts is None:
        return
    if receipts.message_id is None and receipts.provider_id is None:
        yield (*path, "receipts"), "needs message_id or provider_id, to know whose receipt it is"
    if not receipts.map:
        yield (*path, "receipts", "map"), "is empty"
    at = receipts.at
    if at is not None and not isinstance(at, str) and at.format not in _TIME_FORMATS and not _tells_time(at.format):
        yield (*path, "receipts", "at", "format"), "is none of iso, unix and unix_ms, and no format of strptime"


def _tells_time(pattern: str) -> bool:
    """Says whether a format reads what it writes, and that depends on the moment."""
    one, other = (
        datetime(year, month, 3, month, year % 60, month, tzinfo=UTC) for year, month in ((2001, 4), (2032, 9))
    )
    try:
        written = one.strftime(pattern)
        datetime.strptime(written, pattern)  # noqa: DTZ007 - the moment is thrown away
    except ValueError:
        return False
    return written != other.strftime(pattern)


def _check_constants(path: Path, provider: ProviderConfig) -> Iterator[tuple[Path, str]]:
    """Finds placeholders of a message in texts that are the same for all of them."""
    token = None if provider.receipts is None else provider.receipts.token
    for place, text in ((("sender",), provider.sender), (("receipts", "token"), token)):
        if any(isinstance(part, RequestPlaceholder) for part in parse_text(text or "")):
            yield (*path, *place), "is the same for all messages: it can hold no placeholder"


def _check_test_mode(path: Path, provider: ProviderConfig) -> Iterator[tuple[Path, str]]:
    """Finds paths that lead out of the request: what they are to show would never be shown."""
    known = {key if key != "json_" else "json" for key in RequestConfig.model_fields}
    for number, text in enumerate(provider.test_mode):
        first, _, rest = text.partition(".")
        key = rest.partition(".")[0]
        if first != "request" or not key:
            yield (*path, "test_mode", number), "is no path like request.form.test"
        elif key not in known:
            yield (*path, "test_mode", number), f"unknown key {key}{suggest(key, known)}"


def _check_routes(file: ProvidersFile) -> Iterator[tuple[Path, str]]:
    closed = False
    for number, route in enumerate(file.routes):
        path: Path = ("routes", number)
        if closed:
            yield path, "can never match: a route before it takes every message"
        closed = closed or route.when is None
        if route.when is not None and not route.when.operator_codes:
            yield (*path, "when", "operator_codes"), "is empty: the route can never match"
        names = [share.provider for share in route.pool]
        for place, name in enumerate(names):
            if name not in file.providers:
                known = suggest(name, file.providers)
                yield (*path, "pool", place, "provider"), f"unknown provider {name}{known}"
            elif name in names[:place]:
                yield (*path, "pool", place, "provider"), f"{name} stands in the pool twice"
        if not any(share.weight for share in route.pool):
            yield (*path, "pool"), "has only weights of 0"
    if file.routes and not closed:
        yield ("routes",), "no route takes the messages that none of them matches: end with one without when"
