"""What `herald providers try` shows holds no secret, however the request encodes it."""

import pytest

from cli.providers.trial import hide, prepare, show_request
from services.dispatcher.providers.mapping import ProviderMapping, Surroundings, compile_provider
from shared.providers.reading import parse_providers_file
from shared.providers.secrets import SecretValues
from tests.support.builders import PHONE

FILE = """
version: 1
providers:
  ours:
    request:
      url: "https://a.example/bot${{SECRET}}/send"
      headers: {{X-Key: "${{SECRET}}"}}
      auth: {{basic: {{user: "me", password: "${{SECRET}}"}}}}
      query: {{key: "${{SECRET}}"}}
      {body}: {{to: "{{{{phone}}}}", text: "{{{{text}}}}", key: "${{SECRET}}"}}
    reply: [{{when: {{status: 200}}, verdict: accepted}}]
    secret_in_url: true
"""
SECRETS = ["plain-one", "p@ss: word/42", 'quo"ted\\secret', "пароль:1"]


def mapping(secret: str, body: str) -> ProviderMapping:
    config = parse_providers_file(FILE.format(body=body)).providers["ours"]
    return compile_provider("ours", config, SecretValues({"SECRET": secret}), Surroundings())


@pytest.mark.parametrize("body", ["form", "json"])
@pytest.mark.parametrize("secret", SECRETS)
def test_no_secret_is_shown(secret: str, body: str) -> None:
    ours = mapping(secret, body)
    _, request = prepare(ours, PHONE, "Hello", {})
    shown = show_request(ours, request)
    # In the path, the query, a header, the user's password and the body.
    assert shown.count("***") == 5
    assert PHONE in shown
    for part in ("one", "word", "ted", "парол", "%D0%BF"):
        assert part not in shown


def test_a_secret_in_a_reply_is_hidden() -> None:
    assert hide("wrong key plain-one", mapping("plain-one", "form")) == "wrong key ***"
