"""A recurrence is one that Logic Apps takes."""

from datetime import UTC, datetime
from typing import Any

import pytest

from configuration import (
    NAMESPACE,
    RecurrenceTrigger,
    load_configuration,
)
from tests.configuration.happy_path import assert_refused, drop, only_mistake, put


class TestRecurrencesAreThoseOfLogicApps:
    @pytest.mark.parametrize(
        ("frequency", "longest"),
        [
            ("Second", 9_999_999),
            ("Minute", 72_000),
            ("Hour", 12_000),
            ("Day", 500),
            ("Week", 71),
            ("Month", 16),
        ],
    )
    def test_each_frequency_has_its_longest_interval(
        self, values: dict[str, Any], frequency: str, longest: int
    ) -> None:
        drop(values, "senders[1].trigger.schedule")
        put(values, "senders[1].trigger.frequency", frequency)
        put(values, "senders[1].identity", "userAssigned")
        path, remedy = "senders[1].trigger.interval", f"from 1 to {longest}."
        assert load_configuration(put(values, path, longest))
        assert load_configuration(put(values, path, 1))
        assert_refused(values, path, 99_999_999_999, f"the frequency {frequency}", remedy)
        assert_refused(values, path, longest + 1, f"the frequency {frequency}", remedy)
        assert_refused(values, path, 0, f"the frequency {frequency}", remedy)

    @pytest.mark.parametrize("interval", [99_999_999_999, -99_999_999_999, 10**400])
    def test_an_interval_beyond_all_time_is_refused_for_a_system_assigned_identity_too(
        self, values: dict[str, Any], interval: int
    ) -> None:
        # Such an identity has its waits compared with the time between two runs.
        put(values, "senders[1].trigger.interval", interval)
        assert "out of Logic Apps' range" in only_mistake(values).problem

    def test_an_unknown_frequency_is_refused(self, values: dict[str, Any]) -> None:
        path = "senders[1].trigger.frequency"
        assert_refused(values, path, "Weekly", "not a frequency", "Did you mean Week?")

    @pytest.mark.parametrize("frequency", ["Second", "Minute", "Hour", "Month"])
    @pytest.mark.parametrize("key", ["hours", "minutes"])
    def test_hours_and_minutes_are_for_days_and_weeks(
        self, values: dict[str, Any], frequency: str, key: str
    ) -> None:
        put(values, "senders[1].trigger.frequency", frequency)
        put(values, "senders[1].identity", "userAssigned")
        put(values, "senders[1].trigger.schedule", {})
        path = f"senders[1].trigger.schedule.{key}"
        assert_refused(values, path, [8], f"for the frequency {frequency}", "to Day or Week")

    def test_days_of_the_week_are_for_weeks(self, values: dict[str, Any]) -> None:
        put(values, "senders[1].trigger.frequency", "Day")
        path = "senders[1].trigger.schedule.weekDays"
        assert_refused(values, path, ["Monday"], "for the frequency Day", "set frequency to Week.")

    @pytest.mark.parametrize(("key", "lowest", "highest"), [("hours", 0, 23), ("minutes", 0, 59)])
    def test_hours_and_minutes_are_those_of_a_clock(
        self, values: dict[str, Any], key: str, lowest: int, highest: int
    ) -> None:
        put(values, "senders[1].identity", "userAssigned")
        path = f"senders[1].trigger.schedule.{key}"
        assert load_configuration(put(values, path, [lowest, highest]))
        for wrong in (lowest - 1, highest + 1):
            assert_refused(values, f"{path}[0]", wrong, "out of range", f"{lowest} to {highest}")

    def test_a_day_that_is_none_is_refused(self, values: dict[str, Any]) -> None:
        path = "senders[1].trigger.schedule.weekDays[0]"
        assert_refused(values, path, "Mon", "is not a day", "Did you mean Monday?")

    @pytest.mark.parametrize(
        ("key", "twice"),
        [("hours", [8, 8]), ("minutes", [0, 0]), ("weekDays", ["Monday", "Monday"])],
    )
    def test_a_schedule_says_each_time_once(
        self, values: dict[str, Any], key: str, twice: list[object]
    ) -> None:
        path = f"senders[1].trigger.schedule.{key}"
        assert_refused(values, path, twice, f"has {twice[0]} more than once", "only once")

    @pytest.mark.parametrize("key", ["hours", "minutes", "weekDays"])
    def test_a_schedule_without_times_is_refused(self, values: dict[str, Any], key: str) -> None:
        path = f"senders[1].trigger.schedule.{key}"
        assert_refused(values, path, [], "is an empty list", "leave the key out")

    @pytest.mark.parametrize(
        ("zone", "meant"),
        [
            ("Europe/Berlin", "W. Europe Standard Time"),
            ("w. europe standard time", "W. Europe Standard Time"),
            ("Central Europe Time", "Central Europe Standard Time"),
        ],
    )
    def test_a_time_zone_that_logic_apps_does_not_know(
        self, values: dict[str, Any], zone: str, meant: str
    ) -> None:
        path = "senders[1].trigger.timeZone"
        assert_refused(values, path, zone, "names of Windows", meant)

    @pytest.mark.parametrize(
        "start", ["2020-01-01T08:00:00+01:00", "2020-01-01T08:0\u0660:00Z", "@utcNow()", "tomorrow"]
    )
    def test_a_start_time_of_another_form_is_refused(
        self, values: dict[str, Any], start: str
    ) -> None:
        path = "senders[1].trigger.startTime"
        assert_refused(values, path, start, "YYYY-MM-DDThh:mm:ss", "Write a fixed time")

    @pytest.mark.parametrize("zone", ["W. Europe Standard Time", None])
    @pytest.mark.parametrize("last", ["", "Z"])
    @pytest.mark.parametrize(
        ("start", "meant"),
        [
            ("2020-01-01T08:30", "2020-01-01T08:30:00"),
            ("2020-01-01 08:30:15", "2020-01-01T08:30:15"),
            ("2020-01-01", "2020-01-01T00:00:00"),
        ],
    )
    def test_a_start_time_that_lacks_something_has_one_remedy_that_works(
        self, values: dict[str, Any], start: str, meant: str, last: str, zone: str | None
    ) -> None:
        path, written = "senders[1].trigger.startTime", meant if zone else f"{meant}Z"
        put(values, "senders[1].trigger.timeZone", zone)
        assert_refused(values, path, f"{start}{last}", "YYYY-MM-DDThh:mm:ss", f"Write {written}.")
        assert load_configuration(put(values, path, written))

    @pytest.mark.parametrize("start", ["2023-02-29T08:00:00", "2023-01-01T24:00:01"])
    def test_a_start_time_that_does_not_exist_is_refused(
        self, values: dict[str, Any], start: str
    ) -> None:
        path = "senders[1].trigger.startTime"
        assert_refused(values, path, start, "does not have", "Write a fixed time")

    def test_a_start_time_lies_at_most_49_years_ahead(self, values: dict[str, Any]) -> None:
        path, year = "senders[1].trigger.startTime", datetime.now(UTC).year
        assert load_configuration(put(values, path, f"{year + 48}-01-01T00:00:00"))
        assert_refused(values, path, f"{year + 50}-12-31T00:00:00", "49 years", "Write a fixed")

    def test_a_start_time_is_read_in_the_time_zone(self, values: dict[str, Any]) -> None:
        path, start = "senders[1].trigger.startTime", "2020-01-01T08:00:00"
        assert_refused(values, path, f"{start}Z", "ends with Z", f"Write {start}.")

    def test_a_start_time_without_a_time_zone_is_utc(self, values: dict[str, Any]) -> None:
        drop(values, "senders[1].trigger.timeZone")
        path, start = "senders[1].trigger.startTime", "2020-01-01T08:00:00"
        assert_refused(values, path, start, "has neither Z", f"Write {start}Z")
        assert load_configuration(put(values, path, f"{start}Z"))

    @pytest.mark.parametrize("kind", ["http", "Recurrence", 5])
    def test_an_unknown_trigger_is_refused(self, values: dict[str, Any], kind: object) -> None:
        path = "senders[1].trigger.type"
        assert_refused(values, path, kind, "no kind of trigger", "httpRequest or recurrence")

    @pytest.mark.parametrize("trigger", [{}, "recurrence"])
    def test_a_trigger_without_a_type_is_refused(
        self, values: dict[str, Any], trigger: object
    ) -> None:
        mistake = only_mistake(put(values, "senders[0].trigger", trigger))
        assert mistake.heading == f"{NAMESPACE}:senders[0].trigger.type"
        assert "httpRequest or recurrence" in mistake.remedy


class TestATimeZoneThatIsNone:
    def test_is_one_that_is_not_given(self, values: dict[str, Any]) -> None:
        values["senders"][1]["trigger"].pop("startTime", None)
        loaded = load_configuration(put(values, "senders[1].trigger.timeZone", None))
        trigger = loaded.senders[1].trigger
        assert isinstance(trigger, RecurrenceTrigger)
        assert trigger.start_time.endswith("Z")
