"""Makes the next ``up`` converge after an answer was lost: ``python -m operations.recover``.

Two things stop an ``up`` that is run again. A killed engine leaves the stack locked, and its state
with operations that it never saw the end of. And where Azure or Entra did what was asked and the
answer was lost, or the state itself, the state does not hold what the cloud holds, and the
providers refuse to create it again, or to delete what is gone. This looks into the cloud and puts
the state right by what is there. What scripts make in Exchange needs none of it: each takes its own
object up again, and so the commands of a lost state are created anew. That is why a stack is taken
up with the configuration of its last deployment: no script looks for what that does not name.

It also finds what an identity of the stack is granted and no state knows. That stops no ``up``, and
would stay granted for ever.

It changes nothing in any cloud: it takes a lock away and edits the state. So it cannot break the
order in which an identity is confined. An app role assignment that it finds is imported as it is.
The program creates one only after policy and proof, so those were there when this one was made.
Whether they still are, only an ``up`` with ``drift: true`` looks. ``destroy`` removes it first,
since it then depends on everything that the state holds. Left out of the state it would be in
nobody's hands. One that is gone and forgotten is made again by ``up``, after another proof.

Exit codes: 0, nothing is in the way of ``up`` (any more); 1, it could not find out, or Pulumi or a
cloud refused; 2, a mistake on the command line; 3, something is still in the way: the answer was
no, there was nobody to ask, or an object in the cloud may be somebody else's.
"""

import argparse
import json
import os
import re
import shutil
import sys
import uuid
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from pulumi import automation
from pulumi.automation.errors import CommandError, ConcurrentUpdateError, StackNotFoundError
from pulumi.automation.events import EngineEvent
from rich.console import Console
from rich.prompt import Confirm
from rich.table import Table

from components.clouds import Cloud
from components.graph_permission import GRAPH_CLIENT_ID, MailboxPermission, permission_resource
from operations.cloud_look_up import (
    UNKNOWN,
    AppRoleAssignment,
    Found,
    Inputs,
    Kind,
    LeftBehind,
)
from operations.prove import ACCESS_TYPE
from operations.refusal import in_one_line
from operations.signed_in import CloudRefusedError, SignedIn

ROOT = Path(__file__).resolve().parent.parent
# What is found after the first round is what the first one uncovered: a program can be previewed
# again, or a resource group holds a workflow.
_ROUNDS = 4
_CREATING = {automation.OpType.CREATE, automation.OpType.CREATE_REPLACEMENT}
# What a preview shows in place of values that are not known yet, or secret.
_NOT_VALUES = (UNKNOWN, "[secret]")
_ORDERING = ("dependencies", "propertyDependencies")
_PROVIDER = "pulumi:providers:"

State = dict[str, Any]


class RecoveryError(Exception):
    """It cannot even begin; the text is one line that says why, and what to do."""


class Remedy(StrEnum):
    """What is done about something that is in the way."""

    UNLOCK = "take the lock away (pulumi cancel)"
    CLEAR = "clear it from the state"
    IMPORT = "import it into the state"
    FORGET = "remove it from the state"
    LEAVE = "leave it alone"


@dataclass(frozen=True)
class Finding:
    """One thing that is in the way of the next ``up``.

    Attributes:
        subject: The resource, or the stack.
        found: What was found out about it.
        urn: The resource's URN; empty for the stack.
        identifier: By which the provider knows the object in the cloud; empty for none.
        resource: What is imported, as the state has it.
        owners: What it belongs to and the state does not hold either, outermost first.
    """

    subject: str
    found: str
    remedy: Remedy
    urn: str = ""
    identifier: str = ""
    resource: State = field(default_factory=dict)
    owners: Sequence[State] = ()


@dataclass(frozen=True)
class _Creation:
    """A resource that the program would create, or had begun to."""

    urn: str
    inputs: Inputs
    parent: str
    provider: str

    @property
    def kind(self) -> Kind:
        return Kind(_type_in(self.urn))


@dataclass
class _Plan:
    """What the program would create now.

    Attributes:
        creations: What a cloud may hold already.
        owners: By URN, as the state has them: the stack, its components and its providers, which
            exist in the state only.
    """

    creations: list[_Creation] = field(default_factory=list)
    owners: dict[str, State] = field(default_factory=dict)


