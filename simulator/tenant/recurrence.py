"""Recurrence triggers: which definitions the service takes, and when they fire.

Source: https://learn.microsoft.com/azure/connectors/connectors-native-recurrence and
https://learn.microsoft.com/azure/logic-apps/concepts-schedule-automated-recurring-tasks-workflows.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from simulator.tenant.store import Document

MAXIMUM_INTERVAL = {
    "Second": 9_999_999,
    "Minute": 72_000,
    "Hour": 12_000,
    "Day": 500,
    "Week": 71,
    "Month": 16,
}
ELAPSED_SECONDS = {"Second": 1, "Minute": 60, "Hour": 3600}
WEEK_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
START_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?")
FURTHEST_START = timedelta(days=49 * 365)


def problem_with(recurrence: Any, now: datetime) -> str | None:
    """What the service refuses in a recurrence, or ``None``."""
    if not isinstance(recurrence, dict):
        return "the property 'recurrence' must be an object"
    unknown = recurrence.keys() - {"frequency", "interval", "startTime", "timeZone", "schedule"}
    if unknown:
        return f"could not find member '{min(unknown)}' on object of type 'FlowRecurrence'"
    frequency = recurrence.get("frequency")
    if frequency not in MAXIMUM_INTERVAL:
        return f"the frequency '{frequency}' must be one of {', '.join(MAXIMUM_INTERVAL)}"
    interval = recurrence.get("interval")
    if type(interval) is not int or not 1 <= interval <= MAXIMUM_INTERVAL[frequency]:
        return (
            f"the interval '{interval}' must be a number from 1 to "
            f"{MAXIMUM_INTERVAL[frequency]} for the frequency '{frequency}'"
        )
    return _problem_with_time(recurrence, now) or _problem_with_schedule(recurrence)


def _problem_with_time(recurrence: Document, now: datetime) -> str | None:
    zone = recurrence.get("timeZone")
    if zone is not None:
        try:
            zone_of(zone)
        except ValueError as error:
            return str(error)
    start = recurrence.get("startTime")
    if start is None:
        return None
    try:
        moment = datetime.fromisoformat(start) if START_TIME.fullmatch(str(start)) else None
    except ValueError:
        moment = None
    if moment is None:
        return f"the startTime '{start}' is no time such as 2020-01-01T00:00:00Z"
    if zone is None and not start.endswith("Z"):
        return f"the startTime '{start}' must end with Z where no timeZone is given"
    if zone is not None and moment.tzinfo is not None:
        return f"the startTime '{start}' must have no Z and no UTC offset beside a timeZone"
    if moment.replace(tzinfo=UTC) > now + FURTHEST_START:
        return f"the startTime '{start}' is more than 49 years ahead"
    return None


def _problem_with_schedule(recurrence: Document) -> str | None:
    schedule = recurrence.get("schedule")
    if schedule is None:
        return None
    if not isinstance(schedule, dict):
        return "the property 'schedule' must be an object"
    allowed = {"Day": {"hours", "minutes"}, "Week": {"hours", "minutes", "weekDays"}}
    for name, values in schedule.items():
        if name not in allowed.get(recurrence["frequency"], set()):
            return f"the schedule's '{name}' is not for the frequency '{recurrence['frequency']}'"
        if not isinstance(values, list) or not values:
            return f"the schedule's '{name}' must be a list with at least one value"
        limits: Any = {"hours": range(24), "minutes": range(60), "weekDays": WEEK_DAYS}[name]
        for value in values:
            if isinstance(value, bool) or value not in limits:
                return f"the schedule's '{name}' cannot hold '{value}'"
    return None


def zone_of(windows_name: str) -> tzinfo:
    """The time zone of a Windows name such as ``W. Europe Standard Time``.

    Raises:
        ValueError: Windows has no such zone.
    """
    # Python has the zones but not Windows' names for them. Imported only here: nothing that
    # starts a tenant without a time zone in it should wait for, or need, a package.
    from tzlocal.windows_tz import win_tz

    if windows_name not in win_tz:
        raise ValueError(f"the timeZone '{windows_name}' is not recognized")
    return ZoneInfo(win_tz[windows_name])


def next_occurrence(recurrence: Document, saved: datetime, after: datetime) -> datetime:
    """The first time, later than ``after``, at which the trigger fires.

    Without a start time the count begins when the workflow is saved; that it then also fires
    at once is the caller's matter.

    Args:
        recurrence: One in which ``problem_with`` finds nothing.
        saved: When the workflow was saved, UTC.
        after: UTC.
    """
    zone = zone_of(recurrence["timeZone"]) if recurrence.get("timeZone") else UTC
    start = recurrence.get("startTime")
    first = (
        datetime.fromisoformat(start).replace(tzinfo=None)
        if start
        else saved.astimezone(zone).replace(tzinfo=None)
    )
    first_utc = first.replace(tzinfo=zone).astimezone(UTC)
    frequency, interval = recurrence["frequency"], recurrence["interval"]
    if frequency in ELAPSED_SECONDS:
        step = timedelta(seconds=ELAPSED_SECONDS[frequency] * interval)
        steps = max(0, (after - first_utc) // step + 1)
        return first_utc + steps * step
    for local in _local_occurrences(recurrence, first, after.astimezone(zone).replace(tzinfo=None)):
        moment = local.replace(tzinfo=zone).astimezone(UTC)
        if moment > after and moment >= first_utc:
            return moment
    raise AssertionError("an endless iterator ended")


def _local_occurrences(recurrence: Document, first: datetime, near: datetime) -> Iterator[datetime]:
    """Wall-clock occurrences in order, beginning at or before ``near``."""
    frequency, interval = recurrence["frequency"], recurrence["interval"]
    schedule = recurrence.get("schedule") or {}
    times = sorted(
        (hour, minute)
        for hour in schedule.get("hours", [first.hour])
        for minute in schedule.get("minutes", [first.minute])
    )
    if frequency == "Month":
        months = (near.year - first.year) * 12 + near.month - first.month
        for step in count(max(0, months // interval - 1)):
            yield _add_months(first, step * interval)
    period = timedelta(days=interval * (7 if frequency == "Week" else 1))
    origin = first
    days = [0]
    if frequency == "Week":
        origin = first - timedelta(days=first.weekday())
        named = schedule.get("weekDays", [WEEK_DAYS[first.weekday()]])
        days = sorted(WEEK_DAYS.index(day) for day in named)
    for step in count(max(0, (near - origin) // period - 1)):
        for day in days:
            date = origin + step * period + timedelta(days=day)
            for hour, minute in times:
                yield date.replace(hour=hour, minute=minute)


def _add_months(moment: datetime, months: int) -> datetime:
    """The same day of a later month, or that month's last day where it is shorter."""
    year, month = divmod(moment.month - 1 + months, 12)
    year, month = moment.year + year, month + 1
    for day in range(moment.day, 27, -1):
        try:
            return moment.replace(year=year, month=month, day=day)
        except ValueError:
            continue
    return moment.replace(year=year, month=month)
