"""How long a crashed process waits before it starts again."""

import pytest

from cli.stack.supervised_process import next_pause


@pytest.mark.parametrize(
    ("previous", "lived", "pause"),
    [
        # The first crash.
        (None, 0.1, 0.5),
        # A crash loop: each pause twice the last.
        (0.5, 0.1, 1.0),
        (4.0, 0.1, 8.0),
        # But bounded.
        (8.0, 0.1, 10.0),
        (10.0, 0.1, 10.0),
        # It ran for 30 s in between.
        (10.0, 30.0, 0.5),
    ],
)
def test_the_pause_grows_while_a_process_keeps_crashing(previous: float | None, lived: float, pause: float) -> None:
    assert next_pause(previous, lived) == pause