class Recovery:
    """What is in the way of a stack's next ``up``, and what takes it out of the way.

    Args:
        stack: The stack.
        clouds: Who looks into Azure and Entra.
        subscription: Id of the Azure subscription, where the state does not tell; may be empty.
        program: What declares the resources; by default the project's own, by its runtime.
        adopt: Whether a workflow that this program did not make is taken over.
    """

    def __init__(
        self,
        stack: automation.Stack,
        clouds: SignedIn,
        *,
        subscription: str = "",
        program: Callable[[], None] | None = None,
        adopt: bool = False,
    ) -> None:
        self._stack = stack
        self._clouds = clouds
        self._subscription = subscription
        self._program = program
        self._adopt = adopt
        self.preview_failure = ""
        """Why it is not known what the program would create; empty where it is."""

    def findings(self) -> list[Finding]:
        """What is in the way; nothing is changed.

        Raises:
            CloudRefusedError: A cloud does not tell what it holds.
            CommandError: The state cannot be read.
        """
        lock = self._lock()
        state = self._exported()
        pending = state.get("pending_operations") or []
        held = _held(state)
        cloud = LeftBehind(
            self._clouds,
            _subscription_in(held.values()) or self._subscription,
            [resource.get("id", "") for resource in held.values()],
        )
        gone = list(_gone(state, cloud))
        plan = self._planned()
        left = [*_unread(held), *_left_behind(pending, held, cloud, plan, adopt=self._adopt)]
        forgotten = {finding.urn for finding in gone}
        own = {urn: resource for urn, resource in held.items() if urn not in forgotten}
        known = {r["id"] for r in state.get("resources") or [] if r["type"] == Kind.GRANT}
        known |= {finding.identifier for finding in left}
        left += _excess(own, known, cloud, plan)
        imported = {finding.urn for finding in left if finding.remedy is not Remedy.CLEAR}
        cleared = [_cut_off(op) for op in pending if op["resource"]["urn"] not in imported]
        return [*lock, *cleared, *gone, *left]

    def put_right(self, findings: Sequence[Finding]) -> None:
        """Does what the findings say.

        Raises:
            CommandError: Pulumi refuses; what was done stays, and the rest can be done again.
        """
        if any(finding.remedy is Remedy.UNLOCK for finding in findings):
            self._stack.cancel()
        forgotten = {(f.urn, f.identifier) for f in findings if f.remedy is Remedy.FORGET}
        imported = {f.urn: f.resource for f in findings if f.remedy is Remedy.IMPORT}
        owners = {owner["urn"]: owner for f in findings for owner in f.owners}
        state = self._exported()
        state["pending_operations"] = []
        resources = _without(
            state.get("resources") or [],
            lambda resource: (resource["urn"], resource.get("id", "")) in forgotten,
        )
        state["resources"] = _with([*resources, *owners.values()], imported)
        self._import_state(state)
        if imported:
            # The provider reads them; should this be cut off, it is found out and done again.
            self._stack.refresh(target=list(imported))

    def _planned(self) -> _Plan:
        """What the program would create now."""
        plan = _Plan()

        def on_event(event: EngineEvent) -> None:
            step = event.resource_pre_event and event.resource_pre_event.metadata
            if not step or not step.new or step.op not in _CREATING:
                return
            inputs, parent = step.new.inputs or {}, step.new.parent or ""
            if step.type in set(Kind):
                plan.creations.append(_Creation(step.urn, inputs, parent, step.provider))
            elif step.type.startswith(_PROVIDER):
                plan.owners[step.urn] = _provider(step.urn, step.type, inputs)
            elif not step.new.custom:
                plan.owners[step.urn] = {
                    "urn": step.urn,
                    "custom": False,
                    "type": step.type,
                    "inputs": _known(inputs),
                } | ({"parent": parent} if parent else {})

        self.preview_failure = ""
        try:
            self._stack.preview(program=self._program, on_event=on_event)
        except CommandError as error:
            self.preview_failure = in_one_line(error)
        return plan

    def _lock(self) -> list[Finding]:
        # No command of Pulumi tells. A state that is imported as it was exported stays what it is.
        try:
            self._import_state(self._exported())
        except ConcurrentUpdateError as error:
            who = re.search(r"created by (.+)", str(error))
            by = f"locked by {who.group(1).strip()}" if who else "locked by another update"
            text = f"{by}; make sure that nobody is deploying"
            return [Finding(f"stack {self._stack.name}", text, Remedy.UNLOCK)]
        return []

    def _exported(self) -> State:
        # The Automation API's own export decrypts secrets.
        workspace = self._stack.workspace
        result = workspace.pulumi_command.run(
            ["stack", "export", "--stack", self._stack.name],
            workspace.work_dir,
            {**workspace.env_vars, **_home(workspace)},
        )
        try:
            state = json.loads(result.stdout)
            self._format = state["version"]
            deployment: State = state["deployment"] or {}
        except (KeyError, TypeError):
            raise RecoveryError(
                f"pulumi stack export of {self._stack.name} writes no state, but "
                f"{result.stdout[:100]!r}. Check which pulumi is on PATH"
            ) from None
        return deployment

    def _import_state(self, deployment: State) -> None:
        self._stack.import_stack(automation.Deployment(version=self._format, deployment=deployment))


