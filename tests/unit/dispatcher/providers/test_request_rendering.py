"""Requests: every value in its place, and none that breaks out of it."""

from typing import Any
from urllib.parse import parse_qsl, unquote

import orjson
import pytest

from services.dispatcher.providers.mapping import ProviderMapping, Surroundings, TooLate, compile_provider
from services.dispatcher.providers.request_rendering import RenderedRequest
from services.dispatcher.providers.validity import read_validity
from shared.providers.faults import ProvidersFileError
from shared.providers.schema import ProviderConfig, ValidityConfig
from shared.providers.secrets import SecretValues
from tests.support.builders import PHONE, a_claim

NASTY = "a&b=c\r\nX-Evil: 1\r\n\r\n/../?#%41 «ё»"
ACCEPTED = [{"verdict": "accepted"}]


def a_mapping(request: dict[str, Any], environment: dict[str, str] | None = None, **over: Any) -> ProviderMapping:
    config = ProviderConfig.model_validate(
        {"request": {"url": "https://sms.example/send"} | request, "reply": ACCEPTED} | over
    )
    return compile_provider("ours", config, SecretValues(environment or {}), Surroundings("house", "https://h.example"))


def render(mapping: ProviderMapping, seconds_left: float = 3600.0, **claim: Any) -> RenderedRequest:
    return mapping.render(mapping.values_of(a_claim(**claim), seconds_left))


def test_the_probe_gets_the_request_of_always() -> None:
    mapping = a_mapping(
        {
            "url": "http://localhost:8090/v1/send/{{message_id}}",
            "auth": {"bearer": "T"},
            "headers": {"User-Agent": "herald"},
            "json": {"id": "{{message_id}}", "phone": "{{phone_number}}", "text": "{{text}}"},
        }
    )
    assert render(mapping, message_id=42) == (
        b"POST",
        b"/v1/send/42",
        b"Authorization: Bearer T\r\nContent-Type: application/json\r\nUser-Agent: herald\r\nAccept: */*\r\n"
        b"Accept-Encoding: identity\r\n",
        b'{"id":42,"phone":79991234567,"text":"Your order is ready"}',
    )


def test_a_form_holds_what_it_is_given_and_no_more() -> None:
    mapping = a_mapping(
        {"form": {"to": "{{phone}}", "mes": "{{text}}", "list": ["a", "{{message_id}}"], "no": "{{tag}}"}}
    )
    found = render(mapping, text=NASTY)
    assert parse_qsl(found.body.decode(), strict_parsing=True) == [
        ("to", PHONE),
        ("mes", NASTY),
        ("list", "a"),
        ("list", "1"),
    ]
    assert b"application/x-www-form-urlencoded" in found.headers


def test_json_keeps_types_and_leaves_out_what_has_no_value() -> None:
    tree = {"n": "{{message_id}}", "s": "id {{message_id}}", "b": True, "x": {"tag": "{{tag}}", "l": ["{{phone}}"]}}
    assert orjson.loads(render(a_mapping({"json": tree})).body) == {
        "n": 1,
        "s": "id 1",
        "b": True,
        "x": {"l": [PHONE]},
    }


def test_a_path_and_a_query_are_encoded() -> None:
    mapping = a_mapping({"url": "https://s.example/a/{{text}}/b?fixed=1", "query": {"t": "{{text}}"}, "method": "GET"})
    found = render(mapping, text=NASTY)
    path, _, query = found.path.decode().partition("?")
    assert [unquote(part) for part in path.split("/")] == ["", "a", NASTY, "b"]
    assert parse_qsl(query) == [("fixed", "1"), ("t", NASTY)]
    assert (found.method, found.body) == (b"GET", b"")
    assert render(mapping, text="..").path.startswith(b"/a/%2E%2E/b?")


def test_a_header_stays_one_line() -> None:
    found = render(a_mapping({"headers": {"X-Text": "{{text}}"}}), text=NASTY)
    assert b"\r\nX-Evil" not in found.headers
    assert found.headers.count(b"\r\n") == 4


