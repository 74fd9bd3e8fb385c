"""Reading a providers file: presets under it, and one line with the path for each fault."""

from pathlib import Path

import pytest

from shared.providers.faults import ProvidersFileError
from shared.providers.placeholders import EnvironmentSecret, FileSecret
from shared.providers.presets import preset_names
from shared.providers.reading import parse_providers_file, read_providers_file
from shared.providers.secrets import MissingSecret, SecretValues

OURS = """
version: 1
providers:
  ours:
    request:
      url: https://sms.example/send
      form: {to: "{{phone}}", text: "{{text}}"}
    reply:
      - {when: {status: 200}, verdict: accepted}
"""


def faults_of(text: str) -> list[str]:
    with pytest.raises(ProvidersFileError) as caught:
        parse_providers_file(text)
    return list(caught.value.lines)


def with_request(line: str) -> str:
    return OURS.replace("      url: https://sms.example/send\n", f"{line}\n")


def with_rule(*rules: str) -> str:
    kept = "\n".join(f"      - {rule}" for rule in rules)
    return OURS.replace("      - {when: {status: 200}, verdict: accepted}", kept)


def test_a_small_file_is_enough() -> None:
    provider = parse_providers_file(OURS).providers["ours"]
    assert (provider.timeout.total_seconds(), provider.deduplicates, provider.rate) == (10, False, None)


def test_an_unknown_preset_is_one_fault_and_not_also_all_that_it_would_have() -> None:
    text = "version: 1\nproviders: {ours: {preset: smcs}, other: {timeout: 1s, request: {}}}"
    assert faults_of(text) == [
        "providers.ours.preset: unknown preset smcs, did you mean smsc?",
        "providers.other.request.url: is missing",
        "providers.other.reply: is missing",
    ]


def test_a_preset_lies_under_what_the_file_says() -> None:
    text = """
version: 1
providers:
  ours:
    preset: probe
    timeout: 3s
    rate: 600/m
    request:
      headers: {User-Agent: null, X-Source: shop}
      json: {text: null, body: "{{text}}"}
"""
    provider = parse_providers_file(text).providers["ours"]
    assert provider.request.headers == {"X-Source": "shop"}
    assert list(provider.request.json_) == ["id", "phone", "body"]
    assert (provider.timeout.total_seconds(), provider.rate, provider.deduplicates) == (3, 10, True)


def test_rules_of_reply_first_come_before_those_of_the_preset() -> None:
    text = """
version: 1
providers:
  ours:
    preset: smsc
    reply_first: [{when: {json: {error_code: 8}}, verdict: hold}]
"""
    reply = parse_providers_file(text).providers["ours"].reply
    assert isinstance(reply, list)
    assert reply[0].verdict == "hold"
    assert len(reply) > 2


