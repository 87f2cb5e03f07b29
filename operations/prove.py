"""Proves a deployed stack by sending: ``python -m operations.prove --stack STACK``.

Each sender's workflow sends a mail to its own mailbox, which Graph must accept (202), and then
tries to send as the control mailbox, which Graph must deny (403 ``ErrorAccessDenied``). Both go
through the deployed workflow and its identity; nothing is changed. What is tried as the control
mailbox has no recipients, so that it is never delivered
(``docs/decisions/0011-proof-by-sending.md``). A workflow without a probe can only send its own mail
to its own recipients, which ``--only-probes`` forbids.

Before that Exchange is asked, by the script that proves before each grant: a mailbox may refuse
Graph for a reason of its own, in the words of a policy, and a second policy may let the identity
reach further than the control mailbox shows.

A wrong answer may become right: Graph obeys a new policy up to an hour or more after Exchange's
test, and the platform keeps a token for a day. So wrong answers are asked for again until the time
is up. A right one is not: a proof sends one mail.

Exit codes: 0, both answers are right, of every sender, and Exchange agrees; 1, somebody gets
through who must not, or does not who must; 2, it could not find out.
"""

import argparse
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from http import HTTPStatus
from itertools import chain, repeat
from typing import Any, Protocol

from rich.table import Table
from rich.text import Text

from components.clouds import Cloud
from components.migration import Scoping
from components.workflow_definition import ACTION, OWN_PROBE_ACTION, PROBE_ACTION
from operations import consoles
from operations.exchange_proof import finding_of, proofs_in
from operations.exchange_script import ExchangeScriptError
from operations.signed_in import CloudRefusedError
from operations.workflow_runs import Answer, NotStartedError, WorkflowRuns

SENDER_TYPE = "scoped-mail-sender:index:ScopedMailSender"
ACCESS_TYPE = "exchange-online:index:ConfinedMailboxAccess"
ROLE_TYPE = "exchange-online:index:RoleBasedMailboxAccess"
WORKFLOW_TYPE = "logic-apps:index:LogicApp"
"""Types of the components in a state: a sender, and those of it that a proof is about."""

EXIT_CODES = {"right": 0, "wrong": 1, "unknown": 2}
# Seconds between one round and the next; the last of them from then on.
_PAUSES = (60, 120, 300)
# Each attempt keeps what Exchange remembers of the roles of an application alive, up to two hours;
# half an hour of rest has it read them anew. Source:
# https://learn.microsoft.com/exchange/permissions-exo/application-rbac#limitations.
_REST_OF_ROLES = 31 * 60


class Verdict(StrEnum):
    """What an answer says about the confinement."""

    RIGHT = "right"
    WRONG = "wrong"
    UNKNOWN = "unknown"


class ProofError(Exception):
    """The proof cannot even begin; the text says why, and what to do."""


@dataclass
class Trial:
    """One thing that a workflow is told to do, and the last answer to it.

    Attributes:
        sender: Name of the sender.
        mailbox: Address that is sent as.
        trigger: Name of the trigger; empty where the workflow has none for this.
        own: The trial of the sender's own mail; ``None`` where this is it.
        by_probe: Whether the own mail goes to the own mailbox, not to the recipients.
        by_role: Whether a role in Exchange lets the workflow send, with or without a grant.
        is_refused: Whether Azure refuses to start the run, and will go on refusing.
    """

    sender: str
    mailbox: str
    workflow_id: str
    trigger: str
    answer: Answer
    own: "Trial | None" = None
    by_probe: bool = False
    by_role: bool = False
    is_refused: bool = False

    @property
    def must_send(self) -> bool:
        """Whether Graph must accept it; if not, it must deny it."""
        return self.own is None

    @property
    def action(self) -> str:
        """Name of the action whose answer counts."""
        if not self.must_send:
            return PROBE_ACTION
        return OWN_PROBE_ACTION if self.by_probe else ACTION

    @property
    def expected(self) -> str:
        """The right answer, for people."""
        return "202 Accepted" if self.must_send else "403 ErrorAccessDenied"

    @property
    def verdict(self) -> Verdict:
        """What the last answer says."""
        status, code = self.answer.status, self.answer.code
        if self.own is None:
            if self.answer.accepted:
                return Verdict.RIGHT
            return Verdict.WRONG if status == HTTPStatus.FORBIDDEN else Verdict.UNKNOWN
        answer = self.answer
        out_of_scope = self.by_role and answer.denied_for_want_of_a_permission
        if answer.denied_by_policy or out_of_scope:
            # An identity without the permission, or with an old token, is denied everywhere.
            return self.own.verdict if self.own.verdict is Verdict.RIGHT else Verdict.UNKNOWN
        # A message without recipients is refused by its form only where access was not denied.
        if status // 100 == 2 or code == "ErrorInvalidRecipients":
            return Verdict.WRONG
        return Verdict.UNKNOWN


