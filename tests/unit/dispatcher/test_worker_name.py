"""The name under which a dispatcher claims, and how long it is kept alive."""

from services.dispatcher.worker_name import WorkerName


def test_every_process_has_a_name_of_its_own() -> None:
    assert WorkerName().current != WorkerName().current


def test_a_name_without_attempts_is_kept_alive_while_it_is_current() -> None:
    name = WorkerName()
    assert name.alive == [name.current]


def test_an_earlier_name_falls_silent_once_its_last_attempt_has_its_result() -> None:
    name = WorkerName()
    before = name.current
    name.hold(before)
    name.hold(before)
    name.renew()
    assert name.current != before
    assert set(name.alive) == {before, name.current}
    name.let_go(before)
    assert before in name.alive
    name.let_go(before)
    assert name.alive == [name.current]


def test_an_earlier_name_without_attempts_falls_silent_at_once() -> None:
    name = WorkerName()
    before = name.current
    name.renew()
    assert before not in name.alive


def test_the_current_name_lives_on_when_its_attempts_have_ended() -> None:
    name = WorkerName()
    name.hold(name.current)
    name.let_go(name.current)
    assert name.alive == [name.current]


def test_several_names_are_kept_alive_each_once() -> None:
    name, names = WorkerName(), []
    for _ in range(3):
        names.append(name.current)
        name.hold(name.current)
        name.hold(name.current)
        name.renew()
    assert name.alive == sorted([*names, name.current])
