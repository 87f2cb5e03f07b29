"""A consumption Logic App workflow with its managed identity.

Owns the workflow and, where that is system-assigned, its identity. It knows the identity's two ids:
the principal (object) id, which app role assignments take, and the client (application) id, which
Exchange's policies take. It grants nothing.

The ids of a system-assigned identity come from look-ups and not from the workflow's own output:
that output is unknown in the preview of every update, and policy and grant would show as replaced
when only a subject changed. They are looked up by the workflow's id and not by the name that the
program has for it: with ``--target`` the engine leaves a renamed workflow as it is, and another one
may have that name.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pulumi_azure_native as azure_native

from .azure_ids import name_in, resource_group_in
from .deletion import go_before_policy
from .inputs import child_options, inputs_of
from .provider_errors import error_hooks, is_absent, look_up
from .service_principal import wait_for_client_id
from .trigger import HTTP_TRIGGER

OPEN_TRIGGER_TAG = "openTrigger"
"""Tag of a workflow whose HTTP trigger is open to every address on purpose: ``allowed``."""

SWITCHED_OFF_TAG = "switchedOff"
"""Tag of a workflow that its stack's configuration has switched off: ``byConfiguration``.

One that is off without it was switched off by somebody, and is left so.
"""

OWN_TAGS = (OPEN_TRIGGER_TAG, SWITCHED_OFF_TAG)
"""The tags that a workflow gets from here, whatever it is told to have."""


@dataclass(frozen=True, kw_only=True)
class WorkflowIdentity:
    """A user-assigned identity that a workflow runs as; see :class:`UserAssignedIdentity`.

    Attributes:
        id: Its Azure resource id.
        principal_id: Object id of its service principal.
        client_id: Application id of its service principal.
    """

    id: pulumi.Input[str]
    principal_id: pulumi.Input[str]
    client_id: pulumi.Input[str]


@dataclass(frozen=True, kw_only=True)
class LogicAppArgs:
    """Inputs of a :class:`LogicApp`.

    Attributes:
        workflow_name: The workflow's name in Azure. It is explicit, so that a change of it deletes
            the old workflow, with its identity, before it creates the new one.
        resource_group_name: Where it is.
        location: Azure region.
        definition: The definition, as :mod:`components.workflow_definition` builds it.
        identity: The identity that it runs as; without one it has a system-assigned identity.
        allowed_callers: IPv4 ranges that may call its HTTP trigger: empty for other Logic Apps
            only, ``None`` for every address. See :class:`components.trigger.HttpRequestTrigger`.
        entra_policies: By name, the claims of the Entra tokens that may call its HTTP trigger.
        open_on_purpose: Marks a trigger that every address may call as meant so
            (:data:`OPEN_TRIGGER_TAG`), for whoever meets it in the portal or checks the program.
        enabled: ``False`` switches the workflow off. ``True`` switches it on only where it is new,
            or was switched off by this: one that somebody switched off stays off.
        tags: What it is tagged with besides :data:`OWN_TAGS`.
    """

    workflow_name: pulumi.Input[str]
    resource_group_name: pulumi.Input[str]
    location: pulumi.Input[str]
    definition: pulumi.Input[Mapping[str, Any]]
    identity: WorkflowIdentity | None = None
    allowed_callers: Sequence[str] | None = None
    entra_policies: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    open_on_purpose: bool = False
    enabled: bool = True
    tags: Mapping[str, str] = field(default_factory=dict)


class LogicApp(pulumi.ComponentResource):
    """A workflow, and the ids of its managed identity.

    Name in ``depends_on`` the group that is to confine the identity: its removal takes the policy
    along, and a token of the identity lives on for up to a day, so the group has to be removed
    after the workflow.
    """

    workflow: azure_native.logic.Workflow
    """The workflow."""

    workflow_name: pulumi.Output[str]
    """Its name."""

    workflow_id: pulumi.Output[str]
    """Its Azure resource id."""

    principal_id: pulumi.Output[str]
    """Object id of its identity's service principal."""

    client_id: pulumi.Output[str]
    """Application id of its identity's service principal."""

    def __init__(
        self,
        name: str,
        args: LogicAppArgs,
        opts: pulumi.ResourceOptions | None = None,
        *,
        before_enabling: Callable[[str], Awaitable[None]] | None = None,
    ) -> None:
        """Registers the workflow and looks its identity up.

        Args:
            name: Logical name.
            args: What the workflow should be.
            opts: Resource options.
            before_enabling: Given the client id of its identity, has to succeed before a workflow
                is switched on whose identity may hold permissions already.
        """
        super().__init__("logic-apps:index:LogicApp", name, inputs_of(args), opts)
        self._resource_group_name = args.resource_group_name
        child = child_options(
            self,
            opts,
            # Its name is its id. Where a replacement stopped halfway and the former name is given
            # back, the engine would otherwise make the workflow and then remove it as the one that
            # it had replaced.
            delete_before_replace=True,
            transforms=[go_before_policy],
            hooks=error_hooks(f"workflow {name}"),
        )

        # Each update of a workflow also writes whether it is on. See
        # docs/decisions/0015-off-stays-off.md. It waits for the component, and so for what that
        # depends on, to ask as late as there is: somebody may switch it off while this runs.
        state: pulumi.Output[str] = pulumi.Output.all(
            args.resource_group_name, args.workflow_name, self.urn.future()
        ).apply(lambda place: self._state(place[0], place[1], args, before_enabling))
        self.workflow = azure_native.logic.Workflow(
            name,
            workflow_name=args.workflow_name,
            resource_group_name=args.resource_group_name,
            location=args.location,
            state=state,
            identity=_identity_argument(args.identity),
            definition=args.definition,
            access_control=_access_control(args),
            tags={**args.tags, **_tags(args)},
            opts=child,
        )

        self.workflow_name = pulumi.Output.from_input(args.workflow_name)
        self.workflow_id = self.workflow.id
        if args.identity is None:
            # Once the id is known the workflow exists.
            deployed: pulumi.Output[dict[str, Any]] = self.workflow.id.apply(
                lambda id_: look_up(
                    self,
                    "azure-native:logic:getWorkflow",
                    resourceGroupName=resource_group_in(id_),
                    workflowName=name_in(id_),
                )
            )
            self.principal_id = deployed.apply(_principal_id)
            self.client_id = self.principal_id.apply(
                lambda principal_id: wait_for_client_id(self, principal_id)
            )
        else:
            self.principal_id = pulumi.Output.from_input(args.identity.principal_id)
            self.client_id = pulumi.Output.from_input(args.identity.client_id)
        self.register_outputs(
            {
                "workflowName": self.workflow_name,
                "workflowId": self.workflow_id,
                "principalId": self.principal_id,
                "clientId": self.client_id,
            }
        )

    def callback_url(self) -> pulumi.Output[str]:
        """The callback URL of the HTTP request trigger, as a secret.

        Whoever has it can trigger the workflow: it contains a signature. It is fetched only where
        this is called, and is then stored, encrypted, in the state of whatever uses it.
        """
        url = azure_native.logic.list_workflow_trigger_callback_url_output(
            workflow_name=self.workflow_name,
            resource_group_name=self._resource_group_name,
            # Unknown in the preview of a changed workflow: the deployed one may not have the
            # trigger yet, and asking for its URL would fail the preview.
            trigger_name=self.workflow.version.apply(lambda _: HTTP_TRIGGER),
            opts=pulumi.InvokeOutputOptions(parent=self, depends_on=[self.workflow]),
        )
        return pulumi.Output.secret(url.apply(lambda result: result.value))

    async def _state(
        self,
        resource_group: str,
        workflow: str,
        args: LogicAppArgs,
        before_enabling: Callable[[str], Awaitable[None]] | None,
    ) -> str:
        """Whether the workflow is to be on, after what is to succeed before that."""
        state = azure_native.logic.WorkflowState
        if not args.enabled:
            return state.DISABLED
        present = await _present(self, resource_group, workflow)
        if present is not None:
            if present["state"] == state.ENABLED:
                return state.ENABLED
            if SWITCHED_OFF_TAG not in present.get("tags", {}):
                pulumi.log.warn(
                    f"The workflow {workflow} was switched off outside of this program, and stays "
                    "off. Once its identity is known to be confined, switch it on in the portal "
                    "(Overview, Enable).",
                    resource=self,
                )
                return state.DISABLED
        if pulumi.runtime.is_dry_run() or before_enabling is None:
            return state.ENABLED
        if args.identity is not None:
            client_id = pulumi.Output.from_input(args.identity.client_id)
            await before_enabling(await client_id.future() or "")
        elif present is not None:
            await before_enabling(await wait_for_client_id(self, _principal_id(present)))
        # The system-assigned identity of a new workflow is new too, and holds nothing.
        return state.ENABLED


