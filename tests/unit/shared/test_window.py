"""Send windows by the local clock, on the days of clock changes, too."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.window import WEEKDAYS, Window, days_of, mask_of
from tests.support.clock_changes import CHANGES

MINUTE = timedelta(minutes=1)
MINUTES_A_DAY = 24 * 60


def a_window(text: str) -> Window:
    opens, closes = (time.fromisoformat(clock) for clock in text.split("-"))
    return Window(opens, closes)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


OPEN = [
    # window, zone, moment in UTC, open or not
    ("09:00-21:00", "UTC", "2019-06-01T09:00", True),
    ("09:00-21:00", "UTC", "2019-06-01T08:59:59.999999", False),
    ("09:00-21:00", "UTC", "2019-06-01T20:59:59.999999", True),
    ("09:00-21:00", "UTC", "2019-06-01T21:00", False),
    # Over midnight.
    ("21:00-09:00", "UTC", "2019-06-01T21:00", True),
    ("21:00-09:00", "UTC", "2019-06-01T00:00", True),
    ("21:00-09:00", "UTC", "2019-06-01T09:00", False),
    # Until midnight, and from it.
    ("09:00-00:00", "UTC", "2019-06-01T23:59", True),
    ("09:00-00:00", "UTC", "2019-06-01T00:00", False),
    ("00:00-09:00", "UTC", "2019-06-01T00:00", True),
    # 5:30 and 5:45 ahead of UTC.
    ("09:00-21:00", "Asia/Kolkata", "2019-06-01T03:30", True),
    ("09:00-21:00", "Asia/Kolkata", "2019-06-01T03:29", False),
    ("09:00-21:00", "Asia/Kathmandu", "2019-06-01T03:15", True),
    ("09:00-21:00", "Asia/Kathmandu", "2019-06-01T03:14", False),
]


WEEKEND, MONDAY = mask_of(["sat", "sun"]), mask_of(["mon"])
ON_DAYS = [
    # window, days, moment in UTC (Saturday is 2019-06-01), and when it opens
    ("09:00-21:00", WEEKEND, "2019-06-01T10:00", "2019-06-01T10:00"),
    ("09:00-21:00", WEEKEND, "2019-06-02T21:00", "2019-06-08T09:00"),
    ("09:00-21:00", MONDAY, "2019-06-01T10:00", "2019-06-03T09:00"),
    # A window over midnight belongs to the day on which it opens.
    ("21:00-09:00", WEEKEND, "2019-06-03T08:59", "2019-06-03T08:59"),
    ("21:00-09:00", WEEKEND, "2019-06-01T08:59", "2019-06-01T21:00"),
    ("21:00-09:00", MONDAY, "2019-06-04T09:00", "2019-06-10T21:00"),
]


@pytest.mark.parametrize(("window", "days", "moment", "expected"), ON_DAYS)
def test_a_window_opens_on_its_days_only(window: str, days: int, moment: str, expected: str) -> None:
    hours = a_window(window)
    found = Window(hours.opens, hours.closes, days)
    assert found.opens_at(ZoneInfo("UTC"), at(moment)) == at(expected)
    assert found.is_open(ZoneInfo("UTC"), at(moment)) is (moment == expected)


def test_days_are_bits() -> None:
    assert (mask_of(["sun", "mon"]), mask_of(WEEKDAYS)) == (0b1000001, None)
    assert (days_of(0b1000001), days_of(None)) == (["mon", "sun"], list(WEEKDAYS))


@pytest.mark.parametrize(("window", "zone", "moment", "expected"), OPEN)
def test_a_window_is_open_by_the_local_clock(window: str, zone: str, moment: str, expected: bool) -> None:
    assert a_window(window).is_open(ZoneInfo(zone), at(moment)) is expected


OPENINGS = [
    # window, zone, moment in UTC, the opening in UTC
    ("09:00-21:00", "UTC", "2019-06-01T12:34:56.789", "2019-06-01T12:34:56.789"),
    ("09:00-21:00", "UTC", "2019-06-01T21:00", "2019-06-02T09:00"),
    ("09:00-21:00", "UTC", "2019-06-01T08:59:59.5", "2019-06-01T09:00"),
    ("21:00-09:00", "UTC", "2019-06-01T09:00", "2019-06-01T21:00"),
    ("09:00-21:00", "Asia/Kolkata", "2019-06-01T16:00", "2019-06-02T03:30"),
    # Berlin goes from 02:00 to 03:00: an opening in the gap is the change, and the night is an hour shorter.
    ("02:30-09:00", "Europe/Berlin", "2019-03-31T00:00", "2019-03-31T01:00"),
    ("02:00-09:00", "Europe/Berlin", "2019-03-31T00:00", "2019-03-31T01:00"),
    ("09:00-21:00", "Europe/Berlin", "2019-03-30T20:00", "2019-03-31T07:00"),
    # A window that lies in the gap as a whole does not open on that day.
    ("02:10-02:50", "Europe/Berlin", "2019-03-31T00:00", "2019-04-01T00:10"),
    # Berlin goes back from 03:00 to 02:00: the first of two half past two, and again at the change.
    ("02:30-09:00", "Europe/Berlin", "2019-10-27T00:00", "2019-10-27T00:30"),
    ("01:00-02:30", "Europe/Berlin", "2019-10-27T00:45", "2019-10-27T01:00"),
    ("02:15-02:30", "Europe/Berlin", "2019-10-27T00:45", "2019-10-27T01:15"),
    ("09:00-21:00", "Europe/Berlin", "2019-10-26T19:00", "2019-10-27T08:00"),
    # Lord Howe goes from 02:00 to 02:30, and back.
    ("02:15-09:00", "Australia/Lord_Howe", "2018-10-06T15:00", "2018-10-06T15:30"),
    ("01:45-09:00", "Australia/Lord_Howe", "2019-04-06T14:00", "2019-04-06T14:45"),
    ("01:15-01:40", "Australia/Lord_Howe", "2019-04-06T14:50", "2019-04-06T15:00"),
    # Midnight does not exist in Sao Paulo on this day; a window over it opens an hour earlier.
    ("00:00-09:00", "America/Sao_Paulo", "2018-11-04T02:00", "2018-11-04T03:00"),
    # Samoa goes from the 29th to the 31st of December: the clock shows what it showed.
    ("09:00-21:00", "Pacific/Apia", "2011-12-30T08:00", "2011-12-30T19:00"),
]


@pytest.mark.parametrize(("window", "zone", "moment", "expected"), OPENINGS)
def test_a_window_opens_at_the_earliest_moment_inside_it(window: str, zone: str, moment: str, expected: str) -> None:
    assert a_window(window).opens_at(ZoneInfo(zone), at(moment)) == at(expected)


def test_the_zone_in_which_a_moment_is_written_does_not_matter() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    window, moment = a_window("09:00-21:00"), at("2019-03-30T20:00")
    assert window.opens_at(berlin, moment.astimezone(berlin)) == window.opens_at(berlin, moment)


REACHABLE = [
    # window, start, end, whether it is open at any moment of it; in UTC
    ("09:00-21:00", "2019-06-01T07:00", "2019-06-01T09:00", False),
    ("09:00-21:00", "2019-06-01T07:00", "2019-06-01T09:00:01", True),
    ("09:00-21:00", "2019-06-01T20:59:59", "2019-06-01T21:00", True),
    ("09:00-21:00", "2019-06-01T21:00", "2019-06-02T09:00", False),
    ("09:00-21:00", "2019-06-01T21:00", "2019-06-08T00:00", True),
    ("09:00-21:00", "2019-06-01T12:00", "2019-06-01T12:00", False),
    ("09:00-21:00", "2019-06-01T12:00", "2019-06-01T11:00", False),
]


@pytest.mark.parametrize(("window", "start", "end", "expected"), REACHABLE)
def test_a_client_is_reachable_if_the_window_opens_before_the_end(
    window: str, start: str, end: str, expected: bool
) -> None:
    assert a_window(window).reachable(ZoneInfo("UTC"), at(start), at(end)) is expected


def test_a_window_that_opens_as_it_closes_is_refused() -> None:
    with pytest.raises(ValueError, match="different"):
        Window(time(9), time(9))


class Oracle:
    """Looks at the clock minute by minute, which is enough for whole minutes and offsets of whole minutes."""

    def __init__(self, window: Window, zone: ZoneInfo) -> None:
        opens, closes = (clock.hour * 60 + clock.minute for clock in (window.opens, window.closes))
        self._inside = {(opens + more) % MINUTES_A_DAY for more in range((closes - opens) % MINUTES_A_DAY)}
        self._zone = zone

    def is_open(self, moment: datetime) -> bool:
        local = moment.astimezone(self._zone)
        return local.hour * 60 + local.minute in self._inside

    def opens_at(self, moment: datetime) -> datetime:
        if self.is_open(moment):
            return moment
        following = moment.replace(second=0, microsecond=0) + MINUTE
        while not self.is_open(following):
            following += MINUTE
        return following


ZONES = sorted({zone for zone, _ in CHANGES.values()} | {"Africa/Casablanca", "Asia/Gaza", "America/St_Johns"})
CLOCKS = st.builds(time, st.integers(0, 23), st.integers(0, 59))
WINDOWS = st.tuples(CLOCKS, CLOCKS).filter(lambda pair: pair[0] != pair[1]).map(lambda pair: Window(*pair))
ANY_MOMENT = st.tuples(
    st.sampled_from(ZONES),
    st.datetimes(datetime(1975, 1, 1), datetime(2024, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
)
NEAR_A_CHANGE = st.builds(
    lambda change, away: (change[0], change[1] + away),
    st.sampled_from(list(CHANGES.values())),
    st.timedeltas(timedelta(hours=-30), timedelta(hours=3)) | st.integers(-1800, 180).map(lambda n: n * MINUTE),
)


@given(WINDOWS, ANY_MOMENT | NEAR_A_CHANGE)
def test_a_window_agrees_with_the_clock_minute_by_minute(window: Window, place: tuple[str, datetime]) -> None:
    zone, moment = ZoneInfo(place[0]), place[1]
    oracle = Oracle(window, zone)
    assert window.is_open(zone, moment) == oracle.is_open(moment)
    assert window.opens_at(zone, moment) == oracle.opens_at(moment)


@given(WINDOWS, ANY_MOMENT | NEAR_A_CHANGE, st.integers(0, 2 * MINUTES_A_DAY))
def test_who_is_reachable_sees_an_open_minute(window: Window, place: tuple[str, datetime], minutes: int) -> None:
    zone, start = ZoneInfo(place[0]), place[1].replace(second=0, microsecond=0)
    oracle = Oracle(window, zone)
    expected = any(oracle.is_open(start + minute * MINUTE) for minute in range(minutes))
    assert window.reachable(zone, start, start + minutes * MINUTE) is expected
