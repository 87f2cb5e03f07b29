"""A Logic App that sends mail as one shared mailbox, and as no other.

Puts the pieces together in the order that is never unconfined: mailbox, group with its members,
workflow with its identity, policy, proof, grant. With a user-assigned identity the workflow comes
last, so that none of its runs meets an identity without the permission. Teardown runs it backwards,
except that the policy goes with the group: after the grant, the workflow and the identity. With
``scoping: rbac`` roles in Exchange, bound to the mailbox, stand for group, policy and grant.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import pulumi

from .clouds import ENDPOINTS
from .confined_mailbox_access import ConfinedMailboxAccess, ConfinedMailboxAccessArgs
from .deployed import Deployed
from .exchange.exchange_command import ExchangeOrganization
from .exchange.mail_enabled_security_group import (
    Group,
    MailEnabledSecurityGroup,
    MailEnabledSecurityGroupArgs,
)
from .exchange.management_scope import ManagementScope, ManagementScopeArgs
from .exchange.shared_mailbox import Mailbox, SharedMailbox, SharedMailboxArgs
from .graph_permission import MailboxPermission
from .inputs import child_options, inputs_of
from .logic_app import LogicApp, LogicAppArgs, WorkflowIdentity
from .message import Message
from .migration import Scoping as Scoping
from .migration import Standing, course_of, note_times
from .role_based_mailbox_access import (
    RoleBasedMailboxAccess,
    RoleBasedMailboxAccessArgs,
)
from .trigger import HTTP_TRIGGER, HttpRequestTrigger, Trigger
from .user_assigned_identity import UserAssignedIdentity, UserAssignedIdentityArgs
from .workflow_alerts import Alerts, WorkflowAlerts, WorkflowAlertsArgs
from .workflow_definition import (
    OWN_PROBE_TRIGGER,
    PROBE_TRIGGER,
    Probe,
    send_mail_definition,
)


def deployed_recipients(deployed: Deployed) -> dict[str, str]:
    """By the address of each mailbox and group that the state holds, the sender that it is of."""
    recipients = {}
    for (kind, name), outputs in deployed.items():
        sender, _, what = name.rpartition("-")
        if kind == "command:local:Command" and what in ("mailbox", "group"):
            recipients[json.loads(outputs["stdin"])["address"]] = sender
    return recipients


def deployed_workflows(deployed: Deployed) -> dict[str, str]:
    """By the name of each workflow that the state holds, the sender that it is of."""
    return {
        outputs["name"]: name.removesuffix("-workflow")
        for (kind, name), outputs in deployed.items()
        if kind == "azure-native:logic:Workflow"
    }


def deployed_queues(deployed: Deployed) -> dict[str, str]:
    """By the name of each sender of the state whose calls are queued, that of its workflow."""
    return {
        name.removesuffix("-workflow"): outputs["name"]
        for (kind, name), outputs in deployed.items()
        if kind == "azure-native:logic:Workflow"
        and "concurrency"
        in ((outputs.get("definition") or {}).get("triggers") or {})
        .get(HTTP_TRIGGER, {})
        .get("runtimeConfiguration", {})
    }


class IdentityKind(StrEnum):
    """What a workflow's identity belongs to: the workflow, or itself."""

    SYSTEM = "systemAssigned"
    USER = "userAssigned"