@dataclass(frozen=True)
class Opinion:
    """What Exchange says of one sender.

    Attributes:
        sender: Name of the sender.
        text: What it says, for people.
    """

    sender: str
    text: str
    verdict: Verdict


def senders_of(outputs: Mapping[str, Any], only: Sequence[str] = ()) -> dict[str, Any]:
    """The senders of a stack, by name.

    Args:
        outputs: The stack's outputs.
        only: Names of senders; empty for all.

    Raises:
        ProofError: The outputs are not those of a deployed stack, or have no such sender.
    """
    senders = outputs.get("senders")
    if not senders and not only and accesses_of(outputs):
        return {}
    if not senders or not isinstance(senders, Mapping):
        raise ProofError("nothing is deployed in this stack: run pulumi up first")
    for name, sender in senders.items():
        if not isinstance(sender, Mapping):
            raise ProofError(
                f"the outputs of {name} are none of a sender: run pulumi up with this version of "
                "the program first"
            )
    unknown = sorted(set(only) - senders.keys())
    if unknown:
        raise ProofError(f"there is no sender {unknown[0]}, only {', '.join(sorted(senders))}")
    return {name: sender for name, sender in senders.items() if not only or name in only}


def accesses_of(outputs: Mapping[str, Any]) -> dict[str, Any]:
    """The identities of others that a stack confines, by name: only Exchange is asked about them.

    Args:
        outputs: The stack's outputs.
    """
    accesses = outputs.get("access")
    if not isinstance(accesses, Mapping):
        return {}
    return {name: each for name, each in accesses.items() if isinstance(each, Mapping)}


def trials_of(senders: Mapping[str, Any]) -> list[Trial]:
    """What there is to try of senders (:func:`senders_of`).

    Raises:
        ProofError: The outputs of one are those of another version of the program.
    """
    return [trial for name, sender in senders.items() for trial in _trials_of_sender(name, sender)]


def _trials_of_sender(name: str, sender: Mapping[str, Any]) -> Iterator[Trial]:
    not_tried = Answer(0, "", "not tried")
    try:
        workflow, mailbox = sender["workflowId"], sender["mailboxAddress"]
        probe = sender.get("probeTrigger", "")
        if probe:
            own = Trial(
                name, mailbox, workflow, sender["ownProbeTrigger"], not_tried, by_probe=True
            )
        else:
            own = Trial(name, mailbox, workflow, sender["trigger"], not_tried)
            not_tried = Answer(0, "", "the sender has no probe: true")
        own.by_role = sender.get("scoping") in (Scoping.RBAC, Scoping.BOTH)
        yield own
        yield Trial(
            name,
            sender["controlMailbox"],
            workflow,
            probe,
            not_tried,
            own,
            by_role=own.by_role,
        )
    except KeyError as missing:
        raise ProofError(
            f"the outputs of {name} have no {missing.args[0]}: run pulumi up with this version of "
            "the program first"
        ) from None


def changed_since(deployment: Mapping[str, Any], moment: datetime) -> set[str]:
    """The senders of which access (policy, proof, grant) or workflow was changed since a moment.

    Args:
        deployment: The ``deployment`` of an exported state.
        moment: With a time zone. What is as old as it counts as changed.
    """
    resources = {each["urn"]: each for each in deployment.get("resources") or []}
    changed = set()
    for resource in resources.values():
        modified = resource.get("modified")
        if modified is not None and datetime.fromisoformat(modified) < moment:
            continue
        ancestors = {}
        parent = resource.get("parent")
        while parent is not None:
            ancestors[parent.split("::")[2].rpartition("$")[2]] = parent.split("::")[3]
            parent = resources[parent].get("parent")
        if ancestors.keys() & {ACCESS_TYPE, ROLE_TYPE, WORKFLOW_TYPE} and SENDER_TYPE in ancestors:
            changed.add(ancestors[SENDER_TYPE])
    return changed


