"""What holds sending up has a name: in the log, in a metric, and in the detail of /readyz."""

from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from services.dispatcher.admission.hold_up import CAUSES, HoldUp
from shared.health import Health


class Watchman:
    """A hold-up with a clock that the test sets."""

    def __init__(self) -> None:
        self.moment = 100.0
        self.health, self.registry = Health(), CollectorRegistry()
        self.hold_up = HoldUp(self.health, self.registry, lambda: self.moment)

    def shown(self) -> set[str]:
        values = {cause: self.registry.get_sample_value("herald_sending_held_up", {"cause": cause}) for cause in CAUSES}
        return {cause for cause, value in values.items() if value}

    def after(self, seconds: float) -> None:
        self.moment += seconds
        self.hold_up.look()


def test_nothing_holds_sending_up_at_first() -> None:
    watchman = Watchman()
    assert watchman.health.details["sending"] == "flowing"
    assert watchman.shown() == set()


def test_a_cause_is_named_and_then_over() -> None:
    watchman = Watchman()
    with capture_logs() as lines:
        watchman.hold_up.note("lease")
        watchman.after(0.5)
        assert (watchman.health.details["sending"], watchman.shown()) == ("held up: lease", {"lease"})
        watchman.after(3)
        assert (watchman.health.details["sending"], watchman.shown()) == ("flowing", set())
    assert [(line["event"], line["cause"]) for line in lines] == [
        ("sending held up", "lease"),
        ("sending flows", "lease"),
    ]


def test_the_gravest_of_several_causes_is_named() -> None:
    watchman = Watchman()
    watchman.hold_up.note("rate")
    watchman.hold_up.note("broker")
    watchman.after(0.5)
    assert watchman.shown() == {"broker"}


def test_repeated_lines_of_one_cause_are_summed() -> None:
    watchman = Watchman()
    with capture_logs() as lines:
        for _ in range(20):
            watchman.hold_up.note("rate")
            watchman.after(0.5)
            watchman.after(3.5)
    held_up = [line["times"] for line in lines if line["event"] == "sending held up"]
    assert held_up == [1, 15]


def test_what_somebody_has_set_is_no_warning() -> None:
    watchman = Watchman()
    with capture_logs() as lines:
        watchman.hold_up.note("rate")
        watchman.after(0.5)
        watchman.hold_up.note("database")
        watchman.after(0.5)
    assert [(line["cause"], line["log_level"]) for line in lines] == [("rate", "info"), ("database", "warning")]


def test_a_lease_that_ends_without_the_database_has_the_database_as_its_cause() -> None:
    watchman = Watchman()
    watchman.health.set("database", False, "away")
    watchman.hold_up.note("lease")
    watchman.after(0.5)
    assert watchman.shown() == {"database"}
    watchman.health.set("database", True)
    watchman.hold_up.note("lease")
    watchman.after(0.5)
    assert watchman.shown() == {"lease"}
