"""Faults that are planned for single calls: what a cloud, a network or a machine does wrong.

A plan is kept with the tenant, so that every process that works in it meets it. A step of a run is
known by who calls, what is called, on what, and for the how manieth time: the bare number of a call
would name another one in every run, because the engine works in parallel.

The method is that of Sieve (Sun et al., OSDI 2022): learn the calls of a clean run, then plan one
perturbation at each of them.
"""

import os
import re
import signal
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from zlib import crc32

from simulator.tenant import fault_texts
from simulator.tenant.answers import CloudError, ConnectionLostError
from simulator.tenant.exchange.recipients import ambiguous
from simulator.tenant.graph import no_mailbox, permission_missing
from simulator.tenant.store import Call, Store

ENGINE_PID = "engine.pid"
"""Beside the tenant's file: the process id of the Pulumi CLI that was started last."""

RETRY_AFTER_SECONDS = 17
"""What a throttled call is told to wait."""

_PLAN = "fault plan"
_SEEN = "fault plan seen"
# Windows has no SIGKILL; there SIGTERM ends a process as hard.
_KILL = getattr(signal, "SIGKILL", signal.SIGTERM)
# Ids differ from run to run: object ids, security ids, the ids of app role assignments, and what
# is made of one at the end of a name.
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_SECURITY_ID = re.compile(r"S-1-5-[\d-]+")
_ASSIGNMENT = re.compile(r"(?:(?<=appRoleAssignedTo/)|(?<=appRoleAssignments/))[\w-]+")
_DIGEST = re.compile(r"(?<= )[0-9a-f]{12}$")


class Kind(StrEnum):
    """What goes wrong with a call."""

    REFUSED = "refused"
    """The service says no, for good: rights are missing."""
    THROTTLED = "throttled"
    """The service cannot now, and says so: 429 with Retry-After, in Exchange one of several."""
    AMBIGUOUS = "ambiguous"
    """The identity stands for several objects, for good; by its type the error is a "not found".
    Exchange only."""
    NO_MAILBOX = "no mailbox"
    """The mailbox is not there, or not yet. sendMail only."""
    NOT_FOUND_ONCE = "not found once"
    """A domain controller that lags behind says that an object is not there. Exchange only."""
    TIMEOUT_BEFORE = "timeout before"
    """No answer, and nothing was done."""
    TIMEOUT_AFTER = "timeout after"
    """No answer, and it was done."""
    KILLED_BEFORE = "killed before"
    """The PowerShell process dies before the call reaches the service."""
    KILLED_AFTER = "killed after"
    """The PowerShell process dies before the answer reaches it."""
    ENGINE_KILLED = "engine killed"
    """The Pulumi CLI dies of SIGKILL when the call has been done."""


_OF_SERVICES = frozenset(
    {Kind.REFUSED, Kind.THROTTLED, Kind.TIMEOUT_BEFORE, Kind.TIMEOUT_AFTER, Kind.ENGINE_KILLED}
)
_AFTER = frozenset({Kind.TIMEOUT_AFTER, Kind.KILLED_AFTER, Kind.ENGINE_KILLED})
KINDS: dict[str, frozenset[Kind]] = {
    "ARM": _OF_SERVICES,
    "Graph": _OF_SERVICES | {Kind.NO_MAILBOX},
    "Exchange": _OF_SERVICES
    | {Kind.AMBIGUOUS, Kind.NOT_FOUND_ONCE, Kind.KILLED_BEFORE, Kind.KILLED_AFTER},
    "PowerShell": frozenset({Kind.KILLED_BEFORE, Kind.ENGINE_KILLED}),
}
"""What can go wrong with the calls of each service that faults can be planned for."""
_SEND_MAIL = "/sendMail"
_CONNECT = "Connect-ExchangeOnline"
# These name what is not there yet; Connect-ExchangeOnline names the organisation.
_WITHOUT_OBJECT = (
    _CONNECT,
    "New-Mailbox",
    "New-DistributionGroup",
    "New-ServicePrincipal",
    "New-ManagementScope",
    "New-ManagementRoleAssignment",
)


