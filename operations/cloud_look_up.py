"""What Azure and Entra hold of what a stack creates.

Seven types of resources are answered for: those that a provider refuses to create a second time.
What scripts create in Exchange is not among them: every script takes up its own half-made object.
"""

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, Field

from components.provider_errors import ABSENT
from components.workflow_definition import ACTION
from operations.signed_in import CloudRefusedError, SignedIn

Inputs = Mapping[str, Any]

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""What the engine writes for a value that it does not know yet."""


class Kind(StrEnum):
    """The types, by their Pulumi names."""

    RESOURCE_GROUP = "azure-native:resources:ResourceGroup"
    WORKFLOW = "azure-native:logic:Workflow"
    IDENTITY = "azure-native:managedidentity:UserAssignedIdentity"
    ACTION_GROUP = "azure-native:monitor:ActionGroup"
    ALERT = "azure-native:monitor:MetricAlert"
    DIAGNOSTICS = "azure-native:monitor:DiagnosticSetting"
    GRANT = "azuread:index/appRoleAssignment:AppRoleAssignment"


@dataclass(frozen=True)
class _ArmType:
    """A type in Azure.

    Attributes:
        address: Its path, with the subscription and the names of inputs in braces.
        azure_type: The type by its Azure name.
        api_version: The API version in which it is read.
    """

    address: str
    azure_type: str
    api_version: str


_GROUP_PATH = "/subscriptions/{subscription}/resourceGroups/{resourceGroupName}"
_ARM = {
    Kind.RESOURCE_GROUP: _ArmType(_GROUP_PATH, "Microsoft.Resources/resourceGroups", "2021-04-01"),
    Kind.WORKFLOW: _ArmType(
        _GROUP_PATH + "/providers/Microsoft.Logic/workflows/{workflowName}",
        "Microsoft.Logic/workflows",
        "2019-05-01",
    ),
    Kind.IDENTITY: _ArmType(
        _GROUP_PATH + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{resourceName}",
        "Microsoft.ManagedIdentity/userAssignedIdentities",
        "2023-01-31",
    ),
    Kind.ACTION_GROUP: _ArmType(
        _GROUP_PATH + "/providers/Microsoft.Insights/actionGroups/{actionGroupName}",
        "Microsoft.Insights/ActionGroups",
        "2023-01-01",
    ),
    Kind.ALERT: _ArmType(
        _GROUP_PATH + "/providers/Microsoft.Insights/metricAlerts/{ruleName}",
        "Microsoft.Insights/metricAlerts",
        "2018-03-01",
    ),
    Kind.DIAGNOSTICS: _ArmType(
        "{resourceUri}/providers/Microsoft.Insights/diagnosticSettings/{name}",
        "Microsoft.Insights/diagnosticSettings",
        "2021-05-01-preview",
    ),
}
_GRANT_INPUTS = ("principalObjectId", "appRoleId", "resourceObjectId")


class _Named(BaseModel):
    """What has an id."""

    id: str


class _AzureIdentity(BaseModel):
    type: str | None = None


class _Properties(BaseModel):
    """What is read of a workflow."""

    definition: dict[str, Any] | None = None


class AzureResource(_Named):
    """What is read of a resource in Azure."""

    type: str
    location: str | None = None
    tags: dict[str, str] | None = None
    identity: _AzureIdentity | None = None
    properties: _Properties | None = None


class AppRoleAssignment(_Named):
    """What is read of an app role assignment, by its names in Graph."""

    principal: str = Field(alias="principalId")
    role: str = Field(alias="appRoleId")
    resource: str = Field(alias="resourceId")

    @property
    def identifier(self) -> str:
        """By which the provider knows it."""
        return f"/servicePrincipals/{self.resource}/appRoleAssignedTo/{self.id}"

    @property
    def inputs(self) -> dict[str, str]:
        """What the provider creates it from."""
        held = (self.principal, self.role, self.resource)
        return dict(zip(_GRANT_INPUTS, held, strict=True))


class _AppRole(_Named):
    value: str | None = None


class _ServicePrincipal(_Named):
    """What is read of one that offers app roles."""

    application: str = Field(alias="appId")
    roles: list[_AppRole] = Field(alias="appRoles")


@dataclass(frozen=True)
class Found:
    """An object in the cloud.

    Attributes:
        identifier: By which the provider knows it.
        objection: Why it may be somebody else's; empty where it is what the stack would create.
        is_foreign: Whether somebody made it by other means than this program.
    """

    identifier: str
    objection: str = ""
    is_foreign: bool = False


class LeftBehind:
    """Looks for what a stack creates.

    Args:
        clouds: Who looks.
        subscription: Id of the Azure subscription, empty where it is not known.
        own: Azure resource ids of what the stack holds.
    """

    def __init__(self, clouds: SignedIn, subscription: str, own: Collection[str]) -> None:
        self._clouds = clouds
        self._subscription = subscription
        self._own = {identifier.casefold() for identifier in own}

    def is_gone(self, kind: Kind, identifier: str, inputs: Inputs) -> bool:
        """Whether an object that the stack's state holds is not in the cloud any more.

        Args:
            kind: Its type.
            identifier: By which the provider knows it.
            inputs: What it was created from.

        Raises:
            CloudRefusedError: The cloud does not tell.
        """
        if kind is Kind.GRANT:
            return identifier.rpartition("/")[2] not in {g.id for g in self._grants(inputs)}
        return self._in_azure(kind, identifier) is None

    def find(self, kind: Kind, inputs: Inputs, planned: Collection[str] = ()) -> Found | None:
        """The object that the stack would create, where the cloud holds it already.

        Args:
            kind: Its type.
            inputs: What it would be created from.
            planned: Azure resource ids of what else the stack would create.

        Returns:
            ``None`` where there is none, or its name is not known yet.

        Raises:
            CloudRefusedError: The cloud does not tell.
        """
        if kind is Kind.GRANT:
            return self._find_grant(inputs)
        identifier = self.identifier(kind, inputs)
        if not identifier:
            return None
        found = self._in_azure(kind, identifier)
        if found is None:
            return None
        objection = _difference(kind, inputs, found)
        if not objection and kind is Kind.RESOURCE_GROUP:
            objection = self._strangers(identifier, planned)
        return Found(found.id, objection, is_foreign=kind is Kind.WORKFLOW and _is_foreign(found))

    def grants_of(self, principal: str) -> list[AppRoleAssignment]:
        """What an identity holds, by its object id; nothing where Entra does not know it.

        Raises:
            CloudRefusedError: Entra does not tell.
        """
        path = f"/v1.0/servicePrincipals/{principal}/appRoleAssignments"
        return self._clouds.directory_objects(path, AppRoleAssignment)

    def role_of(self, grant: AppRoleAssignment) -> tuple[str, str]:
        """What a grant permits: the client id of what it permits it of, and the role by its name.

        Raises:
            CloudRefusedError: Entra does not tell.
        """
        path = f"/v1.0/servicePrincipals/{grant.resource}"
        offering = self._clouds.directory_object(path, _ServicePrincipal)
        roles = offering.roles if offering else []
        name = next((role.value for role in roles if role.id == grant.role), None)
        return offering.application if offering else "", name or grant.role

    def identifier(self, kind: Kind, inputs: Inputs) -> str:
        """The Azure resource id that inputs make up; empty where they are not all known yet.

        Raises:
            CloudRefusedError: The subscription is not known.
        """
        if kind is Kind.GRANT:
            return ""
        address = _ARM[kind].address
        if any(inputs.get(key) == UNKNOWN for key in re.findall(r"\{(\w+)\}", address)):
            return ""
        if not self._subscription:
            raise CloudRefusedError(
                "The subscription is not known: neither the state nor azure-native:subscriptionId "
                "in the stack's configuration names it. Set ARM_SUBSCRIPTION_ID, for example to "
                "what az account show --query id --output tsv prints."
            )
        return address.format(**{**inputs, "subscription": self._subscription})

    def _find_grant(self, inputs: Inputs) -> Found | None:
        if any(inputs.get(key, UNKNOWN) == UNKNOWN for key in _GRANT_INPUTS):
            return None
        for grant in self._grants(inputs):
            if grant.inputs == {key: inputs[key] for key in _GRANT_INPUTS}:
                return Found(grant.identifier)
        return None

    def _in_azure(self, kind: Kind, identifier: str) -> AzureResource | None:
        version = _ARM[kind].api_version
        found = self._clouds.resource(identifier, AzureResource, api_version=version, absent=ABSENT)
        if found is not None and found.id.casefold() != identifier.casefold():
            raise CloudRefusedError(
                f"Asked for {identifier}, Azure answers with {found.id}: nothing is made of it. "
                "Run this again; if it lasts, check what answers in place of Azure, such as a "
                "proxy."
            )
        return found

    def _grants(self, inputs: Inputs) -> list[AppRoleAssignment]:
        """What the principal of an app role assignment is assigned."""
        # Nothing is absent from a tenant that is not the stack's.
        asked = inputs["resourceObjectId"]
        resource = self._clouds.directory_object(f"/v1.0/servicePrincipals/{asked}", _Named)
        if resource is None or resource.id.casefold() != asked.casefold():
            raise CloudRefusedError(
                f"Entra does not know the service principal {asked}, by which "
                "this stack knows Microsoft Graph. Sign in to the tenant of the stack."
            )
        return self.grants_of(inputs["principalObjectId"])

    def _strangers(self, group: str, planned: Collection[str]) -> str:
        """Says what in a resource group is not of this stack, which would own it from now on."""
        ours = self._own | {identifier.casefold() for identifier in planned}
        version = _ARM[Kind.RESOURCE_GROUP].api_version
        held = self._clouds.resources(
            f"{group}/resources", _Named, api_version=version, absent=ABSENT
        )
        strangers = [resource.id for resource in held if resource.id.casefold() not in ours]
        return f"holds what is not of this stack: {strangers[0]}" if strangers else ""


def _difference(kind: Kind, inputs: Inputs, found: AzureResource) -> str:
    """How an object in Azure differs from what would have been created, or nothing.

    Only in what a later ``up`` could not put right, or what tells another's object: a workflow's
    definition may have been changed in the configuration since.
    """
    compared: list[tuple[str, Any, Any]] = [
        ("type", _ARM[kind].azure_type, found.type),
        ("location", inputs.get("location"), found.location),
    ]
    # Tags that others added, Azure Policy among them, say nothing about whose it is.
    tags, there = inputs.get("tags") or {}, found.tags or {}
    compared.append(("tags", tags, {name: there[name] for name in tags if name in there}))
    if kind is Kind.WORKFLOW:
        wanted = (inputs.get("identity") or {}).get("type")
        compared.append(("identity", wanted, found.identity and found.identity.type))
    for name, wanted, there in compared:
        if _plain(wanted) != _plain(there):
            return f"has {name} {_shown(there)} and not {_shown(wanted)}"
    return ""


def _is_foreign(workflow: AzureResource) -> bool:
    """Whether a workflow has none of what every version of this program gives one."""
    definition = workflow.properties and workflow.properties.definition
    # Where it is not shown nothing is said.
    return bool(definition) and f'"{ACTION}"' not in json.dumps(definition)


def _plain(value: Any) -> Any:
    return value.replace(" ", "").casefold() if isinstance(value, str) else value


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