async def _present(
    parent: pulumi.Resource, resource_group: str, workflow: str
) -> dict[str, Any] | None:
    """The workflow as it is in Azure; ``None`` where there is none."""
    try:
        return await look_up(
            parent,
            "azure-native:logic:getWorkflow",
            resourceGroupName=resource_group,
            workflowName=workflow,
        )
    except pulumi.RunError as error:
        if is_absent(str(error)):
            return None
        raise


def _tags(args: LogicAppArgs) -> dict[str, str]:
    tags = {}
    if args.open_on_purpose:
        tags[OPEN_TRIGGER_TAG] = "allowed"
    if not args.enabled:
        tags[SWITCHED_OFF_TAG] = "byConfiguration"
    return tags


def _identity_argument(
    identity: WorkflowIdentity | None,
) -> azure_native.logic.ManagedServiceIdentityArgs:
    kind = azure_native.logic.ManagedServiceIdentityType
    if identity is None:
        return azure_native.logic.ManagedServiceIdentityArgs(type=kind.SYSTEM_ASSIGNED)
    return azure_native.logic.ManagedServiceIdentityArgs(
        type=kind.USER_ASSIGNED, user_assigned_identities=[identity.id]
    )


def _access_control(
    args: LogicAppArgs,
) -> azure_native.logic.FlowAccessControlConfigurationArgs | None:
    logic = azure_native.logic
    if args.allowed_callers is None and not args.entra_policies:
        return None
    addresses = None
    if args.allowed_callers is not None:
        # An empty list is sent, and means: only other Logic Apps.
        addresses = [logic.IpAddressRangeArgs(address_range=each) for each in args.allowed_callers]
    policies = {
        name: logic.OpenAuthenticationAccessPolicyArgs(
            type=logic.OpenAuthenticationProviderType.AAD,
            claims=[
                logic.OpenAuthenticationPolicyClaimArgs(name=claim, value=value)
                for claim, value in claims.items()
            ],
        )
        for name, claims in args.entra_policies.items()
    }
    return logic.FlowAccessControlConfigurationArgs(
        triggers=logic.FlowAccessControlConfigurationPolicyArgs(
            allowed_caller_ip_addresses=addresses,
            open_authentication_policies=(
                logic.OpenAuthenticationAccessPoliciesArgs(policies=policies) if policies else None
            ),
        )
    )


def _principal_id(workflow: dict[str, Any]) -> str:
    if not workflow.get("identity", {}).get("principalId"):
        raise pulumi.RunError(
            f"The workflow {workflow['name']} has no system-assigned identity any more: it was "
            "switched off outside of this program. Switch it on in the portal (Identity), or "
            "change the workflow's name to have it made anew."
        )
    return str(workflow["identity"]["principalId"])