@dataclass(frozen=True)
class Step:
    """One call of a run.

    Attributes:
        caller: The script that calls, empty for a provider.
        service: As in the log of calls: ``ARM``, ``Graph``, ``Exchange``, ``PowerShell``.
        target: What it is called on, with ids that differ from run to run as ``{id}``.
        occurrence: Counts the calls that are otherwise the same, from 1.
    """

    caller: str
    service: str
    operation: str
    target: str
    occurrence: int

    @property
    def kinds(self) -> list[Kind]:
        """What can go wrong with it, in the order of ``Kind``."""
        impossible: set[Kind] = set()
        if not self.target or self.operation in _WITHOUT_OBJECT:
            impossible |= {Kind.AMBIGUOUS, Kind.NOT_FOUND_ONCE}
        if not self.target.endswith(_SEND_MAIL):
            impossible.add(Kind.NO_MAILBOX)
        return [kind for kind in Kind if kind in KINDS[self.service] - impossible]

    def number_of_texts(self, kind: Kind) -> int:
        """In how many texts it may be reported."""
        if self.service != "Exchange":
            return 1
        return max(1, len(_of_exchange(kind, self.operation, self.target)))

    def __str__(self) -> str:
        by = f"{self.caller}: " if self.caller else ""
        return f"{by}{self.service} {self.operation} {self.target} #{self.occurrence}"


@dataclass(frozen=True)
class Fault:
    """One fault, at one step.

    Attributes:
        text: Which of the texts of ``fault_texts.py`` reports it; by default the step decides.
    """

    step: Step
    kind: Kind
    text: int | None = None

    @property
    def number_of_text(self) -> int:
        """The text that reports it: the same in every run."""
        texts = self.step.number_of_texts(self.kind)
        if self.text is not None:
            return self.text
        # Not hash(), which differs from one process to the next.
        return crc32(str(self.step).encode()) % texts


def steps(calls: Iterable[Call]) -> list[Step]:
    """The steps of a run at which a fault can be planned, from the run's calls.

    Tokens are not among them: every SDK asks for them again by itself, and who holds none is as
    good as refused.
    """
    seen: Counter[tuple[str, str, str, str]] = Counter()
    found = []
    for call in calls:
        if call.service not in KINDS:
            continue
        key = (call.caller, call.service, call.operation, _without_ids(call.target))
        seen[key] += 1
        found.append(Step(*key, seen[key]))
    return found


def plan(store: Store, faults: Sequence[Fault]) -> None:
    """Plans faults for the calls from now on, in place of those planned before.

    Raises:
        ValueError: The kind of a fault cannot happen to its step, or there is no such text.
    """
    for fault in faults:
        if fault.kind not in fault.step.kinds:
            raise ValueError(f"'{fault.kind}' cannot happen to {fault.step}")
        if fault.number_of_text not in range(fault.step.number_of_texts(fault.kind)):
            raise ValueError(f"no text {fault.text} of '{fault.kind}' at {fault.step}")
    planned = [
        {**asdict(fault.step), "kind": fault.kind.value, "text": fault.number_of_text}
        for fault in faults
    ]
    with store.transaction():
        store.set_setting(_PLAN, planned)
        store.set_setting(_SEEN, {})


def happened(store: Store) -> int:
    """How many of the planned faults have come due."""
    seen = store.setting(_SEEN, {})
    planned = store.setting(_PLAN, [])
    return sum(fault["occurrence"] <= seen.get(_name(fault), 0) for fault in planned)


def _name(fault: dict[str, str]) -> str:
    return "|".join(fault[part] for part in ("caller", "service", "operation", "target"))