def opinions_of(
    outputs: Mapping[str, Any],
    deployment: Mapping[str, Any],
    senders: Iterable[str],
    show: Callable[[str], None],
) -> list[Opinion]:
    """Asks Exchange about senders of a stack, and about identities of others.

    Args:
        outputs: The stack's outputs.
        deployment: The ``deployment`` of its exported state.
        senders: Their names, and those of the identities.
        show: Gets each line of progress.

    Raises:
        ProofError: It could not be asked.
    """
    try:
        proofs = proofs_in(deployment)
    except ExchangeScriptError as error:
        raise ProofError(f"Exchange could not be asked: {error}. Nothing was sent") from None
    opinions = []
    for name in senders:
        accesses = accesses_of(outputs)
        is_sender = name in (outputs.get("senders") or {})
        client_id = (outputs["senders"] if is_sender else accesses)[name].get("clientId")
        if client_id not in proofs:
            raise ProofError(
                f"the state has no proof of the identity of {name}: run pulumi up first"
            )

        def say(line: str, name: str = name) -> None:
            show(f"{name} in Exchange: {line}")

        try:
            findings = [finding_of(proof, say) for proof in proofs[client_id]]
        except ExchangeScriptError as error:
            raise ProofError(
                f"Exchange could not be asked about {name}: {error}. Nothing was sent. Sign in as "
                "the deployment does, or leave this out by --without-exchange: what a 403 rests on "
                "is not proven then"
            ) from None
        is_confined = all(confined for confined, _ in findings)
        objections = [text for _, objections in findings for text in objections]
        verdict = Verdict.RIGHT if not objections else Verdict.UNKNOWN
        opinion = Opinion(
            name,
            "; ".join(objections) or f"confined to its {'mailbox' if is_sender else 'mailboxes'}",
            verdict if is_confined else Verdict.WRONG,
        )
        say(opinion.text)
        opinions.append(opinion)
    return opinions


def prove(
    trials: Sequence[Trial],
    runs: WorkflowRuns,
    *,
    timeout: float,
    show: Callable[[str], None],
    sleep: Callable[[float], None] = time.sleep,
    now: Callable[[], float] = time.monotonic,
) -> None:
    """Tries everything until it is right, or the time is up; the answers are left in the trials.

    Args:
        trials: What to try. A sender's own mail comes before its control mailbox, so that a denial
            counts only when it came after the mail was accepted.
        runs: Who runs the workflows.
        timeout: For how many seconds a wrong answer is asked for again.
        show: Gets each line of progress.
        sleep: Lets seconds pass.
        now: A clock, in seconds.
    """
    begun = now()
    pending = [trial for trial in trials if trial.trigger]
    for pause in chain(_PAUSES, repeat(_PAUSES[-1])):
        pending = [trial for trial in pending if _is_open(trial, runs, show)]
        if any(trial.by_role for trial in pending):
            pause = max(pause, _REST_OF_ROLES)
        left = timeout - (now() - begun)
        if not pending or left <= 0:
            return
        awaited = "; ".join(f"{trial.expected} as {trial.mailbox}" for trial in pending)
        show(f"waiting for {awaited}: again in {min(pause, left):.0f} s, at most {left:.0f} s more")
        sleep(min(pause, left))


def _is_open(trial: Trial, runs: WorkflowRuns, show: Callable[[str], None]) -> bool:
    """Tries once; whether another answer may come by itself."""
    try:
        trial.answer = runs.ask(trial.workflow_id, trial.trigger, trial.action)
    except NotStartedError as error:
        trial.answer = Answer(0, "", str(error))
    except CloudRefusedError as error:
        trial.answer, trial.is_refused = Answer(0, "", str(error)), True
    show(f"{trial.sender} as {trial.mailbox}: {trial.answer}")
    # Without the own mail no denial can become right.
    is_final = trial.is_refused or (trial.own is not None and trial.own.is_refused)
    if trial.own is not None and trial.answer.denied_in_other_words:
        show(
            f"{trial.sender} as {trial.mailbox}: denied in words that are not known here, which is "
            "not asked for again. Read them: a policy denies, or the token lacks the permission."
        )
        is_final = True
    return not is_final and trial.verdict is not Verdict.RIGHT


class _Judged(Protocol):
    @property
    def verdict(self) -> Verdict: ...


def result_of(judged: Iterable[_Judged]) -> Verdict:
    """What all answers together say: one that is wrong outweighs one that is unknown."""
    verdicts = {each.verdict for each in judged}
    for verdict in (Verdict.WRONG, Verdict.UNKNOWN):
        if verdict in verdicts:
            return verdict
    return Verdict.RIGHT


