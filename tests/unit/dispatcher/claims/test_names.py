"""The names under which a dispatcher claims, and how long each is kept alive."""

from services.dispatcher.claims.names import RENEWED_SECONDS, ClaimNames


def ready(moment: float = 0.0) -> ClaimNames:
    """Makes names whose first beat has succeeded."""
    names = ClaimNames(moment)
    names.record_beat(names.alive, moment)
    return names


def test_every_process_has_names_of_its_own() -> None:
    assert not set(ClaimNames(0).alive) & set(ClaimNames(0).alive)


def test_a_name_is_claimed_under_only_after_a_beat() -> None:
    names = ClaimNames(0)
    assert not names.ready
    names.record_beat(names.alive, 0)
    assert names.ready


def test_the_next_name_beats_before_it_is_used() -> None:
    names = ready()
    assert len(names.alive) == 2
    names.renew(1)
    assert names.ready
    names.renew(1)
    assert not names.ready, "the second new name has not beaten yet"


def test_a_name_is_renewed_every_ten_seconds() -> None:
    names = ready()
    before = names.current
    names.record_beat(names.alive, RENEWED_SECONDS - 0.1)
    assert names.current == before
    names.record_beat(names.alive, RENEWED_SECONDS)
    assert names.current != before
    assert before not in names.alive, "nothing was claimed under it"


def test_an_earlier_name_falls_silent_once_nothing_needs_it() -> None:
    names = ready()
    before = names.current
    names.hold(before)
    names.hold(before)
    names.renew(1)
    names.let_go(before)
    assert before in names.alive
    names.let_go(before)
    assert before not in names.alive


def test_the_current_name_lives_on_when_its_claims_have_ended() -> None:
    names = ready()
    names.hold(names.current)
    names.let_go(names.current)
    assert names.current in names.alive
