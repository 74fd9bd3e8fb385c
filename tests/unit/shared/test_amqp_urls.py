"""Lists of AMQP URLs are parsed without showing a password."""

import pytest

from shared import amqp_urls, settings
from shared.settings import BrokerSettings, SettingsError


def test_several_urls_are_separated_by_commas() -> None:
    urls = amqp_urls.parse("amqp://u:p@a/herald, amqps://u:p@b:5672/herald,amqp://u:p@[::1]/")
    assert [amqp_urls.host_and_port(url) for url in urls] == ["a:5672", "b:5672", "[::1]:5672"]
    assert amqp_urls.host_and_port(*amqp_urls.parse("amqps://a")) == "a:5671"


def test_a_comma_in_a_password_is_percent_encoded() -> None:
    (url,) = amqp_urls.parse("amqp://herald:a%2Cb@rabbit/herald")
    assert url.password == "a,b"


@pytest.mark.parametrize(
    ("urls", "words"),
    [
        ("", "it is empty"),
        ("rabbit", "it does not begin with amqp:// or amqps://"),
        ("http://rabbit", "it does not begin with"),
        ("amqp://", "it has no host"),
        ("amqp://u:hush@rabbit:port/", "it has no valid host and port"),
        ("amqp://u:hush@rabbit:70000/", "it has no valid host and port"),
        ("amqp://u:hu/sh@rabbit/", "it has no valid host and port"),
        ("amqp://u:hush@a,amqp://u:hush@b:port,amqp://u:hush@c", "URL 2 of 3 has no valid host and port"),
        ("amqp://u:hush@a,,amqp://u:hush@c", "URL 2 of 3 is empty"),
        ("amqp://u:hush@a,", "URL 2 of 2 is empty"),
        # A comma that belongs to the password cuts it in two.
        ("amqp://u:hu,sh@a", "URL 1 of 2 has no valid host and port"),
        ("amqp://u:12,hush@a", "URL 2 of 2 does not begin with amqp:// or amqps://; a comma within a password is"),
    ],
)
def test_a_wrong_url_is_named_by_its_number_and_shows_no_password(
    monkeypatch: pytest.MonkeyPatch, urls: str, words: str
) -> None:
    monkeypatch.setenv("HERALD_RABBITMQ_URL", urls)
    with pytest.raises(SettingsError) as refusal:
        settings.load(BrokerSettings)
    message = str(refusal.value)
    assert message.startswith("HERALD_RABBITMQ_URL: ")
    assert words in message
    assert "\n" not in message
    assert "hu" not in message.replace("HERALD", "")