def _home(workspace: automation.Workspace) -> dict[str, str]:
    return {"PULUMI_HOME": workspace.pulumi_home} if workspace.pulumi_home else {}


def _type_in(urn: str) -> str:
    return urn.split("::")[2].rpartition("$")[2]


def _subject(urn: str) -> str:
    return f"{_type_in(urn).rpartition(':')[2]} {urn.rpartition('::')[2]}"


def _short(identifier: str) -> str:
    return re.sub("^/subscriptions/[^/]+", "", identifier)


def _held(state: State) -> State:
    """The resources that the state holds, by URN; not those that are deleted for a successor."""
    return {
        resource["urn"]: resource
        for resource in state.get("resources") or []
        if not resource.get("delete") and not resource.get("pendingReplacement")
    }


def _subscription_in(resources: Any) -> str:
    for resource in resources:
        found = re.match("/subscriptions/([^/]+)/", resource.get("id", ""), re.IGNORECASE)
        if found:
            return found.group(1)
    return ""


def _gone(state: State, cloud: LeftBehind) -> Iterator[Finding]:
    """What the state holds, and the cloud does not."""
    for resource in state.get("resources") or []:
        urn = resource["urn"]
        if _type_in(urn) not in set(Kind):
            continue
        kind = Kind(_type_in(urn))
        # Of what was deleted for its successor the state keeps the place, and the engine deletes it
        # again with what it depends on. Azure takes that for done, Entra refuses.
        if resource.get("pendingReplacement") and kind is not Kind.GRANT:
            continue
        if cloud.is_gone(kind, resource["id"], resource["inputs"]):
            text = f"gone: {_short(resource['id'])}"
            yield Finding(_subject(urn), text, Remedy.FORGET, urn, resource["id"])


def _unread(held: State) -> Iterator[Finding]:
    """What an interrupted run of this has put into the state, and no provider has read yet."""
    for urn, resource in held.items():
        if _type_in(urn) in set(Kind) and not resource.get("outputs"):
            text = f"not read yet: {_short(resource['id'])}"
            yield Finding(_subject(urn), text, Remedy.IMPORT, urn, resource["id"], resource)


def _begun(pending: Sequence[State]) -> Iterator[_Creation]:
    for operation in pending:
        resource = operation["resource"]
        if operation["type"] == "creating" and _type_in(resource["urn"]) in set(Kind):
            yield _Creation(
                resource["urn"],
                resource.get("inputs") or {},
                resource.get("parent", ""),
                resource.get("provider", ""),
            )


def _provider(urn: str, type_: str, inputs: Inputs) -> State:
    """A provider that the program would create, as the state has it."""
    known = _known(inputs)
    outputs = {name: value for name, value in known.items() if name != "__internal"}
    identity = {"urn": urn, "custom": True, "id": str(uuid.uuid4()), "type": type_}
    return identity | {"inputs": known, "outputs": outputs}


def _known(inputs: Inputs) -> State:
    return {
        name: value
        for name, value in inputs.items()
        if not any(text in json.dumps(value) for text in _NOT_VALUES)
    }


def _owners(creation: _Creation, held: State, planned: State) -> list[State] | None:
    """What a resource belongs to and the state does not hold; ``None`` where nobody knows it."""
    missing: list[State] = []
    provider = creation.provider.rpartition("::")[0]
    for urn in (provider, creation.parent):
        while urn and urn not in held:
            if urn not in planned:
                return None
            missing.insert(0, planned[urn])
            urn = planned[urn].get("parent", "")
    return missing