def test_secrets_come_from_the_environment_and_join_what_is_scrubbed() -> None:
    mapping = a_mapping({"auth": {"basic": {"user": "me", "password": "${PASS}"}}}, {"PASS": "open sesame"})
    assert b"Authorization: Basic bWU6b3BlbiBzZXNhbWU=\r\n" in render(mapping).headers
    assert mapping.secrets.known == {"open sesame", "bWU6b3BlbiBzZXNhbWU="}


def test_a_secret_that_is_missing_is_named_with_its_path() -> None:
    with pytest.raises(ProvidersFileError) as caught:
        a_mapping({"auth": {"bearer": "${TOKEN}"}, "form": {"a": "${OTHER}"}})
    assert caught.value.lines == (
        "providers.ours.request.form.a: the environment has no OTHER",
        "providers.ours.request.auth.bearer: the environment has no TOKEN",
    )


@pytest.mark.parametrize(("text", "coding"), [("plain {€}", "0"), ("не латиница", "8")])
def test_a_text_outside_of_the_gsm_alphabet_takes_the_other_form(text: str, coding: str) -> None:
    unicode = {"form": {"coding": "8", "mes": None, "hex": "{{text_ucs2_hex}}"}}
    mapping = a_mapping({"form": {"coding": "0", "mes": "{{text}}"}, "unicode": unicode})
    fields = dict(parse_qsl(render(mapping, text=text).body.decode()))
    assert fields["coding"] == coding
    assert (bytes.fromhex(fields["hex"]).decode("utf-16-be") if coding == "8" else fields["mes"]) == text


def test_the_key_of_a_message_is_of_this_installation() -> None:
    assert b"key=house-1" in render(a_mapping({"form": {"key": "{{message_key}}"}})).body


def test_the_address_for_receipts_carries_the_message() -> None:
    receipts = {"token": "t0ken", "message_id": "m", "status": "s", "map": {"1": "delivered"}}
    mapping = a_mapping({"json": {"cb": "{{receipt_url}}"}}, receipts=receipts)
    assert orjson.loads(render(mapping).body) == {"cb": "https://h.example/receipts/ours/t0ken?m=1"}


@pytest.mark.parametrize(
    ("config", "left", "validity"),
    [
        ({"unit": "hours", "format": "HH:MM", "min": "1m", "max": "24h"}, 3725, "01:02"),
        ({"unit": "hours", "format": "HH:MM", "max": "24h"}, 200_000, "24:00"),
        ({"unit": "hours", "format": "HH:MM", "max": "24h"}, 59, None),
        ({"unit": "minutes", "max": "24h"}, 119, 1),
        ({"unit": "milliseconds", "min": "20s", "max": "7d"}, 20.5, 20_500),
        ({"unit": "milliseconds", "min": "20s", "max": "7d"}, 19.9, None),
        ({"unit": "seconds", "max": "10h"}, 36_001, 36_000),
    ],
)
def test_validity_is_what_is_left_rounded_down(config: dict[str, Any], left: float, validity: object) -> None:
    assert read_validity(ValidityConfig.model_validate(config), left) == validity


def test_a_message_with_less_time_than_the_least_validity_is_not_rendered() -> None:
    mapping = a_mapping({"form": {"v": "{{validity}}"}, "validity": {"unit": "minutes", "min": "5m", "max": "1h"}})
    assert render(mapping, 301).body == b"v=5"
    with pytest.raises(TooLate):
        render(mapping, 299)


def test_an_attribute_of_the_client_keeps_its_type_and_is_left_out_where_there_is_none() -> None:
    mapping = a_mapping({"json": {"chat": "{{attribute.telegram_id}}", "text": "for {{attribute.name}}"}})
    given = render(mapping, client_attributes='{"telegram_id": 4711, "name": "Anna"}')
    assert orjson.loads(given.body) == {"chat": 4711, "text": "for Anna"}
    assert orjson.loads(render(mapping).body) == {"text": "for "}
