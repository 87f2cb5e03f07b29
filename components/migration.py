"""A deployed sender's or access's way from one scoping to the other, in runs that are each safe.

``both`` lies between the two: policy and grant stand, and a role in Exchange beside them. From
there either can be left. What is left goes in two steps: first what lets the identity send, the
grant or the role, and when nothing can use that any more, what confined it: the policy with its
group, or the scope. The state has the times, so that every run knows what is due.
See ``docs/decisions/0028-from-one-scoping-to-the-other.md``.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import pulumi

from .confined_mailbox_access import ConfinedMailboxAccess
from .deployed import Deployed
from .exchange.application_access_policy import POLICY_RELEASE
from .exchange.mail_enabled_security_group import GROUP_REMOVAL, Group
from .graph_permission import MailboxPermission, permission_resource
from .hooks import asking_hook
from .role_based_mailbox_access import RoleBasedMailboxAccess

ROLE_DELAY = timedelta(hours=2)
"""How long Graph may not know of a change of an application's roles: half an hour for one that is
idle, two for one that goes on calling.
https://learn.microsoft.com/exchange/permissions-exo/application-rbac#limitations"""

TOKEN_LIFETIME = timedelta(hours=24)
"""How long the platform may keep a managed identity's token, with the permissions of its day.
https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/managed-identities-faq"""

A_RUN = timedelta(hours=1)
"""What a run may take from the time that it notes to its deletions at the end, but for `settle`."""

BOTH, LEFT = "both", "left"
"""Ends of the names of what holds the times."""


class Scoping(StrEnum):
    """What confines the identity: a policy over what Entra grants, or the scope of a role."""

    POLICY = "applicationAccessPolicy"
    BOTH = "both"
    RBAC = "rbac"


@dataclass
class Standing:
    """What the state holds of a sender or an access.

    Attributes:
        policy: Its policy; likewise grants in Entra, roles in Exchange, and their scope.
        group: The group of the policy.
        since: From when both have let it send, and whom; empty where that is not so.
        left_at: When the grant, or the role, was about to go.
        renamed: What the state calls its policy, or the group of that, where the program has
            another name for it: a run without a policy would remove it at once.
    """

    policy: bool = False
    grants: bool = False
    roles: bool = False
    scope: bool = False
    group: Group | None = None
    since: Mapping[str, Any] = field(default_factory=dict)
    left_at: datetime | None = None
    renamed: str = ""

    @property
    def scoping(self) -> Scoping | None:
        """What lets it send; ``None`` where nothing does yet."""
        if self.roles:
            return Scoping.BOTH if self.grants else Scoping.RBAC
        return Scoping.POLICY if self.policy else None

    def may_leave_from(self, wanted: Scoping) -> datetime | None:
        """When ``both`` may be left for one of the two; ``None`` where it never was complete."""
        if not self.since:
            return None
        # A role acts late, and a grant only in a token that is issued after it.
        wait = ROLE_DELAY if wanted is Scoping.RBAC else TOKEN_LIFETIME
        return datetime.fromisoformat(self.since["since"]) + wait


@dataclass(frozen=True)
class Course:
    """What of the two a run has, besides what is wanted of it.

    Attributes:
        policy: Whether there is a policy, on its group; likewise grants, roles and their scope.
        leaving: Whether something of the other scoping stays for a time.
        left_at: When what let it send went; ``None`` where that is in this run.
        says: What is due when, for a preview; empty where nothing is.
    """

    policy: bool
    grants: bool
    roles: bool
    scope: bool
    leaving: bool = False
    left_at: datetime | None = None
    says: str = ""


def now() -> datetime:
    """The present moment, in UTC."""
    return datetime.now(UTC)


