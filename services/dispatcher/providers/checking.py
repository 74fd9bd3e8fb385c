"""Checks a providers file as a whole: compiles it, renders every request dry, and says what is suspect."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from services.dispatcher.claims.claim import Claim
from services.dispatcher.providers.mapping import ProviderMapping, Surroundings, compile_file
from services.dispatcher.providers.request_rendering import RenderedRequest
from shared.providers.checks import uses, uses_attributes
from shared.providers.reading import read_providers_file
from shared.providers.schema import ProviderConfig, ProvidersFile
from shared.providers.secrets import SecretValues

SAMPLE_SECONDS = 3600.0
_SAMPLE_TEXTS = ("Your order is ready", "Ваш заказ готов")


@dataclass(frozen=True, slots=True)
class CheckedFile:
    """A file that can be used, its providers, and one line for each warning."""

    file: ProvidersFile
    mappings: Mapping[str, ProviderMapping]
    warnings: list[str]


def check_providers(path: Path, environment: Mapping[str, str], surroundings: Surroundings) -> CheckedFile:
    """Reads, compiles and renders a file. Raises ProvidersFileError with one line for each fault."""
    file = read_providers_file(path)
    mappings = compile_file(file, SecretValues(environment), surroundings)
    for mapping in mappings.values():
        for text in _SAMPLE_TEXTS:
            render_sample(mapping, "79991234567", text)
    warnings = [f"providers.{name}: {line}" for name, config in file.providers.items() for line in _suspicions(config)]
    return CheckedFile(file, mappings, [*warnings, *_unused(file)])


def render_sample(mapping: ProviderMapping, phone: str, text: str, message_id: int = 1) -> RenderedRequest:
    """Renders the request of a message that is in no table, an hour before its end."""
    return mapping.render(mapping.values_of(sample_claim(phone, text, message_id), SAMPLE_SECONDS))


def sample_claim(phone: str, text: str, message_id: int, attributes: str | None = None) -> Claim:
    """Makes the claim of a message that is in no table. `attributes` of the client are a JSON object."""
    return Claim(
        message_id=message_id,
        verdict="send",
        number=1,
        mailing_id=1,
        client_id=1,
        failures=0,
        text=text,
        phone=phone,
        seconds_left=SAMPLE_SECONDS,
        claimed_at=datetime.now(UTC),
        request_id=None,
        waited=0.0,
        operator_code=phone[1:4],
        tag="",
        client_attributes=attributes,
    )


def _suspicions(config: ProviderConfig) -> Iterator[str]:
    request = config.request
    if not any(uses(config, name) for name in ("phone", "phone_plus", "phone_number")) and not uses_attributes(config):
        yield "the request holds no phone, nor an attribute in its place"
    if not uses(config, "text") and not uses(config, "text_ucs2_hex"):
        yield "the request holds no text"
    if config.reply != "probe":
        if request.validity is None:
            yield "no validity: the deadline does not reach the handset, and a message may arrive after it"
        elif not uses(config, "validity"):
            yield "validity is computed, but the request does not hold {{validity}}"
        if all(rule.verdict in {"accepted", "duplicate"} for rule in config.reply):
            yield "no rule for a failure: only the HTTP status tells one"
        if config.deduplicates and not any(uses(config, name) for name in ("message_key", "message_id")):
            yield "deduplicates, but the request holds no message_key"
    if uses(config, "sender") and config.sender is None:
        yield "the request holds {{sender}}, and there is no sender"
    if config.receipts is not None and config.receipts.token is None:
        yield "receipts without a token: they are not taken"


def _unused(file: ProvidersFile) -> Iterator[str]:
    used = {share.provider for route in file.routes for share in route.pool if share.weight}
    for name in file.providers if file.routes else ():
        if name not in used:
            yield f"providers.{name}: no route leads to it"
