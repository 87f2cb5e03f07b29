"""What starts a workflow, as data, and as the Workflow Definition Language has it.

https://learn.microsoft.com/azure/logic-apps/logic-apps-workflow-actions-triggers
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

HTTP_TRIGGER = "manual"
"""Name of the HTTP request trigger: the designer's own, which callback URLs contain."""

RECURRENCE_TRIGGER = "Recurrence"
"""Name of the recurrence trigger."""


NOT_BY_SIGNATURE = (
    "@startsWith(coalesce(triggerOutputs()?['headers']?['Authorization'], ''), 'Bearer ')"
)
"""Condition of a trigger that no signature fires.

A call that has both a signature and an Authorization header the service refuses, so what gets here
with the header had its token checked. ``coalesce``, since a call by the signature has no such
header, and an error in a condition is another one's to explain. Source:
https://learn.microsoft.com/azure/logic-apps/logic-apps-securing-a-logic-app
"""


RUNS_AT_ONCE = 4
"""Of a trigger whose calls are queued: as many requests as Graph takes at once for a mailbox.

Source: https://learn.microsoft.com/graph/throttling-limits#outlook-service-limits
"""

WAITING_RUNS = 100
"""How many runs may wait besides, the most that Logic Apps takes.

Source: https://learn.microsoft.com/azure/logic-apps/logic-apps-limits-and-config#concurrency-and-debatching
"""

NO_SCHEMA: Mapping[str, Any] = {}


class Signature(StrEnum):
    """What the signature in a callback URL is good for."""

    ACCEPTED = "accepted"
    REFUSED = "refused"


class Frequency(StrEnum):
    """The unit in which a recurrence counts."""

    SECOND = "Second"
    MINUTE = "Minute"
    HOUR = "Hour"
    DAY = "Day"
    WEEK = "Week"
    MONTH = "Month"


class WeekDay(StrEnum):
    """A day of a weekly schedule."""

    MONDAY = "Monday"
    TUESDAY = "Tuesday"
    WEDNESDAY = "Wednesday"
    THURSDAY = "Thursday"
    FRIDAY = "Friday"
    SATURDAY = "Saturday"
    SUNDAY = "Sunday"


@dataclass(frozen=True, kw_only=True)
class Trigger:
    """One of the two below.

    Attributes:
        type: Which.
    """

    type: str

    def definition(self, schema: Mapping[str, Any] = NO_SCHEMA) -> dict[str, Any]:
        """The trigger by its name, as a workflow's definition has it.

        Args:
            schema: The JSON schema that the body of a call has to match; empty for none.
        """
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class HttpRequestTrigger(Trigger):
    """The workflow runs when its callback URL is called.

    What is posted to it is not used, but for the parameters of the message.

    Source: https://learn.microsoft.com/azure/logic-apps/logic-apps-securing-a-logic-app

    Attributes:
        allowed_callers: IPv4 ranges in CIDR notation from which it may be called: empty for other
            Logic Apps only, ``None`` for every address. They hold for calls with a signature and
            with a token alike, and not for a run that is started through Azure Resource Manager.
        entra_policies: By name, the claims that a token of Entra ID must have. A call is let in by
            such a token *or* by the signature in the callback URL: only ``allowed_callers`` and
            ``signature`` bar the latter.
        signature: Where it is refused, a call without a token starts nothing, and neither does
            Azure's management API (``docs/decisions/0020-signatures-by-a-condition.md``).
        queued: Whether no more than :data:`RUNS_AT_ONCE` runs are under way, and others wait. It
            cannot be undone, and leaves no room for another trigger, as a probe has.
        export_callback_url: Whether the stack has the callback URL among its outputs, as a secret.
    """

    type: Literal["httpRequest"] = "httpRequest"
    allowed_callers: Sequence[str] | None = None
    entra_policies: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    signature: Signature = Signature.ACCEPTED
    queued: bool = False
    export_callback_url: bool = False

    def definition(self, schema: Mapping[str, Any] = NO_SCHEMA) -> dict[str, Any]:
        """The trigger by its name, as a workflow's definition has it."""
        inputs = {"schema": dict(schema)}
        trigger: dict[str, Any] = {"type": "Request", "kind": "Http", "inputs": inputs}
        options = []
        if schema:
            # Without it the schema is a help for who edits the workflow. With it a call that does
            # not match gets a 400, and nothing runs.
            options.append("EnableSchemaValidation")
        if self.signature is Signature.REFUSED:
            trigger["conditions"] = [{"expression": NOT_BY_SIGNATURE}]
            # Without it the condition would not see the header.
            options.append("IncludeAuthorizationHeadersInOutputs")
        runtime: dict[str, Any] = {}
        if self.queued:
            runtime["concurrency"] = {"runs": RUNS_AT_ONCE, "maximumWaitingRuns": WAITING_RUNS}
        if options:
            trigger["operationOptions"] = ", ".join(options)
            # The run history would show its readers callers' tokens, and what they supply.
            runtime["secureData"] = {"properties": ["outputs"]}
        if runtime:
            trigger["runtimeConfiguration"] = runtime
        return {HTTP_TRIGGER: trigger}


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """At which hours and minutes, and on which days of the week, a recurrence fires.

    Attributes:
        hours: Hours of the day, for ``Day`` and ``Week``.
        minutes: Minutes of the hour, for ``Day`` and ``Week``.
        week_days: Days, for ``Week``.
    """

    hours: Sequence[int] = ()
    minutes: Sequence[int] = ()
    week_days: Sequence[WeekDay] = ()


@dataclass(frozen=True, kw_only=True)
class RecurrenceTrigger(Trigger):
    """The workflow runs by the clock.

    Attributes:
        frequency: The unit of ``interval``.
        interval: How many of those lie between two runs.
        start_time: ISO 8601; ``…Z`` without a time zone, without ``Z`` with one. Not optional, and
            to be in the past: without it the first run fires at deployment, before the grant, and
            the platform then keeps a token without the permission for a day.
        time_zone: Windows name of a time zone, such as ``W. Europe Standard Time``.
        schedule: When within a day or a week.
    """

    type: Literal["recurrence"] = "recurrence"
    frequency: Frequency
    interval: int
    start_time: str
    time_zone: str | None = None
    schedule: Schedule | None = None

    def definition(self, schema: Mapping[str, Any] = NO_SCHEMA) -> dict[str, Any]:
        """The trigger by its name, as a workflow's definition has it; nobody calls it."""
        recurrence: dict[str, Any] = {
            "frequency": self.frequency,
            "interval": self.interval,
            "startTime": self.start_time,
        }
        if self.time_zone is not None:
            recurrence["timeZone"] = self.time_zone
        schedule = self.schedule or Schedule()
        times = {
            "hours": schedule.hours,
            "minutes": schedule.minutes,
            "weekDays": schedule.week_days,
        }
        if given := {key: list(values) for key, values in times.items() if values}:
            recurrence["schedule"] = given
        return {RECURRENCE_TRIGGER: {"type": "Recurrence", "recurrence": recurrence}}