def course_of(
    scoping: Scoping,
    standing: Standing,
    *,
    settle_seconds: int,
    identity_outlives: bool = False,
) -> Course:
    """What a run has of both, for what is wanted and what is there.

    Args:
        scoping: What is wanted.
        standing: What is there.
        settle_seconds: What a run waits.
        identity_outlives: What confined the identity stays in Exchange when it leaves the state;
            see :func:`.exchange.exchange_command.outliving`.
    """
    if scoping is Scoping.BOTH:
        return Course(policy=True, grants=True, roles=True, scope=True, says=_says_both(standing))
    by_role = scoping is Scoping.RBAC
    stays = standing.policy if by_role else standing.scope
    goes_now = standing.grants if by_role else standing.roles
    # Of a run that was cut off the deletions may be missing: then they are of this one.
    left_at = None if goes_now else standing.left_at
    due = left_at and left_at + timedelta(seconds=settle_seconds) + A_RUN
    due = due and due + (TOKEN_LIFETIME if by_role else ROLE_DELAY)
    what = "the policy with its group" if by_role else "the scope of the former roles"
    goes, removes = "goes", "removes it"
    if identity_outlives:
        goes, removes = "leaves the state", "lets go of it, and says how it is removed"
    says = ""
    if stays and due and now() >= due:
        stays, says = False, f"{what} {goes} in this run"
    elif stays and due:
        says = f"{what} stays until {_spoken(due)}; the first `pulumi up` after that {removes}"
    elif stays:
        former, wait = ("grant", "a day") if by_role else ("role", "two hours")
        # A run that was to remove the rest may have ended amid it, the time gone from the state.
        begins = (
            f"the {former} goes in this run, after another proof"
            if goes_now
            else f"no time is noted from when on the {former} is gone (where somebody took it out "
            "of the state, it is not: python -m operations.reach)"
        )
        says = (
            f"{begins}; {what} stays, and {goes} in the first `pulumi up` that is {wait} and the "
            "length of a run later"
        )
    return Course(
        policy=not by_role or stays,
        grants=not by_role,
        roles=by_role,
        scope=by_role or stays,
        leaving=stays,
        left_at=left_at,
        says=says,
    )


def _says_both(standing: Standing) -> str:
    times = {wanted: standing.may_leave_from(wanted) for wanted in (Scoping.RBAC, Scoping.POLICY)}
    when = " and ".join(
        f"scoping: {wanted} from {_spoken(time)} on" for wanted, time in times.items() if time
    )
    return f"lets itself be changed to {when}" if when else ""


def _spoken(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M} UTC"


def deployed_standings(deployed: Deployed) -> dict[str, Standing]:
    """By the name of each sender or access that the state holds, what there is of it."""
    found: dict[str, Standing] = {}
    grants = [permission_resource("-access", each) for each in MailboxPermission]
    for (kind, name), outputs in deployed.items():
        if kind == "command:local:Command":
            for end, part in (
                ("-access-policy", "policy"),
                ("-access-pointer", "roles"),
                ("-scope", "scope"),
            ):
                if name.endswith(end):
                    setattr(found.setdefault(name.removesuffix(end), Standing()), part, True)
        elif kind == "azuread:index/appRoleAssignment:AppRoleAssignment":
            for end in grants:
                if name.endswith(end):
                    found.setdefault(name.removesuffix(end), Standing()).grants = True
        elif kind == "pulumi:index:Stash" and name.endswith(f"-{BOTH}"):
            found.setdefault(name.removesuffix(f"-{BOTH}"), Standing()).since = outputs["input"]
        elif kind == "pulumi:index:Stash" and name.endswith(f"-{LEFT}"):
            left_at = datetime.fromisoformat(outputs["input"])
            found.setdefault(name.removesuffix(f"-{LEFT}"), Standing()).left_at = left_at
    called = _policies_and_groups(deployed)
    for name, standing in found.items():
        if standing.policy:
            standing.group = _deployed_group(deployed, name)
        pointer = deployed.get(("command:local:Command", f"{name}-access-pointer"), {})
        application = json.loads(pointer.get("stdin", "{}")).get("appId")
        ours = (f"{name}-access-policy", f"{name}-group")
        others = (each for each in called.get(application, ()) if each not in ours)
        standing.renamed = next(others, "")
    return found