def _left_behind(
    pending: Sequence[State], held: State, cloud: LeftBehind, plan: _Plan, *, adopt: bool
) -> Iterator[Finding]:
    """What the cloud holds, and the state does not."""
    # What was begun before what would be begun now: the configuration may have changed since.
    creations = [*_begun(pending), *plan.creations]
    creations = [creation for creation in creations if creation.urn not in held]
    planned = [cloud.identifier(creation.kind, creation.inputs) for creation in creations]
    names = {resource.get("id", "").casefold(): urn for urn, resource in held.items()}
    seen: set[str] = set()
    for creation in creations:
        if creation.urn in seen:
            continue
        found = cloud.find(creation.kind, creation.inputs, planned)
        if found is not None:
            seen.add(creation.urn)
            finding = _taken_up(creation, found, held, plan.owners)
            name = names.get(found.identifier.casefold())
            if name is not None:
                yield _renamed(finding, name)
            else:
                yield _foreign(finding, adopt=adopt) if found.is_foreign else finding


def _excess(
    held: State, known: Collection[str], cloud: LeftBehind, plan: _Plan
) -> Iterator[Finding]:
    """What identities of the stack are granted, and neither the state nor the program knows.

    Such as a permission of which the answer was lost, and that was then taken out of the
    configuration. Imported under the name that it would have there, it is what the engine deletes
    in the next ``up``, or keeps where it is configured again.
    """
    for urn, principal in _identities(held):
        for grant in cloud.grants_of(principal):
            if grant.identifier in known:
                continue
            application, role = cloud.role_of(grant)
            name = urn.rpartition("::")[2]
            found = Finding(
                f"{role} of {name}",
                f"granted, and in no state: {grant.identifier}",
                Remedy.LEAVE,
                identifier=grant.identifier,
            )
            creation = None
            if application == GRAPH_CLIENT_ID and role in set(MailboxPermission):
                creation = _creation_of(grant, MailboxPermission(role), urn, held, plan)
            if creation is None or creation.urn in held:
                path = f"servicePrincipals/{grant.principal}/appRoleAssignments/{grant.id}"
                text = (
                    f"{found.found}; it was not granted by this program. Where nobody needs it, "
                    f"DELETE /v1.0/{path} in Microsoft Graph takes it out"
                )
                yield replace(found, found=text)
                continue
            taken_up = _taken_up(creation, Found(grant.identifier), held, plan.owners)
            text = f"{found.found}; the next up takes it out, unless the configuration names it"
            yield replace(taken_up, subject=found.subject, found=text)


def _identities(held: State) -> Iterator[tuple[str, str]]:
    """The identities of a stack: URN of the resource, and object id of the service principal."""
    for urn, resource in held.items():
        outputs = resource.get("outputs") or {}
        if resource["type"] == Kind.WORKFLOW:
            outputs = outputs.get("identity") or {}
        elif resource["type"] != Kind.IDENTITY:
            continue
        if outputs.get("principalId"):
            yield urn, outputs["principalId"]


def _creation_of(
    grant: AppRoleAssignment, permission: MailboxPermission, identity: str, held: State, plan: _Plan
) -> _Creation | None:
    """The grant of a permission as the program would make it; ``None`` where that is not known."""
    resources = held | plan.owners
    # The sender has the identity's component, and beside that the one of its access.
    sender = resources.get(held[identity].get("parent", ""), {}).get("parent")
    access = [
        urn
        for urn, resource in resources.items()
        if resource["type"] == ACCESS_TYPE and sender and resource.get("parent") == sender
    ]
    providers = [
        f"{urn}::{resource['id']}"
        for urn, resource in resources.items()
        if resource["type"] == f"{_PROVIDER}azuread"
    ]
    if not access or not providers:
        return None
    name = permission_resource(access[0].rpartition("::")[2], permission)
    return _Creation(_child(access[0], Kind.GRANT, name), grant.inputs, access[0], providers[0])


def _child(parent: str, type_: str, name: str) -> str:
    """URN of a child of a component."""
    return f"{parent.rpartition('::')[0]}${type_}::{name}"