@dataclass(frozen=True, kw_only=True)
class ScopedMailSenderArgs:
    """Inputs of a :class:`ScopedMailSender`.

    Attributes:
        mailbox: The shared mailbox to send as.
        scoping: What confines the identity.
        group: The group that a policy confines it to; roles are bound to the mailbox itself.
        control_mailbox: Address of an existing mailbox that the identity must not reach.
        workflow: The workflow's name in Azure.
        identity: Whether the workflow has an identity of its own, or one that is made for it under
            the name ``id-`` and that of the sender.
        trigger: What starts the workflow.
        message: The mail.
        permissions: Graph permissions of the identity.
        probe: Whether the workflow can be told to try its own mailbox and the control mailbox
            (:func:`components.workflow_definition.send_mail_definition`).
        enabled: Whether the workflow is to be on; see :class:`components.logic_app.LogicAppArgs`.
        alerts: Who is notified of a failed run; ``None`` for nobody.
        diagnostics: Azure resource id of the Log Analytics workspace that the run history goes to.
        allow_open_trigger: Marks an HTTP trigger that every address may call as meant so.
        resource_group_name: Resource group of the workflow.
        location: Azure region of the workflow.
        tags: What is made in Azure is tagged with.
        organization: The Exchange Online organisation.
        proof_timeout_seconds: How long the proof of confinement may take.
        settle_seconds: How long to wait between the proof and the grant.
        purge: Whether the removal of the mailbox is for good.
        retain: Keeps mailbox, group and the policy on it when the stack goes: Pulumi refuses to
            delete them, and once unprotected only forgets them.
    """

    mailbox: Mailbox
    scoping: Scoping = Scoping.POLICY
    group: Group | None = None
    control_mailbox: str
    workflow: str
    identity: IdentityKind = IdentityKind.SYSTEM
    trigger: Trigger
    message: Message
    permissions: Sequence[MailboxPermission] = (MailboxPermission.MAIL_SEND,)
    probe: bool = False
    enabled: bool = True
    alerts: Alerts | None = None
    diagnostics: str | None = None
    allow_open_trigger: bool = False
    resource_group_name: pulumi.Input[str]
    location: pulumi.Input[str]
    tags: Mapping[str, str] = field(default_factory=dict)
    organization: ExchangeOrganization
    proof_timeout_seconds: int = 600
    settle_seconds: int = 3600
    purge: bool = False
    retain: bool = False


