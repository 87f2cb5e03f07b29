from datetime import UTC, datetime

import pytest

from simulator.tenant.recurrence import next_occurrence, problem_with

NOW = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)  # a Monday
BERLIN = "W. Europe Standard Time"


def occurrences(count, after=NOW, **recurrence):
    found = []
    for _ in range(count):
        after = next_occurrence({"interval": 1} | recurrence, NOW, after)
        found.append(after.strftime("%Y-%m-%d %H:%M:%S"))
    return found


class TestNextOccurrence:
    def test_of_short_frequencies_counts_from_the_start(self):
        start = "2020-01-01T00:00:07Z"
        assert occurrences(2, frequency="Second", interval=40, startTime=start) == [
            "2026-11-02 12:00:07",
            "2026-11-02 12:00:47",
        ]
        assert occurrences(2, frequency="Minute", interval=15, startTime=start) == [
            "2026-11-02 12:00:07",
            "2026-11-02 12:15:07",
        ]
        assert occurrences(1, frequency="Hour", interval=7, startTime=start) == [
            "2026-11-02 13:00:07"
        ]

    def test_is_later_than_now_and_not_now(self):
        assert occurrences(1, frequency="Hour", startTime="2020-01-01T00:00:00Z") == [
            "2026-11-02 13:00:00"
        ]
        assert occurrences(1, frequency="Day", startTime="2020-01-01T12:00:00Z") == [
            "2026-11-03 12:00:00"
        ]

    def test_of_a_start_in_the_future_is_the_start(self):
        for frequency in ("Second", "Hour", "Day", "Week", "Month"):
            assert occurrences(1, frequency=frequency, startTime="2027-05-05T05:05:05Z") == [
                "2027-05-05 05:05:05"
            ]

    def test_without_a_start_counts_from_the_saving(self):
        assert occurrences(2, frequency="Day", interval=2) == [
            "2026-11-04 12:00:00",
            "2026-11-06 12:00:00",
        ]

    def test_without_a_start_keeps_to_the_hour_of_saving_in_its_zone(self):
        assert occurrences(1, frequency="Day", timeZone=BERLIN) == ["2026-11-03 12:00:00"]

    def test_of_days_keeps_to_the_interval(self):
        assert occurrences(2, frequency="Day", interval=3, startTime="2026-10-31T08:00:00Z") == [
            "2026-11-03 08:00:00",
            "2026-11-06 08:00:00",
        ]

    def test_of_months_ends_with_the_month(self):
        assert occurrences(4, frequency="Month", startTime="2026-08-31T08:00:00Z") == [
            "2026-11-30 08:00:00",
            "2026-12-31 08:00:00",
            "2027-01-31 08:00:00",
            "2027-02-28 08:00:00",
        ]
        assert occurrences(2, frequency="Month", interval=5, startTime="2026-08-01T00:00:00Z") == [
            "2027-01-01 00:00:00",
            "2027-06-01 00:00:00",
        ]

    def test_of_a_daily_schedule_is_each_hour_with_each_minute(self):
        schedule = {"hours": [8, 17], "minutes": [0, 30]}
        start = "2020-01-01T00:00:00Z"
        assert occurrences(4, frequency="Day", startTime=start, schedule=schedule) == [
            "2026-11-02 17:00:00",
            "2026-11-02 17:30:00",
            "2026-11-03 08:00:00",
            "2026-11-03 08:30:00",
        ]

    def test_of_a_weekly_schedule_is_on_its_days(self):
        schedule = {"weekDays": ["Friday", "Monday"], "hours": [9]}
        start = "2020-01-01T00:00:00Z"
        assert occurrences(3, frequency="Week", startTime=start, schedule=schedule) == [
            "2026-11-06 09:00:00",
            "2026-11-09 09:00:00",
            "2026-11-13 09:00:00",
        ]

    def test_of_a_week_without_days_is_on_the_starts_day(self):
        assert occurrences(2, frequency="Week", interval=2, startTime="2026-10-21T06:00:00Z") == [
            "2026-11-04 06:00:00",
            "2026-11-18 06:00:00",
        ]

    def test_keeps_to_the_wall_clock_of_its_zone(self):
        # Central European Summer Time ends on 25 October 2026.
        found = occurrences(
            3,
            after=datetime(2026, 10, 23, 12, tzinfo=UTC),
            frequency="Day",
            startTime="2020-01-01T09:00:00",
            timeZone=BERLIN,
        )
        assert found == ["2026-10-24 07:00:00", "2026-10-25 08:00:00", "2026-10-26 08:00:00"]


class TestLimits:
    @pytest.mark.parametrize(
        ("frequency", "maximum"),
        [
            ("Second", 9_999_999),
            ("Minute", 72_000),
            ("Hour", 12_000),
            ("Day", 500),
            ("Week", 71),
            ("Month", 16),
        ],
    )
    def test_of_the_interval(self, frequency, maximum):
        for interval, is_right in ((1, True), (maximum, True), (0, False), (maximum + 1, False)):
            found = problem_with({"frequency": frequency, "interval": interval}, NOW)
            assert (found is None) is is_right, interval

    @pytest.mark.parametrize(
        "change",
        [
            {"frequency": "day"},
            {"frequency": None},
            {"interval": "1"},
            {"interval": True},
            {"interval": 1.0},
            {"every": 1},
            {"startTime": "2020-01-01T00:00:00"},
            {"startTime": "2020-01-01T00:00:00+01:00"},
            {"startTime": "2020-01-01"},
            {"startTime": "2020-13-01T00:00:00Z"},
            {"startTime": 2020},
            {"startTime": "2020-01-01T00:00:00Z", "timeZone": BERLIN},
            {"startTime": "2020-01-01T00:00:00+01:00", "timeZone": BERLIN},
            {"startTime": "2076-01-01T00:00:00Z"},
            {"timeZone": "Europe/Berlin"},
            {"schedule": []},
            {"schedule": {"hours": 9}},
            {"schedule": {"hours": []}},
            {"schedule": {"hours": [24]}},
            {"schedule": {"hours": [True]}},
            {"schedule": {"minutes": [60]}},
            {"schedule": {"weekDays": ["Monday"]}},
            {"schedule": {"seconds": [1]}},
            {"frequency": "Week", "schedule": {"weekDays": ["Mon"]}},
            {"frequency": "Hour", "schedule": {"minutes": [5]}},
            {"frequency": "Month", "schedule": {"hours": [5]}},
        ],
    )
    def test_wrong_recurrences_are_refused(self, change):
        assert problem_with({"frequency": "Day", "interval": 1} | change, NOW)

    @pytest.mark.parametrize(
        "change",
        [
            {},
            {"startTime": "2020-01-01T00:00:00Z"},
            {"startTime": "2020-01-01T00:00:00", "timeZone": BERLIN},
            {"timeZone": BERLIN},
            {"startTime": "2075-01-01T00:00:00Z"},
            {"schedule": {"hours": [0, 23], "minutes": [0, 59]}},
            {"frequency": "Week", "schedule": {"weekDays": ["Monday", "Sunday"], "hours": [1]}},
        ],
    )
    def test_right_ones_are_not(self, change):
        assert problem_with({"frequency": "Day", "interval": 1} | change, NOW) is None