def _taken_up(creation: _Creation, found: Found, held: State, planned: State) -> Finding:
    """What to do about an object that the program would create and that is there."""
    finding = Finding(
        _subject(creation.urn),
        f"already there: {_short(found.identifier)}",
        Remedy.IMPORT,
        creation.urn,
        found.identifier,
    )
    if found.objection:
        text = (
            f"{_short(found.identifier)} {found.objection}; where it is this stack's own, "
            "configure it as it is and run this again; where it is somebody else's, choose another "
            "name"
        )
        return replace(finding, found=text, remedy=Remedy.LEAVE)
    owners = _owners(creation, held, planned)
    if owners is None:
        text = (
            f"{finding.found}, but what it belongs to is neither in the state nor in the program; "
            "give back the configuration that made it, and run this again"
        )
        return replace(finding, found=text, remedy=Remedy.LEAVE)
    provider = creation.provider.rpartition("::")[0]
    resource = {
        "urn": creation.urn,
        "custom": True,
        "id": found.identifier,
        "type": creation.kind.value,
        "inputs": _known(creation.inputs),
        "parent": creation.parent,
        "provider": f"{provider}::{(held | planned)[provider]['id']}",
    }
    return replace(finding, resource=resource, owners=owners)


def _renamed(finding: Finding, former: str) -> Finding:
    """What to do about an object that the state holds by another name.

    Imported, it would be in the state twice, and the next ``up`` would delete it by its former
    name: a sender would be without its grant, and each further ``up`` would find nothing to do.
    """
    text = (
        f"{finding.found}, and the state has it as {_subject(former)}; give it that name again in "
        "the program, or an alias. Where only its name changed, pulumi state rename gives it the "
        "new one in the state (pulumi stack --show-urns says what to rename)"
    )
    return replace(finding, found=text, remedy=Remedy.LEAVE)


def _foreign(finding: Finding, *, adopt: bool) -> Finding:
    """What to do about a workflow that somebody made by other means; nobody's is taken silently."""
    text = f"{finding.found}, and not made by this program"
    if adopt:
        return replace(finding, found=f"{text}: up gives it the configured definition")
    return replace(
        finding,
        found=f"{text}; run this with --adopt to take it over (docs/adopting.md), or choose "
        "another name",
        remedy=Remedy.LEAVE,
    )


def _with(resources: Sequence[State], imported: State) -> list[State]:
    """The resources of a state, and some that the cloud holds; the provider is to read them yet."""
    result = list(resources)
    places = {resource["urn"]: place for place, resource in enumerate(resources)}
    # An import knows no dependencies. Should a destroy come before the next up, which does, it
    # deletes these first: a grant before the group with the policy, a workflow before its identity
    # and its resource group; and a grant before what it is of, or Entra could not delete it again.
    others = [r for r in resources if r.get("custom") and not r["type"].startswith("pulumi:")]
    for urn, resource in imported.items():
        kind = resource["type"]
        if urn in places:
            # What was deleted for its successor, or what an interrupted run of this has written.
            former = resources[places[urn]]
            kept = {name: former[name] for name in _ORDERING if name in former}
            result[places[urn]] = resource | kept
        else:
            before = [r["urn"] for r in others if kind is Kind.GRANT or r["type"] != Kind.GRANT]
            result.append(resource | {"dependencies": before})
            others.append(resource)
    return result


def _cut_off(operation: State) -> Finding:
    urn = operation["resource"]["urn"]
    text = f"{operation['type']} was cut off; the next run does it again"
    return Finding(_subject(urn), text, Remedy.CLEAR, urn)


def _without(resources: Sequence[State], is_dropped: Callable[[State], bool]) -> list[State]:
    """The resources of a state but some, and no dependency on what is not there any more."""
    kept = [resource for resource in resources if not is_dropped(resource)]
    urns = {resource["urn"] for resource in kept}

    def present(dependencies: Sequence[str] | None) -> list[str]:
        return [urn for urn in dependencies or [] if urn in urns]

    for resource in kept:
        resource["dependencies"] = present(resource.get("dependencies"))
        resource["propertyDependencies"] = {
            name: present(of) for name, of in (resource.get("propertyDependencies") or {}).items()
        }
    return kept