class ScopedMailSender(pulumi.ComponentResource):
    """Shared mailbox, group, workflow and confined access of one sender."""

    workflow_name: pulumi.Output[str]
    """The workflow's name in Azure."""

    workflow_id: pulumi.Output[str]
    """Its Azure resource id."""

    principal_id: pulumi.Output[str]
    """Object id of the identity's service principal."""

    client_id: pulumi.Output[str]
    """Application id of the identity's service principal."""

    mailbox_object_id: pulumi.Output[str]
    """The mailbox's object id in Entra and Graph."""

    mailbox_address: pulumi.Output[str]
    """The mailbox's primary SMTP address."""

    group_address: pulumi.Output[str] | None = None
    """The group's primary SMTP address, where there is one."""

    def __init__(
        self,
        name: str,
        args: ScopedMailSenderArgs,
        opts: pulumi.ResourceOptions | None = None,
        *,
        standing: Standing | None = None,
    ) -> None:
        """Registers everything of a sender.

        Args:
            name: Logical name.
            args: What it is.
            opts: Resource options.
            standing: What the state holds of it, so that a change of ``scoping`` goes its way.
        """
        super().__init__("scoped-mail-sender:index:ScopedMailSender", name, inputs_of(args), opts)
        self._name, self._args, self._opts = name, args, opts
        self._standing = standing = standing or Standing()
        self._course = course = course_of(
            args.scoping, standing, settle_seconds=args.settle_seconds
        )
        if course.says:
            pulumi.log.info(f"{name}: {course.says}", resource=self)

        self.mailbox = SharedMailbox(
            f"{name}-mailbox",
            SharedMailboxArgs(
                mailbox=args.mailbox,
                organization=args.organization,
                purge=args.purge,
                retain=args.retain,
            ),
            child_options(self, opts),
        )
        self.group: MailEnabledSecurityGroup | None = None
        confined_to: list[pulumi.Resource] = []
        if course.policy:
            self.group = self._group()
            confined_to.append(self.group)
        if course.scope:
            self.scope = ManagementScope(
                f"{name}-scope",
                ManagementScopeArgs(
                    display_name=name,
                    mailbox_object_id=self.mailbox.object_id,
                    organization=args.organization,
                ),
                child_options(self, opts, depends_on=[self.mailbox]),
            )
            confined_to.append(self.scope)
        # Which kind of identity is an input of this marker alone, and the names in Azure derive
        # from it: where the kind changes, the engine first deletes the marker with all that takes
        # a name from it, so that the old grant, workflow and identity are gone before the policy
        # of the former identity is removed. See docs/decisions/0013-change-of-identity.md.
        kind = pulumi.Stash(
            f"{name}-identity-kind",
            input="SystemAssigned" if args.identity is IdentityKind.SYSTEM else "UserAssigned",
            opts=pulumi.ResourceOptions(
                parent=self, replace_on_changes=["input"], delete_before_replace=True
            ),
        )

        self.identity: UserAssignedIdentity | None = None
        if args.identity is IdentityKind.SYSTEM:
            self.logic_app = self._workflow(kind, after=confined_to)
            self._give_access(self.logic_app)
        else:
            self.identity = UserAssignedIdentity(
                f"{name}-identity",
                UserAssignedIdentityArgs(
                    identity_name=kind.output.apply(lambda _: f"id-{name}"),
                    resource_group_name=args.resource_group_name,
                    location=args.location,
                    tags=args.tags,
                ),
                child_options(self, opts, depends_on=confined_to),
            )
            permissions = self._give_access(self.identity)
            self.logic_app = self._workflow(kind, after=[*confined_to, *permissions])

        if args.alerts is not None or args.diagnostics is not None:
            WorkflowAlerts(
                f"{name}-alerts",
                WorkflowAlertsArgs(
                    workflow_name=args.workflow,
                    workflow_id=self.logic_app.workflow_id,
                    resource_group_name=args.resource_group_name,
                    alerts=args.alerts,
                    diagnostics=args.diagnostics,
                    tags=args.tags,
                ),
                child_options(self, opts),
            )

        self.workflow_name = self.logic_app.workflow_name
        self.workflow_id = self.logic_app.workflow_id
        self.principal_id = self.logic_app.principal_id
        self.client_id = self.logic_app.client_id
        self.mailbox_object_id = self.mailbox.object_id
        self.mailbox_address = self.mailbox.address
        self.outputs: dict[str, pulumi.Input[Any]] = {
            "workflowName": self.workflow_name,
            "workflowId": self.workflow_id,
            "principalId": self.principal_id,
            "clientId": self.client_id,
            "mailboxObjectId": self.mailbox_object_id,
            "mailboxAddress": self.mailbox_address,
            "scoping": args.scoping,
            "controlMailbox": args.control_mailbox,
            "trigger": next(iter(args.trigger.definition())),
        }
        """What a stack exports of a sender: what operations go by, and a person looks for."""
        if self.group is not None and course.grants:
            self.group_address = self.group.address
            self.outputs["groupAddress"] = self.group_address
        if args.probe:
            self.outputs["probeTrigger"] = PROBE_TRIGGER
            self.outputs["ownProbeTrigger"] = OWN_PROBE_TRIGGER
        if isinstance(args.trigger, HttpRequestTrigger) and args.trigger.export_callback_url:
            self.outputs["callbackUrl"] = self.logic_app.callback_url()
        self.register_outputs(self.outputs)

    def _workflow(self, kind: pulumi.Stash, after: Sequence[pulumi.Resource]) -> LogicApp:
        name, args = self._name, self._args
        graph = ENDPOINTS[args.organization.cloud].graph
        probe = Probe(args.mailbox.address, args.control_mailbox) if args.probe else None
        trigger = args.trigger
        # A workflow without an HTTP trigger has nobody to bar.
        called = trigger if isinstance(trigger, HttpRequestTrigger) else HttpRequestTrigger()
        is_open = isinstance(trigger, HttpRequestTrigger) and trigger.allowed_callers is None

        async def before_enabling(client_id: str) -> None:
            for access in (self.roles, self.access if self._course.grants else None):
                if access is not None:
                    await access.prove(
                        client_id, otherwise=f"the workflow {args.workflow} was not switched on"
                    )

        return LogicApp(
            f"{name}-workflow",
            LogicAppArgs(
                workflow_name=kind.output.apply(lambda _: args.workflow),
                resource_group_name=args.resource_group_name,
                location=args.location,
                definition=pulumi.Output.all(
                    self.mailbox.object_id, self.identity and self.identity.id
                ).apply(
                    lambda ids: send_mail_definition(
                        graph=graph,
                        mailbox_id=ids[0],
                        message=args.message,
                        trigger=trigger,
                        identity_id=ids[1],
                        probe=probe,
                    )
                ),
                identity=(
                    WorkflowIdentity(
                        id=self.identity.id,
                        principal_id=self.identity.principal_id,
                        client_id=self.identity.client_id,
                    )
                    if self.identity is not None
                    else None
                ),
                allowed_callers=called.allowed_callers,
                entra_policies=called.entra_policies,
                open_on_purpose=is_open and args.allow_open_trigger,
                enabled=args.enabled,
                tags=args.tags,
            ),
            child_options(self, self._opts, depends_on=after),
            before_enabling=before_enabling,
        )

    def _group(self) -> MailEnabledSecurityGroup:
        args = self._args
        group = args.group or self._standing.group
        if group is None:
            raise ValueError("A policy needs a group: give one, or scoping=Scoping.RBAC.")
        self._group_wanted = group
        return MailEnabledSecurityGroup(
            f"{self._name}-group",
            MailEnabledSecurityGroupArgs(
                group=group,
                members=[self.mailbox.address],
                organization=args.organization,
                # One that is left goes by itself once it is due, and not with the stack.
                retain=args.retain and self._course.grants,
            ),
            # Directly, so that at teardown the group goes before the mailbox. That the mailbox's
            # settings come first, too, costs nothing but their few seconds.
            child_options(self, self._opts, depends_on=[self.mailbox]),
        )

    def _give_access(self, identity: LogicApp | UserAssignedIdentity) -> list[pulumi.Resource]:
        """Confines an identity and lets it send; returns what lets it."""
        course = self._course
        self.roles = self._roles(identity) if course.roles else None
        self.access = self._confined_access(identity) if course.policy else None
        note_times(
            self._name,
            self._args.scoping,
            self._standing,
            course,
            principal_id=identity.principal_id,
            client_id=identity.client_id,
            roles=self.roles,
            access=self.access,
            permissions=self._args.permissions,
            opts=child_options(self, self._opts),
        )
        granted = self.access.permissions if self.access is not None and course.grants else []
        return [*(self.roles.permissions if self.roles is not None else []), *granted]

    def _roles(self, identity: LogicApp | UserAssignedIdentity) -> RoleBasedMailboxAccess:
        args, course = self._args, self._course
        besides = "grant" if course.grants else "policy" if course.policy else None
        granted = course.grants or self._standing.grants
        return RoleBasedMailboxAccess(
            f"{self._name}-access",
            RoleBasedMailboxAccessArgs(
                client_id=identity.client_id,
                principal_id=identity.principal_id,
                display_name=self._name,
                scope=self.scope.scope_name,
                members=[self.mailbox.address],
                control_mailbox=args.control_mailbox,
                permissions=args.permissions,
                organization=args.organization,
                proof_timeout_seconds=args.proof_timeout_seconds,
                besides=besides,
                # Under its policy, and in the run in which it goes.
                granted=[*MailboxPermission] if granted else (),
            ),
            child_options(self, self._opts, depends_on=[self.scope]),
        )

    def _confined_access(self, identity: LogicApp | UserAssignedIdentity) -> ConfinedMailboxAccess:
        args, group = self._args, self.group
        if group is None:
            raise AssertionError("unreachable: a policy has a group")
        return ConfinedMailboxAccess(
            f"{self._name}-access",
            ConfinedMailboxAccessArgs(
                client_id=identity.client_id,
                principal_id=identity.principal_id,
                group_address=group.address,
                members=[self.mailbox.address],
                control_mailbox=args.control_mailbox,
                permissions=args.permissions,
                policy_description=self._group_wanted.policy_description,
                organization=args.organization,
                proof_timeout_seconds=args.proof_timeout_seconds,
                settle_seconds=args.settle_seconds,
                # A former identity of the workflow is gone by then.
                retire_former_identities=True,
                granted=self._course.grants,
            ),
            child_options(self, self._opts, depends_on=[group]),
        )