_SAID = {
    Verdict.RIGHT: "Proven: each workflow sends as its own mailbox, is denied as the control "
    "mailbox, and Exchange says that this is by its policy or role.",
    Verdict.WRONG: "Not confined as it should be: see what is wrong above. A new policy may take "
    "an hour or more to reach Graph, a new permission a day; --timeout waits.",
    Verdict.UNKNOWN: "Could not find out: see what is unknown above.",
}
_WITHOUT_EXCHANGE = (
    "Each workflow sends as its own mailbox, and is denied as the control mailbox. Not proven is "
    "what the 403 rests on, since Exchange was not asked: a mailbox may refuse Graph for a reason "
    "of its own, and a second policy may let the identity reach others."
)
_BY_EXCHANGE = (
    "Exchange says that each identity of others is confined to its mailboxes. Nothing was sent."
)
_COLOURS = {Verdict.RIGHT: "green", Verdict.WRONG: "red", Verdict.UNKNOWN: "yellow"}


def _table(trials: Sequence[Trial]) -> Table:
    table = Table(title="Proof by sending", title_justify="left")
    for heading in ("sender", "sends as", "must get", "Graph answers", "is"):
        table.add_column(heading, overflow="fold")
    for trial in trials:
        table.add_row(
            *(Text(part) for part in (trial.sender, trial.mailbox, trial.expected.split()[0])),
            # Not as a plain text: Graph writes [RAOP], which rich could take for a colour.
            Text(str(trial.answer)),
            Text(trial.verdict, style=_COLOURS[trial.verdict]),
        )
    return table


def _table_of(opinions: Sequence[Opinion]) -> Table:
    table = Table(title="Exchange", title_justify="left")
    for heading in ("sender", "Exchange says", "is"):
        table.add_column(heading, overflow="fold")
    for opinion in opinions:
        verdict = Text(opinion.verdict, style=_COLOURS[opinion.verdict])
        table.add_row(Text(opinion.sender), Text(opinion.text), verdict)
    return table


def _as_json(stack: str, trials: Sequence[Trial], opinions: Sequence[Opinion] | None) -> str:
    return json.dumps(
        {
            "stack": stack,
            "result": result_of([*trials, *(opinions or ())]) if trials or opinions else "nothing",
            # Null where it was not asked, so that no program takes that for agreement.
            "exchange": opinions and [asdict(opinion) for opinion in opinions],
            "answers": [
                {
                    "sender": trial.sender,
                    "mailbox": trial.mailbox,
                    "expected": trial.expected,
                    "status": trial.answer.status,
                    "code": trial.answer.code,
                    "message": trial.answer.message,
                    "verdict": trial.verdict,
                }
                for trial in trials
            ],
        },
        indent=2,
    )


def stack_outputs(stack: str) -> dict[str, Any]:
    """The outputs of a stack of the project in the current folder; secrets stay unread.

    Raises:
        ProofError: They cannot be read.
    """
    return asked_of_pulumi("stack", "output", "--json", stack=stack, what="outputs")


def stack_deployment(stack: str) -> dict[str, Any]:
    """The state of a stack of the project in the current folder; secrets stay unread.

    Raises:
        ProofError: It cannot be read.
    """
    exported = asked_of_pulumi("stack", "export", stack=stack, what="state")
    deployment = exported.get("deployment") or {}
    if not isinstance(deployment, dict):
        raise ProofError(f"the state of the stack {stack} is no state, but {deployment!r:.100}")
    return deployment


def asked_of_pulumi(*arguments: str, stack: str, what: str) -> dict[str, Any]:
    """The JSON object that a command of Pulumi writes about a stack.

    Args:
        arguments: The command, without the name of the stack.
        stack: That name.
        what: What is asked for, for people.

    Raises:
        ProofError: It cannot be had.
    """
    pulumi = shutil.which("pulumi")
    if pulumi is None:
        raise ProofError(
            "there is no pulumi on PATH; install the Pulumi CLI that deploys the stack"
        )
    try:
        done = subprocess.run(  # noqa: S603 - the stack's name is one argument
            [pulumi, *arguments, "--non-interactive", "--stack", stack],
            capture_output=True,
            check=False,
            encoding="utf-8",
            errors="replace",
        )
    except OSError as error:
        raise ProofError(f"{pulumi} cannot be run: {error}") from None
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        reason = lines[-1].removeprefix("error: ") if lines else f"exit code {done.returncode}"
        raise ProofError(f"the {what} of the stack {stack} cannot be read: {reason}")
    try:
        answer = json.loads(done.stdout)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        raise ProofError(
            f"the {what} of the stack {stack} cannot be read: {pulumi} does not write a JSON "
            f"object, but {done.stdout[:100]!r}. Check which pulumi is on PATH"
        )
    return answer