@pytest.mark.parametrize("name", sorted(preset_names() - {"probe"}))
def test_every_preset_reads_without_a_word_of_ones_own(name: str) -> None:
    provider = parse_providers_file(f"version: 1\nproviders: {{ours: {{preset: {name}}}}}").providers["ours"]
    assert not provider.deduplicates
    assert isinstance(provider.reply, list)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("version: 1\nproviders: [", "the file: line 2: expected the node content, but found '<stream end>'"),
        ("version: 2\nproviders: {a: {preset: probe}}", "version: input should be 1"),
        ("version: 1", "providers: is missing"),
        ("- a", "the file: must be a map with version and providers"),
        (OURS + "  ours: {preset: probe}\n", "the file: line 10: the key ours stands twice"),
        (
            OURS.replace('"{{phone}}"', "{{phone}}"),
            'the file: line 7: a key must be a text, and a placeholder stands in quotes: "{{name}}"',
        ),
        (OURS + "    tiemout: 10s\n", "providers.ours.tiemout: unknown key, did you mean timeout?"),
        (OURS + "    timeout: 10\n", "providers.ours.timeout: is not a duration like 500ms, 10s, 5m, 24h or 3d"),
        (OURS + "    timeout: 26s\n", "providers.ours.timeout: is longer than 25s"),
        (OURS + "    rate: 50\n", "providers.ours.rate: is not a rate like 50/s or 600/m"),
        (OURS + "    preset: smcs\n", "providers.ours.preset: unknown preset smcs, did you mean smsc?"),
        (
            OURS.replace("{{phone}}", "{{phon}}"),
            "providers.ours.request.form.to: unknown placeholder {{phon}}, did you mean phone?",
        ),
        (OURS.replace("{{phone}}", "{{phone"), "providers.ours.request.form.to: a placeholder is not closed"),
        (
            with_request("      url: http://sms.example/send"),
            "providers.ours.request.url: is http:// to another machine: use https://, or set insecure: true",
        ),
        (
            with_request('      url: "https://sms.example/${KEY}/send"'),
            "providers.ours.request.url: holds a secret, which gateways log: move it to a header, "
            "or set secret_in_url: true",
        ),
        (
            with_request('      url: "https://{{tag}}.example/send"'),
            "providers.ours.request.url: a placeholder or a secret may stand in the path only",
        ),
        (
            with_request("      url: https://sms.example/send\n      json: {}"),
            "providers.ours.request: has both form and json",
        ),
        (
            with_request("      url: https://sms.example/send\n      method: GET"),
            "providers.ours.request: a GET has no body: use query",
        ),
        (
            with_request("      url: https://sms.example/send\n      auth: {beerer: x}"),
            "providers.ours.request.auth.beerer: unknown key, did you mean bearer?",
        ),
        (
            OURS.replace("{{text}}", "{{validity}}"),
            "providers.ours.request.validity: is missing, though the request holds {{validity}}",
        ),
        (with_rule("{verdict: hold}"), "providers.ours.reply: no rule says that a message was accepted"),
        (
            with_rule("{verdict: accepted}", "{when: {status: 500}, verdict: hold}"),
            "providers.ours.reply[1]: can never match: a rule before it matches all that this one does",
        ),
        (
            with_rule(
                "{when: {status: 200-299}, verdict: accepted}", "{when: {status: 201, json: {a: 1}}, verdict: hold}"
            ),
            "providers.ours.reply[1]: can never match: a rule before it matches all that this one does",
        ),
        (
            with_rule("{when: {status: 299-200}, verdict: accepted}"),
            "providers.ours.reply[0].when.status: 299-200 holds no status",
        ),
        (
            with_rule("{when: {stauts: 200}, verdict: accepted}"),
            "providers.ours.reply[0].when.stauts: unknown key, did you mean status?",
        ),
        (
            OURS + "routes: [{pool: [{provider: our}]}]\n",
            "routes[0].pool[0].provider: unknown provider our, did you mean ours?",
        ),
        (OURS + "routes: [{pool: [{provider: ours, weight: 0}]}]\n", "routes[0].pool: has only weights of 0"),
        (
            OURS + "routes: [{pool: [{provider: ours}]}, {pool: [{provider: ours}]}]\n",
            "routes[1]: can never match: a route before it takes every message",
        ),
    ],
)
def test_a_fault_is_one_line_with_its_path(text: str, fault: str) -> None:
    assert faults_of(text) == [fault]


def test_every_fault_has_its_line() -> None:
    text = OURS.replace("{{phone}}", "{{phon}}").replace("{{text}}", "{{txt}}")
    assert len(faults_of(text)) == 2


def test_a_value_is_never_quoted() -> None:
    text = OURS + '    price: {per_segment: "s3cret-value", currency: RUB}\n    timeout: s3cret-value\n'
    assert "s3cret" not in "\n".join(faults_of(text))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProvidersFileError, match=r"absent.yaml: No such file or directory"):
        read_providers_file(tmp_path / "absent.yaml")


def test_a_secret_file_is_read_again_when_it_changes(tmp_path: Path) -> None:
    file, moment = tmp_path / "token", 0.0
    file.write_text("first\n")
    secrets = SecretValues({}, clock=lambda: moment)
    secret = FileSecret(str(file))
    assert secrets.read(secret) == "first"
    file.write_text("second\n")
    moment = 2.0
    assert secrets.read(secret) == "second"
    file.unlink()
    moment = 4.0
    # A sidecar may be just replacing it.
    assert secrets.read(secret) == "second"
    assert secrets.known == {"first", "second"}


