from services.dispatcher.worker_name import Identity


def test_every_process_has_a_name_of_its_own() -> None:
    assert Identity().current != Identity().current


def test_a_name_without_attempts_is_kept_alive_while_it_is_current() -> None:
    identity = Identity()
    assert identity.alive == [identity.current]


def test_an_earlier_name_falls_silent_once_its_last_attempt_has_its_result() -> None:
    identity = Identity()
    before = identity.current
    identity.hold(before)
    identity.hold(before)
    identity.renew()
    assert identity.current != before
    assert set(identity.alive) == {before, identity.current}
    identity.let_go(before)
    assert before in identity.alive
    identity.let_go(before)
    assert identity.alive == [identity.current]


def test_an_earlier_name_without_attempts_falls_silent_at_once() -> None:
    identity = Identity()
    before = identity.current
    identity.renew()
    assert before not in identity.alive


def test_the_current_name_lives_on_when_its_attempts_have_ended() -> None:
    identity = Identity()
    identity.hold(identity.current)
    identity.let_go(identity.current)
    assert identity.alive == [identity.current]


def test_several_names_are_kept_alive_each_once() -> None:
    identity, names = Identity(), []
    for _ in range(3):
        names.append(identity.current)
        identity.hold(identity.current)
        identity.hold(identity.current)
        identity.renew()
    assert identity.alive == sorted([*names, identity.current])