def _cloud_in(outputs: Mapping[str, Any]) -> Cloud:
    name = outputs.get("cloud", Cloud.PUBLIC)
    if name not in list(Cloud):
        raise ProofError(
            f"the stack's output cloud is {name!r}, and not one of {', '.join(Cloud)}: run pulumi "
            "up with this version of the program first"
        )
    return Cloud(name)


def main(arguments: Sequence[str]) -> int:
    """Runs the command; returns the exit code of the process."""
    parser = argparse.ArgumentParser(
        prog="python -m operations.prove",
        description="Has deployed workflows send, and try what they must be denied.",
        epilog="Exit codes: 0 proven, 1 not confined as it should be, 2 could not find out.",
    )
    parser.add_argument("--stack", required=True, help="name of the stack")
    parser.add_argument(
        "--sender", action="append", default=[], metavar="NAME", help="only this one (repeatable)"
    )
    parser.add_argument(
        "--timeout",
        type=_minutes,
        default=90,
        metavar="MINUTES",
        help="for how long wrong answers are asked for again (default: 90; 0: once)",
    )
    parser.add_argument(
        "--without-exchange",
        action="store_true",
        help="for who has no rights in Exchange: what a 403 rests on is not proven then",
    )
    parser.add_argument(
        "--only-probes",
        action="store_true",
        help="leave out senders without probe: true, which could only send to their recipients",
    )
    parser.add_argument(
        "--since",
        type=_moment,
        metavar="TIME",
        help="leave out senders whose policy, proof, grant and workflow are older (ISO 8601)",
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    options = parser.parse_args(arguments)
    progress = consoles.progress()
    try:
        outputs = stack_outputs(options.stack)
        senders = senders_of(outputs, options.sender)
        deployment: dict[str, Any] = {}
        if options.since is not None or not options.without_exchange:
            deployment = stack_deployment(options.stack)
        senders = _left(senders, deployment, options, progress.print)
        trials = trials_of(senders)
        opinions: list[Opinion] | None = None
        if not options.without_exchange:
            accesses = {} if options.sender else accesses_of(outputs)
            opinions = opinions_of(outputs, deployment, [*senders, *accesses], progress.print)
        # Graph follows Exchange: what is wrong there does not become right here by waiting.
        is_hopeless = result_of(opinions or ()) is Verdict.WRONG
        prove(
            trials,
            WorkflowRuns(_cloud_in(outputs)),
            timeout=0 if is_hopeless else options.timeout * 60,
            show=progress.print,
        )
    except ProofError as error:
        progress.print(f"prove: {error}")
        return EXIT_CODES["unknown"]
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # noqa: BLE001 - a proof that broke off must not look like one that failed
        progress.print(f"prove: {' '.join(str(error).split()) or type(error).__name__}")
        return EXIT_CODES["unknown"]
    if not senders:
        progress.print("prove: there is nothing to prove by sending: see above")
    result = result_of([*trials, *(opinions or ())])
    if options.json:
        print(_as_json(options.stack, trials, opinions))  # noqa: T201 - this is the command's output
    elif senders or opinions:
        console = consoles.findings()
        if opinions:
            console.print(_table_of(opinions))
        if not trials:
            console.print(_BY_EXCHANGE if result is Verdict.RIGHT else _SAID[result])
            return EXIT_CODES[result]
        console.print(_table(trials))
        is_unproven = result is Verdict.RIGHT and options.without_exchange
        console.print(_WITHOUT_EXCHANGE if is_unproven else _SAID[result], soft_wrap=True)
    return EXIT_CODES[result]


def _left(
    senders: Mapping[str, Any],
    deployment: Mapping[str, Any],
    options: argparse.Namespace,
    show: Callable[[str], None],
) -> dict[str, Any]:
    """The senders that are to be proven; says why each of the others is not."""
    changed = set(senders)
    if options.since is not None:
        changed = changed_since(deployment, options.since)
    left = {}
    for name, sender in senders.items():
        if name not in changed:
            show(f"{name}: not proven again, since nothing of it changed since {options.since}")
        elif options.only_probes and not sender.get("probeTrigger"):
            show(f"{name}: not proven by sending, since it has no probe: true")
        else:
            left[name] = sender
    return left


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("write a time such as 2026-11-26T08:00:00Z") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _minutes(text: str) -> float:
    value = float(text)
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError("write a number of minutes, 0 or more")
    return value


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