def test_a_secret_without_a_value_is_named() -> None:
    with pytest.raises(MissingSecret, match="the environment has no SMSC_TOKEN"):
        SecretValues({}).read(EnvironmentSecret("SMSC_TOKEN"))


def test_all_faults_are_said_at_once_those_of_the_model_and_those_beyond_it() -> None:
    text = OURS.replace("{{text}}", "{{txet}}").replace("    reply:", "    timeuot: 5s\n    reply:")
    text = text.replace("accepted}", "accepted, raeson: x}")
    text += "rotues: []\nroutes: [{pool: [{provider: uors}]}]\n"
    assert sorted(faults_of(text)) == [
        "providers.ours.reply[0].raeson: unknown key, did you mean reason?",
        "providers.ours.request.form.text: unknown placeholder {{txet}}, did you mean text?",
        "providers.ours.timeuot: unknown key, did you mean timeout?",
        "rotues: unknown key, did you mean routes?",
        "routes[0].pool[0].provider: unknown provider uors, did you mean ours?",
    ]


def test_a_provider_that_cannot_be_read_hides_no_fault_of_another() -> None:
    text = OURS.replace("{{text}}", "{{txet}}") + "  b: {request: 5, reply: []}\nroutes: [{pool: [{provider: b}]}]\n"
    assert faults_of(text) == [
        "providers.b.request: must be a map",
        "providers.ours.request.form.text: unknown placeholder {{txet}}, did you mean text?",
    ]


@pytest.mark.parametrize(
    ("header", "fault"),
    [
        ('{"X Y": a}', "X Y: is no name of a header"),
        ("{Content-Length: 5}", "Content-Length: is set by the connection itself"),
        ("{host: b.example}", "host: is set by the connection itself"),
        ('{X: "a\\r\\nY: b"}', "X: must be one line"),
    ],
)
def test_headers_that_would_break_the_request_are_refused(header: str, fault: str) -> None:
    line = f"      url: https://sms.example/send\n      headers: {header}"
    assert faults_of(with_request(line)) == [f"providers.ours.request.headers.{fault}"]
    variant = f"      url: https://sms.example/send\n      unicode: {{headers: {header}}}"
    assert f"providers.ours.request.unicode.headers.{fault}" in faults_of(with_request(variant))


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("concurrency: true", "concurrency: must be a whole number"),
        ('sender: "{{tag}}"', "sender: is the same for all messages: it can hold no placeholder"),
        ("test_mode: [form.test]", "test_mode[0]: is no path like request.form.test"),
        ("test_mode: [request.from.test]", "test_mode[0]: unknown key from, did you mean form?"),
        (
            'receipts: {message_id: m, status: s, map: {"1": delivered}, at: {path: t, format: "%Q"}}',
            "receipts.at.format: is none of iso, unix and unix_ms, and no format of strptime",
        ),
        (
            'receipts: {message_id: m, status: s, map: {"1": delivered}, at: {path: t, format: ISO}}',
            "receipts.at.format: is none of iso, unix and unix_ms, and no format of strptime",
        ),
    ],
)
def test_values_that_would_do_nothing_are_refused(line: str, fault: str) -> None:
    assert faults_of(OURS.replace("    reply:", f"    {line}\n    reply:")) == [f"providers.ours.{fault}"]


def test_a_time_as_a_provider_writes_it_is_taken() -> None:
    line = 'receipts: {message_id: m, status: s, map: {"1": delivered}, at: {path: t, format: "%d.%m.%Y %H:%M:%S"}}'
    assert parse_providers_file(OURS.replace("    reply:", f"    {line}\n    reply:")).providers["ours"].receipts


def test_a_status_that_no_reply_has_is_refused() -> None:
    text = with_rule("{when: {status: 200}, verdict: accepted}", '{when: {status: "600-700"}, verdict: hold}')
    assert faults_of(text) == [
        "providers.ours.reply[1].when.status: 600-700 is no status like 200, and no range like 500-599"
    ]


def test_what_only_follows_from_another_fault_is_not_said() -> None:
    rules = ("{when: {status: 200, jsn: {id: 1}}, verdict: accepted}", "{when: {status: 200}, verdict: hold}")
    assert faults_of(with_rule(*rules)) == ["providers.ours.reply[0].when.jsn: unknown key, did you mean json?"]
