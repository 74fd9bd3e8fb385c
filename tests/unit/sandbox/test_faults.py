"""Faults are validated, and give each request its mode and delay."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.sandbox.faults import MAGIC_PHONES, Faults, decide, delay, refuses
from services.sandbox.modes import MODES, Manner, Mode

PLAIN_PHONE = 79991234567
HALF = {Mode.OK: 1.0, Mode.RESET: 1.0}
JUST_BELOW_ONE = 1 - 2**-53

DECISIONS = [
    # faults, draw, mode
    (Faults(), 0.0, Mode.OK),
    (Faults(), JUST_BELOW_ONE, Mode.OK),
    (Faults(error_rate=0.2), 0.19, Mode.ERROR500),
    (Faults(error_rate=0.2), 0.2, Mode.OK),
    (Faults(error_rate=1.0), JUST_BELOW_ONE, Mode.ERROR500),
    (Faults(modes=HALF), 0.49, Mode.OK),
    (Faults(modes=HALF), 0.5, Mode.RESET),
    # The error rate comes first; the weights share out what it leaves.
    (Faults(error_rate=0.5, modes=HALF), 0.49, Mode.ERROR500),
    (Faults(error_rate=0.5, modes=HALF), 0.74, Mode.OK),
    (Faults(error_rate=0.5, modes=HALF), 0.76, Mode.RESET),
    # Weights need not add up to one, and a weight of zero is never picked.
    (Faults(modes={Mode.OK: 30, Mode.HANG: 10}), 0.74, Mode.OK),
    (Faults(modes={Mode.OK: 30, Mode.HANG: 10}), 0.76, Mode.HANG),
    (Faults(modes={Mode.OK: 0, Mode.HTML: 1, Mode.HANG: 0}), 0.0, Mode.HTML),
    (Faults(modes={Mode.OK: 0, Mode.HTML: 1, Mode.HANG: 0}), JUST_BELOW_ONE, Mode.HTML),
]


@pytest.mark.parametrize(("faults", "draw", "mode"), DECISIONS)
def test_a_draw_picks_the_mode(faults: Faults, draw: float, mode: Mode) -> None:
    assert decide(faults, PLAIN_PHONE, draw) is mode


@pytest.mark.parametrize(
    ("digits", "mode"),
    [
        ("0200", Mode.GARBAGE),
        ("0400", Mode.REJECT400),
        ("0408", Mode.HANG),
        ("0429", Mode.TOO_MANY),
        ("0500", Mode.ERROR500),
    ],
)
@pytest.mark.parametrize("faults", [Faults(), Faults(error_rate=1.0), Faults(modes={Mode.RESET: 1})])
def test_a_magic_phone_beats_the_faults(digits: str, mode: Mode, faults: Faults) -> None:
    assert decide(faults, int(f"7999123{digits}"), 0.5) is mode


@given(
    phone=st.integers(70_000_000_000, 79_999_999_999).filter(lambda phone: phone % 10_000 not in MAGIC_PHONES),
    error_rate=st.floats(0, 1),
    weights=st.dictionaries(st.sampled_from(Mode), st.floats(0, 1_000_000), min_size=1).filter(
        lambda weights: any(weights.values())
    ),
    draw=st.floats(0, 1, exclude_max=True),
)
def test_only_modes_with_a_weight_are_picked(
    phone: int, error_rate: float, weights: dict[Mode, float], draw: float
) -> None:
    faults = Faults(error_rate=error_rate, modes=weights)
    mode = decide(faults, phone, draw)
    assert weights.get(mode, 0) > 0 or (mode is Mode.ERROR500 and draw < error_rate)


@pytest.mark.parametrize(
    ("latency_ms", "jitter_ms", "draw", "milliseconds"),
    [
        (0, 0, 0.5, 0),
        (100, 0, 0.9, 100),
        (100, 20, 0.0, 80),
        (100, 20, 0.5, 100),
        (100, 20, 0.75, 110),
        # A delay is never negative.
        (10, 50, 0.0, 0),
    ],
)
def test_jitter_spreads_the_latency(latency_ms: int, jitter_ms: int, draw: float, milliseconds: int) -> None:
    faults = Faults(latency_ms=latency_ms, jitter_ms=jitter_ms)
    assert delay(faults, draw) == timedelta(milliseconds=milliseconds)


@pytest.mark.parametrize(
    ("modes", "refused"),
    [({Mode.OK: 1.0}, False), ({Mode.OK: 1.0, Mode.REFUSE: 0.0}, False), ({Mode.OK: 1.0, Mode.REFUSE: 0.1}, True)],
)
def test_any_weight_of_refuse_refuses(modes: dict[Mode, float], refused: bool) -> None:
    assert refuses(Faults(modes=modes)) is refused


@pytest.mark.parametrize(
    "body",
    [
        "{}",
        '{"latency_ms": 50, "jitter_ms": 10, "error_rate": 0.25}',
        '{"error_rate": 1}',
        '{"modes": {"ok": 1, "hang": 0.5}}',
        '{"retry_after": 0}',
        '{"retry_after": "Sun, 06 Nov 1994 08:49:37 GMT"}',
        '{"retry_after_text": "when the cows come home"}',
        '{"retry_after_text": null}',
    ],
)
def test_good_faults_are_read(body: str) -> None:
    assert Faults.model_validate_json(body)


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ("", ()),
        ("[]", ()),
        ('{"latency": 1}', ("latency",)),
        ('{"latency_ms": -1}', ("latency_ms",)),
        ('{"latency_ms": "5"}', ("latency_ms",)),
        ('{"latency_ms": true}', ("latency_ms",)),
        ('{"jitter_ms": -1}', ("jitter_ms",)),
        ('{"error_rate": 1.01}', ("error_rate",)),
        ('{"error_rate": -0.1}', ("error_rate",)),
        ('{"error_rate": NaN}', ("error_rate",)),
        ('{"error_rate": true}', ("error_rate",)),
        ('{"modes": {}}', ("modes",)),
        ('{"modes": {"ok": 0}}', ("modes",)),
        ('{"modes": {"ok": -1}}', ("modes", "ok")),
        ('{"modes": {"ok": Infinity}}', ("modes", "ok")),
        ('{"modes": {"ok": NaN}}', ("modes", "ok")),
        ('{"modes": {"ok": true}}', ("modes", "ok")),
        ('{"modes": {"explode": 1}}', ("modes", "explode", "[key]")),
        ('{"modes": null}', ("modes",)),
        ('{"retry_after": -1}', ("retry_after",)),
        ('{"retry_after": 1.5}', ("retry_after", "int")),
        ('{"retry_after": true}', ("retry_after", "int")),
        ('{"retry_after": "soon"}', ("retry_after",)),
        ('{"retry_after": "Sun,\\n06 Nov 1994 08:49:37 GMT"}', ("retry_after",)),
        ('{"retry_after": "Mon, 06 Nov 1994 08:49:37 GMT"}', ("retry_after",)),
        ('{"retry_after_text": ""}', ("retry_after_text",)),
        ('{"retry_after_text": "1\\r\\nX-Other: 2"}', ("retry_after_text",)),
        ('{"retry_after_text": 1}', ("retry_after_text",)),
    ],
)
def test_bad_faults_are_refused_where_they_are_bad(body: str, place: tuple[str, ...]) -> None:
    with pytest.raises(ValidationError) as refusal:
        Faults.model_validate_json(body)
    assert refusal.value.errors()[0]["loc"] == place


def test_every_mode_has_its_behaviour() -> None:
    assert set(MODES) == set(Mode)


@pytest.mark.parametrize("mode", Mode)
def test_a_mode_has_a_status_exactly_if_it_replies(mode: Mode) -> None:
    silent = MODES[mode].manner in (Manner.HANG, Manner.CLOSE, Manner.RESET)
    assert (MODES[mode].status is None) is silent
