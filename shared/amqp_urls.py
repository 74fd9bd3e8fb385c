"""The URLs in HERALD_RABBITMQ_URL, one for each node of RabbitMQ. No text made here shows a password."""

from yarl import URL

PORTS = {"amqp": 5672, "amqps": 5671}
COMMA = "a comma within a password is written as %2C"


def parse(urls: str) -> tuple[URL, ...]:
    """Parses URLs separated by commas. Raises ValueError, whose text names the wrong one by its number."""
    texts = [text.strip() for text in urls.split(",")]
    return tuple(_parse(text, number, len(texts)) for number, text in enumerate(texts, start=1))


def host_and_port(url: URL) -> str:
    """Returns host:port of a URL, which may be shown."""
    port = url.explicit_port or PORTS[url.scheme]
    return f"[{url.host}]:{port}" if ":" in (url.host or "") else f"{url.host}:{port}"


def skips_verification(url: URL) -> bool:
    """Returns whether a URL asks to accept any certificate."""
    return bool(url.query.get("no_verify_ssl", "0") != "0")


def check(urls: str) -> None:
    """Raises ValueError unless each is a usable URL."""
    parse(urls)


def _parse(text: str, number: int, count: int) -> URL:
    which = "it" if count == 1 else f"URL {number} of {count}"
    hint = "" if count == 1 else f"; {COMMA}"
    if not text:
        raise ValueError(f"{which} is empty{hint}")
    if not text.startswith(tuple(f"{scheme}://" for scheme in PORTS)):
        raise ValueError(f"{which} does not begin with amqp:// or amqps://{hint}")
    try:
        url = URL(text)
    except ValueError as error:
        # The text of yarl may quote a part of the password that it took for a port or a host.
        raise ValueError(f"{which} has no valid host and port; write special characters as %XX{hint}") from error
    if not url.host:
        raise ValueError(f"{which} has no host{hint}")
    return url