@dataclass(frozen=True)
class FaultOfCall:
    """A fault that is to happen to the call that is under way.

    Attributes:
        service: Whose call it is; every service has words of its own.
        target: What it is called on.
        text: Which of the texts reports it.
        engine_pid: The file with the process id of the Pulumi CLI.
    """

    kind: Kind
    service: str
    operation: str
    target: str
    text: int
    engine_pid: Path

    @property
    def after_effect(self) -> bool:
        """Whether the call is done before the fault happens."""
        return self.kind in _AFTER

    def happen(self) -> None:
        """Lets it happen.

        Raises:
            Exception: What the caller gets in place of the answer.
        """
        if self.kind is Kind.ENGINE_KILLED:
            os.kill(int(self.engine_pid.read_text(encoding="ascii")), _KILL)
            # Whoever called lives on for a moment, and works for nobody.
            return
        if self.kind in (Kind.KILLED_BEFORE, Kind.KILLED_AFTER):
            os.kill(os.getpid(), _KILL)
        if self.service == "Exchange":
            raise _of_exchange(self.kind, self.operation, self.target)[self.text]
        if self.target.endswith(_SEND_MAIL) and self.kind in _OF_SENDING:
            raise _OF_SENDING[self.kind]()
        if self.kind is Kind.REFUSED:
            code, message = _REFUSALS[self.service]
            raise CloudError(403, code, message)
        if self.kind is Kind.THROTTLED:
            raise CloudError(
                429,
                "TooManyRequests",
                "The request has been throttled. Please try again later.",
                {"Retry-After": str(RETRY_AFTER_SECONDS)},
            )
        raise ConnectionLostError("read: connection reset by peer")


def due(
    store: Store, service: str, operation: str, target: str, engine_pid: Path
) -> FaultOfCall | None:
    """The fault that is planned for the call that is about to be made, if there is one."""
    key = {
        "caller": store.caller,
        "service": service,
        "operation": operation,
        "target": _without_ids(target),
    }
    with store.transaction():
        of_call = [f for f in store.setting(_PLAN, []) if f.items() >= key.items()]
        if not of_call:
            return None
        seen = store.setting(_SEEN, {})
        name = _name(key)
        seen[name] = seen.get(name, 0) + 1
        store.set_setting(_SEEN, seen)
    for fault in of_call:
        if fault["occurrence"] == seen[name]:
            kind = Kind(fault["kind"])
            return FaultOfCall(kind, service, operation, target, fault["text"], engine_pid)
    return None


_OF_SENDING: dict[Kind, Callable[[], CloudError]] = {
    Kind.REFUSED: permission_missing,
    Kind.NO_MAILBOX: no_mailbox,
    # Source: https://github.com/magodo/terraform-provider-outlook/issues/21.
    Kind.THROTTLED: lambda: CloudError(
        429,
        "ApplicationThrottled",
        "Application is over its MailboxConcurrency limit.",
        {"Retry-After": str(RETRY_AFTER_SECONDS)},
    ),
}
_REFUSALS = {
    "ARM": (
        "AuthorizationFailed",
        "The client does not have authorization to perform action over scope or the scope is "
        "invalid. If access was recently granted, please refresh your credentials.",
    ),
    "Graph": ("Authorization_RequestDenied", "Insufficient privileges to complete the operation."),
}


def _of_exchange(kind: Kind, operation: str, target: str) -> Sequence[Exception]:
    """What a call of Exchange may get in place of its answer, in the order of the texts."""
    if operation == _CONNECT:
        return [
            CloudError(_STATUS[kind], text.exception_type, text.message)
            for text in {
                Kind.REFUSED: (fault_texts.REFUSED,),
                Kind.THROTTLED: fault_texts.CONNECTING_BUSY,
                Kind.TIMEOUT_BEFORE: fault_texts.NOT_REACHED,
                Kind.TIMEOUT_AFTER: fault_texts.LOST,
            }.get(kind, ())
        ]
    if kind is Kind.AMBIGUOUS:
        return [ambiguous(target)]
    if kind is Kind.NOT_FOUND_ONCE:
        return [fault_texts.not_found_on_one(target)]
    changes = operation.partition("-")[0] not in ("Get", "Test")
    return [
        text.error()
        for text in {
            Kind.REFUSED: (fault_texts.REFUSED,),
            Kind.THROTTLED: fault_texts.BUSY,
            Kind.TIMEOUT_BEFORE: fault_texts.NOT_REACHED,
            Kind.TIMEOUT_AFTER: fault_texts.LOST,
        }.get(kind, ())
        if changes or not text.of_changes_only
    ]


_STATUS = {
    Kind.REFUSED: 403,
    Kind.THROTTLED: 429,
    Kind.TIMEOUT_BEFORE: 408,
    Kind.TIMEOUT_AFTER: 408,
}


def _without_ids(target: str) -> str:
    for ids in (_GUID, _SECURITY_ID, _ASSIGNMENT, _DIGEST):
        target = ids.sub("{id}", target)
    return target
