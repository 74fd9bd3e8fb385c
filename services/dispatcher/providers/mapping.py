"""One provider, compiled: what it is asked, and what its replies mean."""

import hashlib
from dataclasses import dataclass, field

import orjson

from services.dispatcher.claims.claim import Claim
from services.dispatcher.provider_api.origin import ProviderOrigin
from services.dispatcher.provider_api.replies import Classification, Reply, classify
from services.dispatcher.providers.leaves import compile_text
from services.dispatcher.providers.message_values import MessageValues
from services.dispatcher.providers.reply_rules import Classify, compile_rules
from services.dispatcher.providers.request_rendering import Render, RenderedRequest, compile_request, origin_of
from services.dispatcher.providers.validity import read_validity
from shared.providers.checks import texts_of, uses
from shared.providers.faults import ProvidersFileError, join_path
from shared.providers.placeholders import EnvironmentSecret, FileSecret, parse_text
from shared.providers.schema import ProviderConfig, ProvidersFile
from shared.providers.secrets import MissingSecret, SecretValues


class TooLate(Exception):
    """Less time is left than the provider takes as the validity of a message: nothing was sent."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a request says of the installation it comes from.

    `installation` tells the messages of this database from those of any other. `public_url` is where receipts reach
    the API, without a slash at its end.
    """

    installation: str = ""
    public_url: str | None = None


@dataclass(frozen=True, slots=True)
class ProviderMapping:
    """A provider: `render` and `classify` are its closures, `secrets` all that must not be seen.

    `fingerprint` names the request and the rules: two mappings with the same one do the same. `escalates`: verdicts
    that come again and again for one message get a harder one, as docs/providers.md says; not so for the preset probe.
    """

    name: str
    config: ProviderConfig
    origin: ProviderOrigin
    secrets: SecretValues = field(repr=False)
    fingerprint: str
    receipts: str | None = field(repr=False)
    sender: str | None
    installation: str
    _render: Render = field(repr=False)
    _classify: Classify = field(repr=False)

    @property
    def deduplicates(self) -> bool:
        return self.config.deduplicates

    @property
    def escalates(self) -> bool:
        return self.config.reply != "probe"

    @property
    def timeout(self) -> float:
        """The seconds of one request in all."""
        return self.config.timeout.total_seconds()

    def values_of(self, claim: Claim, seconds_left: float) -> MessageValues:
        """Returns what a message puts into the request. Raises TooLate."""
        validity: int | str | None = None
        if self.config.request.validity is not None:
            validity = read_validity(self.config.request.validity, seconds_left)
            if validity is None:
                raise TooLate
        return MessageValues(claim, seconds_left, validity, self.sender, self.installation, self.receipts)

    def render(self, values: MessageValues) -> RenderedRequest:
        """Returns the request of a message. Raises MissingSecret when a file of a secret is gone."""
        return self._render(values)

    def classify(self, reply: Reply, values: MessageValues | None) -> Classification:
        """Returns the meaning of a reply."""
        return self._classify(reply, values)

    def test_mode(self) -> bool:
        """Says whether the file keeps the provider from sending anything for real."""
        return any(_is_set(self.config, path) for path in self.config.test_mode)


def compile_provider(
    name: str, config: ProviderConfig, secrets: SecretValues, surroundings: Surroundings
) -> ProviderMapping:
    """Compiles a provider. Raises ProvidersFileError with one line for each secret that has no value."""
    faults = missing_secrets(name, config, secrets)
    if faults:
        raise ProvidersFileError(faults)
    rules: Classify = (lambda reply, _: classify(reply)) if config.reply == "probe" else compile_rules(config.reply)
    what = config.model_dump_json(include={"request", "reply", "sender"})
    return ProviderMapping(
        name,
        config,
        origin_of(config.request),
        secrets,
        fingerprint=hashlib.sha256(what.encode()).hexdigest()[:16],
        receipts=_receipts(name, config, secrets, surroundings),
        sender=_constant(config.sender, secrets),
        installation=surroundings.installation,
        _render=compile_request(config.request, secrets),
        _classify=rules,
    )


def compile_file(file: ProvidersFile, secrets: SecretValues, surroundings: Surroundings) -> dict[str, ProviderMapping]:
    """Compiles all providers. Raises ProvidersFileError with one line for each fault of any of them."""
    found: dict[str, ProviderMapping] = {}
    faults: list[str] = []
    for name, config in file.providers.items():
        try:
            found[name] = compile_provider(name, config, secrets, surroundings)
        except ProvidersFileError as error:
            faults += error.lines
    if faults:
        raise ProvidersFileError(faults)
    return found


def missing_secrets(name: str, config: ProviderConfig, secrets: SecretValues) -> list[str]:
    """Returns one line for each secret of a provider without a value."""
    faults = []
    for path, text in texts_of(config):
        for part in parse_text(text):
            if isinstance(part, EnvironmentSecret | FileSecret):
                try:
                    secrets.read(part)
                except MissingSecret as error:
                    faults.append(f"{join_path(('providers', name, *path))}: {error}")
    return faults


def _constant(text: str | None, secrets: SecretValues) -> str | None:
    return None if text is None else compile_text(text, secrets)(MessageValues(_NO_CLAIM, 0))


# No text outside of a request may look at the message.
_NO_CLAIM = Claim(0, "over", 0, 0, 0, 0, "", "", 0, None, None, 0)  # type: ignore[arg-type]


def _receipts(name: str, config: ProviderConfig, secrets: SecretValues, surroundings: Surroundings) -> str | None:
    token = None if config.receipts is None else _constant(config.receipts.token, secrets)
    if token is None or surroundings.public_url is None or not uses(config, "receipt_url"):
        return None
    return f"{surroundings.public_url}/receipts/{name}/{token}"


def _is_set(config: ProviderConfig, path: str) -> bool:
    tree = orjson.loads(config.model_dump_json(by_alias=True))
    for step in path.split("."):
        tree = tree.get(step) if isinstance(tree, dict) else None
    return tree not in (None, "", 0, "0", False, "false")
