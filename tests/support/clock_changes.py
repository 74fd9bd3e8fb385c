"""Clock changes of every kind, from years for which all versions of the time zone database agree."""

from datetime import UTC, datetime

CHANGES = {
    name: (zone, datetime.fromisoformat(at).replace(tzinfo=UTC))
    for name, zone, at in [
        ("an hour forward", "Europe/Berlin", "2019-03-31T01:00"),
        ("an hour back", "Europe/Berlin", "2019-10-27T01:00"),
        ("an hour forward, west of UTC", "America/New_York", "2019-03-10T07:00"),
        ("an hour back, west of UTC", "America/New_York", "2019-11-03T06:00"),
        ("half an hour forward", "Australia/Lord_Howe", "2018-10-06T15:30"),
        ("half an hour back", "Australia/Lord_Howe", "2019-04-06T15:00"),
        ("midnight skipped", "America/Sao_Paulo", "2018-11-04T03:00"),
        ("midnight twice", "America/Sao_Paulo", "2019-02-17T02:00"),
        ("half an hour forward for good", "America/Caracas", "2016-05-01T07:00"),
        ("half an hour back over midnight", "Asia/Pyongyang", "2015-08-14T15:00"),
        ("a quarter of an hour forward", "Asia/Kathmandu", "1985-12-31T18:30"),
        ("a day skipped", "Pacific/Apia", "2011-12-30T10:00"),
        ("an hour back for good", "Europe/Moscow", "2014-10-25T22:00"),
        ("none, on the half hour", "Asia/Kolkata", "2019-03-31T01:00"),
        ("none", "UTC", "2019-03-31T01:00"),
    ]
}