def _policies_and_groups(deployed: Deployed) -> dict[str, list[str]]:
    """By application, what the state calls its policies and their groups, whatever that is."""
    policies: list[tuple[str, dict[str, Any]]] = []
    groups: dict[str, str] = {}
    for (_, resource), outputs in deployed.items():
        script = str(outputs.get("delete")).rpartition("/")[2]
        if script == POLICY_RELEASE:
            policies.append((resource, json.loads(outputs["stdin"])))
        elif script == GROUP_REMOVAL:
            groups[json.loads(outputs["stdin"])["address"]] = resource
    called: dict[str, list[str]] = {}
    for policy, desired in policies:
        names = called.setdefault(desired["appId"], [])
        names.append(policy)
        if group := groups.get(desired["groupAddress"]):
            names.append(group)
    return called


def _deployed_group(deployed: Deployed, sender: str) -> Group | None:
    """The group of a policy that stays while the configuration has no group any more."""
    commands = [deployed.get(("command:local:Command", f"{sender}-{end}")) for end in _OF_GROUPS]
    if None in commands:
        return None
    group, policy = (json.loads(command["stdin"]) for command in commands if command)
    return Group(
        name=group["name"],
        display_name=group["displayName"],
        alias=group["alias"],
        address=group["address"],
        policy_description=policy["description"],
        managed_by=group["managedBy"],
        adopt=group["adopt"],
    )


_OF_GROUPS = ("group", "access-policy")


def note_times(
    name: str,
    scoping: Scoping,
    standing: Standing,
    course: Course,
    *,
    principal_id: pulumi.Input[str],
    client_id: pulumi.Input[str],
    roles: RoleBasedMailboxAccess | None,
    access: ConfinedMailboxAccess | None,
    permissions: Sequence[MailboxPermission],
    opts: pulumi.ResourceOptions,
) -> None:
    """Keeps in the state what the next runs are measured by.

    Args:
        name: Of the sender or the access.
        scoping: What is wanted.
        standing: What was there.
        course: What this run has of both.
        principal_id: Object id of the identity.
        client_id: Its client id.
        roles: What roles let it use, where there are any.
        access: What a policy and grants do, where there are any.
        permissions: What it is permitted.
        opts: Resource options.
    """
    if scoping is Scoping.BOTH and roles is not None and access is not None:
        _note_both(name, standing, principal_id, roles, access, permissions, opts)
    elif course.leaving:
        _note_left(name, course, client_id, roles, access, opts)


def _note_both(
    name: str,
    standing: Standing,
    principal_id: pulumi.Input[str],
    roles: RoleBasedMailboxAccess,
    access: ConfinedMailboxAccess,
    permissions: Sequence[MailboxPermission],
    opts: pulumi.ResourceOptions,
) -> None:
    """Keeps in the state since when both have let an identity use its mailboxes."""
    former, sorted_permissions = standing.since, sorted(permissions)

    def since(done: Sequence[Any]) -> dict[str, Any]:
        of = {"principalId": done[0], "permissions": sorted_permissions}
        unchanged = {key: former.get(key) for key in of} == of
        return {"since": former["since"] if unchanged else now().isoformat(), **of}

    pulumi.Stash(
        f"{name}-{BOTH}",
        input=pulumi.Output.all(
            principal_id,
            roles.proof.stdout,
            *(each.id for each in access.permissions),
        ).apply(since),
        opts=opts,
    )


def _note_left(
    name: str,
    course: Course,
    client_id: pulumi.Input[str],
    roles: RoleBasedMailboxAccess | None,
    access: ConfinedMailboxAccess | None,
    opts: pulumi.ResourceOptions,
) -> None:
    """Keeps in the state when what let it use them went; proves before that what stays.

    The engine deletes when everything else of a run has succeeded.
    """
    hooks = pulumi.ResourceHookBinding()
    proven: pulumi.Output[Any] = pulumi.Output.from_input(client_id)
    if roles is not None:
        proven = roles.proof.stdout
    elif access is not None:

        async def prove(_: pulumi.ResourceHookArgs) -> None:
            application = await pulumi.Output.from_input(client_id).future()
            await access.prove(str(application), otherwise="the roles stay", settle=False)

        hook = asking_hook(f"proof {name} before the roles go", prove)
        hooks = pulumi.ResourceHookBinding(before_create=[hook], before_update=[hook])
    left_at = course.left_at
    pulumi.Stash(
        f"{name}-{LEFT}",
        input=left_at.isoformat() if left_at else proven.apply(lambda _: now().isoformat()),
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(hooks=hooks)),
    )
