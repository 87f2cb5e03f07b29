"""Registers a program's resources against Pulumi's mocks and keeps what was asked for.

The mock monitor answers like an engine that creates everything; this one also keeps each request,
so that dependencies, secrets and options become plain data that a test can look at.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import grpc  # type: ignore[import-untyped]
import pulumi
from pulumi.runtime import mocks
from pulumi.runtime.proto import resource_pb2
from pulumi.runtime.settings import SETTINGS
from pulumi.runtime.stack import run_pulumi_func

MAILBOX_ID = "11111111-0000-4000-8000-000000000001"
PRINCIPAL_ID = "22222222-0000-4000-8000-000000000002"
CLIENT_ID = "33333333-0000-4000-8000-000000000003"
APPLICATION_CLIENT_ID = "33333333-0000-4000-8000-000000000033"
GRAPH_PRINCIPAL_ID = "44444444-0000-4000-8000-000000000004"
MAIL_SEND_ROLE_ID = "b633e1c5-b582-4048-a93e-9f11b44c7e96"
CALLBACK_URL = "https://contoso.com/workflows/triggers/manual/paths/invoke?sig=signature"


_NAMES = {
    "azure-native:resources:ResourceGroup": ("resourceGroupName", ""),
    "azure-native:logic:Workflow": ("workflowName", "Microsoft.Logic/workflows"),
    "azure-native:managedidentity:UserAssignedIdentity": (
        "resourceName",
        "Microsoft.ManagedIdentity/userAssignedIdentities",
    ),
}


def azure_id(type_: str, name: str) -> str:
    """The id that a resource of Azure gets in the group ``mail-senders``."""
    _, provider = _NAMES[type_]
    return f"/subscriptions/s/resourceGroups/mail-senders/providers/{provider}/{name}"


@dataclass
class Registration:
    """One resource as the program registered it."""

    type: str
    name: str
    inputs: dict[str, Any]
    dependencies: set[str]
    request: resource_pb2.RegisterResourceRequest

    @property
    def desired(self) -> dict[str, Any]:
        """The JSON that a PowerShell command gets on its standard input."""
        desired: dict[str, Any] = json.loads(self.inputs["stdin"])
        return desired


@dataclass
class Recording:
    """All resources by name, in the order of their registration, and the look-ups."""

    resources: dict[str, Registration] = field(default_factory=dict)
    calls: list[mocks.MockCallArgs] = field(default_factory=list)
    urns: dict[str, str] = field(default_factory=dict)

    def custom(self) -> dict[str, Registration]:
        """Those that are real resources, not components."""
        return {name: entry for name, entry in self.resources.items() if entry.request.custom}

    def ancestors(self, name: str) -> set[str]:
        """Names of all that must exist before a resource does."""
        found: set[str] = set()
        waiting = [name]
        while waiting:
            for dependency in self.resources[waiting.pop()].dependencies:
                if dependency not in found:
                    found.add(dependency)
                    waiting.append(dependency)
        return found


class _AbsentError(grpc.RpcError):  # type: ignore[misc]
    """What the engine hands on where Azure has no such thing."""

    def code(self) -> grpc.StatusCode:
        return grpc.StatusCode.UNKNOWN

    def details(self) -> str:
        return 'Status=404 Code="ResourceGroupNotFound"'


class _Mocks(mocks.Mocks):
    def __init__(self, recording: Recording, roles: dict[str, str]) -> None:
        self.recording = recording
        self.roles = roles

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        outputs = dict(args.inputs)
        if args.typ == "command:local:Command":
            outputs["stdout"] = json.dumps({"externalDirectoryObjectId": MAILBOX_ID})
        if args.typ == "azure-native:logic:Workflow":
            # Identities: a list of ids as input, their properties by id as output.
            outputs["identity"] = {"type": args.inputs["identity"]["type"]}
        if args.typ == "azuread:index/application:Application":
            outputs["clientId"] = APPLICATION_CLIENT_ID
        if args.typ == "azuread:index/servicePrincipal:ServicePrincipal":
            outputs["objectId"] = PRINCIPAL_ID
        if args.typ == "pulumi:index:Stash":
            outputs["output"] = args.inputs["input"]
        if args.typ == "azure-native:resources:ResourceGroup":
            outputs["name"] = args.inputs["resourceGroupName"]
        if args.typ in _NAMES:
            return azure_id(args.typ, args.inputs.get(_NAMES[args.typ][0], args.name)), outputs
        return f"{args.name}-id", outputs

    def call(self, args: mocks.MockCallArgs) -> Any:
        self.recording.calls.append(args)
        if args.token == "pulumi:pulumi:readStackResourceOutputs":
            return {"outputs": {}}
        if args.token == "azure-native:resources:getResourceGroup":
            raise _AbsentError
        if args.token == "azure-native:logic:getWorkflow":
            return {
                "id": f"/subscriptions/s/workflows/{args.args['workflowName']}",
                "name": args.args["workflowName"],
                "state": "Enabled",
                "identity": {"type": "SystemAssigned", "principalId": PRINCIPAL_ID},
            }
        if args.token == "azure-native:managedidentity:getUserAssignedIdentity":
            return {"principalId": PRINCIPAL_ID, "clientId": CLIENT_ID}
        if args.token == "azure-native:logic:listWorkflowTriggerCallbackUrl":
            return {"value": CALLBACK_URL}
        if args.token == "azuread:index/getServicePrincipal:getServicePrincipal":
            if args.args.get("objectId") == PRINCIPAL_ID:
                return {"clientId": CLIENT_ID, "objectId": PRINCIPAL_ID}
            return {"objectId": GRAPH_PRINCIPAL_ID, "appRoleIds": self.roles}
        raise AssertionError(f"the program called {args.token}, which these mocks do not know")


class _RecordingMonitor(mocks.MockMonitor):
    def __init__(self, recording: Recording, roles: dict[str, str]) -> None:
        super().__init__(_Mocks(recording, roles))
        self.recording = recording

    def RegisterResource(  # noqa: N802 - the name is that of the RPC
        self, request: resource_pb2.RegisterResourceRequest
    ) -> resource_pb2.RegisterResourceResponse:
        response: resource_pb2.RegisterResourceResponse = super().RegisterResource(request)
        recording = self.recording
        recording.urns[response.urn] = request.name
        if request.type != "pulumi:pulumi:Stack":
            recording.resources[request.name] = Registration(
                type=request.type,
                name=request.name,
                inputs=pulumi.runtime.rpc.deserialize_properties(request.object),
                dependencies={recording.urns[urn] for urn in request.dependencies},
                request=request,
            )
        return response


def record(
    program: Callable[[], object],
    *,
    preview: bool = False,
    roles: dict[str, str] | None = None,
    config: dict[str, str] | None = None,
) -> Recording:
    """Runs a program against the mocks and returns what it registered.

    Args:
        program: Registers resources.
        preview: Whether the engine would only preview.
        roles: App role ids of Microsoft Graph by name.
        config: The stack's configuration, each value as Pulumi keeps it: text or JSON.
    """
    recording = Recording()
    monitor = _RecordingMonitor(recording, roles or {"Mail.Send": MAIL_SEND_ROLE_ID})
    mocks.set_mocks(
        monitor.mocks,
        project="scoped-mail-sender",
        stack="test",
        preview=preview,
        monitor=monitor,
    )
    pulumi.runtime.set_all_config(config or {})
    # Or what failed in the program before this one would be this one's failure.
    SETTINGS.outputs.clear()

    async def run() -> None:
        program()

    pulumi.runtime.sync_await._sync_await(run_pulumi_func(run))
    return recording