_AS_DEPLOYED = (
    "Run pulumi up with the configuration of the last deployment before you change it: a role in "
    "Exchange that the configuration does not name is not looked for here, and stays assigned "
    "(python -m operations.reach lists it)."
)


def recover(recovery: Recovery, console: Console, *, ask: Callable[[], bool] | None) -> int:
    """Shows what is in the way, asks, and puts it right, until nothing is.

    Args:
        recovery: Of the stack.
        console: Where it is shown.
        ask: Gets the answer; ``None`` does without.

    Returns:
        The exit code.
    """
    for more in reversed(range(_ROUNDS)):
        findings = recovery.findings()
        doable = [finding for finding in findings if finding.remedy is not Remedy.LEAVE]
        if findings:
            console.print(_table(findings))
        if recovery.preview_failure:
            console.print(f"The program cannot be previewed: {recovery.preview_failure}")
        if not doable or not more:
            break
        if ask is not None and not ask():
            console.print("Nothing was changed.")
            return 3
        recovery.put_right(doable)
        console.print(f"Done, for {', '.join(finding.subject for finding in doable)}.")
        if any(finding.resource.get("type") == Kind.GRANT for finding in doable):
            console.print(_AS_DEPLOYED)
    if recovery.preview_failure:
        return 1
    if findings:
        console.print("Something is still in the way of up: see above.")
        return 3
    console.print("Nothing is in the way: run pulumi up.")
    return 0


def _table(findings: Sequence[Finding]) -> Table:
    table = Table(title="In the way of the next up", title_justify="left")
    for heading in ("what", "found", "to do"):
        table.add_column(heading, overflow="fold")
    for finding in findings:
        table.add_row(finding.subject, finding.found, finding.remedy)
    return table


def main(arguments: Sequence[str]) -> int:
    """Runs the command; returns the exit code of the process."""
    parser = argparse.ArgumentParser(
        prog="python -m operations.recover",
        description="Makes the next up of a stack converge after one was cut off.",
    )
    parser.add_argument("--stack", required=True, help="name of the stack")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument(
        "--adopt",
        action="store_true",
        help="take over a workflow, and its grant, that were made by hand (docs/adopting.md)",
    )
    options = parser.parse_args(arguments)
    ask: Callable[[], bool] | None = None
    if not options.yes:
        ask = _ask if sys.stdin.isatty() else _nobody
    if shutil.which("pulumi") is None:
        return _fail("there is no pulumi on PATH; install the Pulumi CLI that deploys the stack")
    try:
        stack = automation.select_stack(options.stack, work_dir=str(ROOT))
        configuration = stack.get_all_config()

        def configured(key: str, default: str) -> str:
            return configuration[key].value if key in configuration else default

        recovery = Recovery(
            stack,
            SignedIn(_cloud(configured("scoped-mail-sender:cloud", Cloud.PUBLIC))),
            subscription=configured(
                "azure-native:subscriptionId", os.environ.get("ARM_SUBSCRIPTION_ID", "")
            ),
            adopt=options.adopt,
        )
        return recover(recovery, Console(highlight=False), ask=ask)
    except StackNotFoundError:
        return _fail(
            f"there is no stack {options.stack} where pulumi is signed in (pulumi whoami "
            "--verbose). Sign in where its state is kept; where that is lost, make the stack "
            f"anew by pulumi stack init {options.stack}, and run this again"
        )
    except json.JSONDecodeError as error:
        return _fail(
            f"{shutil.which('pulumi')} does not write JSON where it is asked for JSON, but "
            f"{error.doc[:100]!r}. Check which pulumi is on PATH"
        )
    except CommandError as error:
        return _fail(in_one_line(error))
    except (CloudRefusedError, RecoveryError) as error:
        return _fail(str(error))
    except KeyboardInterrupt:
        return 130


def _cloud(name: str) -> Cloud:
    if name not in list(Cloud):
        raise RecoveryError(
            f"scoped-mail-sender:cloud is {name!r} in the stack's configuration. Set it to one of "
            f"{', '.join(Cloud)}."
        )
    return Cloud(name)


def _ask() -> bool:
    return Confirm.ask("Do this?", default=False)


def _nobody() -> bool:
    _fail("there is nobody to ask; --yes does it without asking")
    return False


def _fail(text: str) -> int:
    print(f"recover: {text}", file=sys.stderr)  # noqa: T201 - this is a command's error output
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
