"""An identity of a pipeline: an application that trusts the tokens of one repository.

It has no secret and no certificate that could leak or expire.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

import pulumi
import pulumi_azure_native as azure_native
import pulumi_azuread as azuread

GITHUB_ISSUER = "https://token.actions.githubusercontent.com"
ENTRA_AUDIENCE = "api://AzureADTokenExchange"
"""The audience that Entra expects of a federated token.

Source: https://learn.microsoft.com/entra/workload-id/workload-identity-federation-create-trust.
"""

GRAPH_CLIENT_ID = "00000003-0000-0000-c000-000000000000"
EXCHANGE_CLIENT_ID = "00000002-0000-0ff1-ce00-000000000000"

# Azure's built-in roles, by the ids that they have in every tenant.
# Source: https://learn.microsoft.com/azure/role-based-access-control/built-in-roles.
CONTRIBUTOR = "b24988ac-6180-42a0-ab88-20f7382dd24c"
LOGIC_APP_CONTRIBUTOR = "87a39d53-fc1b-424a-814c-f7e04687dc9e"
MANAGED_IDENTITY_CONTRIBUTOR = "e40ec5ca-96e0-45a2-b4ff-59039f2c2b59"
# To give an identity to a workflow takes an action of its own; of the two pages that say which of
# these roles has it, one names both and one this alone.
MANAGED_IDENTITY_OPERATOR = "f1a07417-d97a-45cb-824c-7a7467783830"
# Of alerts, action groups and diagnostic settings.
MONITORING_CONTRIBUTOR = "749f88d5-cbae-40b8-bcfc-e573ddc772fa"
READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
STORAGE_BLOB_DATA_CONTRIBUTOR = "ba92f5b4-2d11-453d-a403-e96b0029c9fe"
STORAGE_BLOB_DATA_READER = "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1"
KEY_VAULT_CRYPTO_USER = "12338af0-0e69-4776-bea7-57ae8d297424"

LONGEST_NAME = 64
"""Of a role in Exchange. Source:
https://learn.microsoft.com/powershell/module/exchangepowershell/new-managementrole."""
USED_CMDLETS = Path(__file__).with_name("used-cmdlets.json")
"""What the scripts use of Exchange, as a list of ``{name, parameters}``: what child roles hold."""


class Mode(StrEnum):
    """What a pipeline does."""

    DEPLOY = "deploy"
    PREVIEW = "preview"


class Subjects(StrEnum):
    """By what the tokens of the repository say whose they are."""

    IMMUTABLE = "immutable"
    NAME = "name"
    BOTH = "both"

    @classmethod
    def _missing_(cls, value: object) -> "Subjects":
        raise ValueError(f"subjects = {value!r} is none of {', '.join(cls)}.")


class Confining(StrEnum):
    """What confines the senders of the stack: ``scoping`` of its senders, or some of each."""

    POLICY = "applicationAccessPolicy"
    RBAC = "rbac"
    BOTH = "both"

    @classmethod
    def _missing_(cls, value: object) -> "Confining":
        raise ValueError(f"scoping = {value!r} is none of {', '.join(cls)}.")


@dataclass(frozen=True)
class Repository:
    """A repository on GitHub, and how its tokens name it.

    Attributes:
        name: ``owner/name``.
        owner_id: The owner's number, which nobody else ever gets; likewise the repository's.
        subjects: Immutable for repositories that were created, renamed or transferred since 15 July
            2026, or switched over. A name alone can be given to somebody else, who is trusted then.

    Raises:
        ValueError: What is given is no repository; the text says what to write.

    Source: https://docs.github.com/actions/reference/security/oidc, and
    https://learn.microsoft.com/entra/workload-id/workload-identities-github-immutable-subjects.
    """

    name: str
    owner_id: str | None = None
    repository_id: str | None = None
    subjects: Subjects = Subjects.IMMUTABLE

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[\w.-]+/[\w.-]+", self.name):
            raise ValueError(
                f"repository = {self.name!r} is not owner/name. Write it as GitHub does, in upper "
                "and lower case: Entra compares every character."
            )
        if self.subjects is Subjects.NAME:
            return
        for key, number in (("ownerId", self.owner_id), ("repositoryId", self.repository_id)):
            if not re.fullmatch(r"[1-9][0-9]*", number or ""):
                raise ValueError(
                    f"{key} is {'missing' if number is None else f'{number!r}, which is no number'}"
                    f". Write what gh api repos/{self.name} --jq '.owner.id, .id' prints: first "
                    "ownerId, then repositoryId. For a repository whose tokens still bear its name "
                    "alone, set subjects to name."
                )

    def prefixes(self) -> dict[Subjects, str]:
        """The beginning of the ``sub`` of its tokens, by kind: one, or both."""
        owner, _, name = self.name.partition("/")
        every = {
            Subjects.IMMUTABLE: f"repo:{owner}@{self.owner_id}/{name}@{self.repository_id}",
            Subjects.NAME: f"repo:{self.name}",
        }
        return {kind: text for kind, text in every.items() if self.subjects in (kind, "both")}

    def trusts(self, environment: str) -> dict[str, "Trust"]:
        """Its tokens of jobs in an environment, by the suffix of the credential's name."""
        return {
            "" if subjects is Subjects.NAME else f"-{subjects}": Trust(
                GITHUB_ISSUER, f"{prefix}:environment:{environment}"
            )
            for subjects, prefix in self.prefixes().items()
        }


@dataclass(frozen=True)
class Trust:
    """Whose tokens an application trusts.

    Attributes:
        issuer: Who issues them.
        subject: Of whom they are: their ``sub``, compared character by character.
    """

    issuer: str
    subject: str


@dataclass(frozen=True)
class ServiceConnection:
    """A service connection of Azure DevOps that signs in without a secret.

    Its page shows both while it is a draft; the two forms that they have had are taken.

    Source: https://learn.microsoft.com/azure/devops/pipelines/release/configure-workload-identity.

    Attributes:
        issuer: ``https://login.microsoftonline.com/<tenant id>/v2.0``, or with the older form
            ``https://vstoken.dev.azure.com/<organisation id>``.
        subject: With the first ``/eid1/…/sc/…``, with the second ``sc://org/project/connection``.

    Raises:
        ValueError: It is none; the text says what to write.
    """

    issuer: str
    subject: str

    def __post_init__(self) -> None:
        forms = (
            (r"https://login\.[\w.]+/[0-9a-f-]{36}/v2\.0", r"/eid1/\S+/sc/\S+"),
            (r"https://vstoken\.dev\.azure\.com/[0-9a-f-]{36}", r"sc://[^/]+/[^/]+/[^/]+"),
        )
        if not any(
            re.fullmatch(issuer, self.issuer) and re.fullmatch(subject, self.subject)
            for issuer, subject in forms
        ):
            raise ValueError(
                f"issuer {self.issuer!r} and subject {self.subject!r} are not those of a service "
                "connection. Copy both from the page of its draft, in Azure DevOps under Project "
                "settings, Service connections, with the credential workload identity federation."
            )

    def trusts(self, environment: str) -> dict[str, Trust]:
        """What it signs in with, whatever the environment: each environment has one of its own."""
        return {"": Trust(self.issuer, self.subject)}


@dataclass(frozen=True)
class Permissions:
    """What an identity needs, and no more.

    Attributes:
        app_roles: Application permissions by the client id of what they are for.
        azure_role: Id of Azure's built-in role on the subscription, where the deployment makes the
            resource group.
        group_roles: The same on the resource group, by a name, where that is there already.
        state_role: The same for the container that holds the state.
        exchange_roles: Management roles; ``assign-exchange-roles.ps1`` assigns them.
        delegated_roles: Application roles that it may assign to others, by the same script.
        cut_roles: Those of ``exchange_roles`` of which it gets a child with what is used, alone.
        reads_only: Whether those children hold only what reads.
    """

    app_roles: Mapping[str, Sequence[str]]
    azure_role: str
    group_roles: Mapping[str, str]
    state_role: str
    exchange_roles: Sequence[str]
    delegated_roles: Sequence[str] = ()
    cut_roles: Sequence[str] = ()
    reads_only: bool = False

    def child_roles(self, environment: str) -> dict[str, str]:
        """The name of each child role, by its parent; each environment has its own.

        Raises:
            ValueError: Exchange does not take a name of that length.
        """
        # No name of a stack has a blank, so none is taken for another's.
        kind = " preview" if self.reads_only else ""
        names = {parent: f"mail-sender-{environment}{kind} {parent}" for parent in self.cut_roles}
        for name in names.values():
            if len(name) > LONGEST_NAME:
                raise ValueError(
                    f"The role {name!r} that Exchange is to have has more than {LONGEST_NAME} "
                    "characters. Give the stack a shorter name."
                )
        return names


_PERMISSIONS = {
    Mode.DEPLOY: Permissions(
        app_roles={
            GRAPH_CLIENT_ID: ["Application.Read.All", "AppRoleAssignment.ReadWrite.All"],
            EXCHANGE_CLIENT_ID: ["Exchange.ManageAsApp"],
        },
        azure_role=CONTRIBUTOR,
        group_roles={
            "workflows": LOGIC_APP_CONTRIBUTOR,
            "identities": MANAGED_IDENTITY_CONTRIBUTOR,
            "assign": MANAGED_IDENTITY_OPERATOR,
            "alerts": MONITORING_CONTRIBUTOR,
        },
        state_role=STORAGE_BLOB_DATA_CONTRIBUTOR,
        exchange_roles=[
            "Mail Recipient Creation",
            "Mail Recipients",
            "Distribution Groups",
            "Security Group Creation and Membership",
            "View-Only Recipients",
            "Organization Configuration",
        ],
    ),
    # A preview runs what a pull request wrote, so it can read and nothing else.
    Mode.PREVIEW: Permissions(
        app_roles={
            GRAPH_CLIENT_ID: ["Application.Read.All"],
            EXCHANGE_CLIENT_ID: ["Exchange.ManageAsApp"],
        },
        azure_role=READER,
        group_roles={"reader": READER},
        # A preview locks nothing and writes nothing (pulumi/pulumi, pkg/backend/diy/backend.go).
        state_role=STORAGE_BLOB_DATA_READER,
        exchange_roles=["View-Only Recipients", "View-Only Configuration"],
        reads_only=True,
    ),
}


_GRANTS = "AppRoleAssignment.ReadWrite.All"
_OF_POLICIES = (
    "Distribution Groups",
    "Security Group Creation and Membership",
    "Organization Configuration",
)
_SHOWS_ROLES = "Role Management"
_OF_ROLES = (_SHOWS_ROLES, "View-Only Configuration")
# Whole, the first makes its holder Organization Management, and the second gives it access to every
# mailbox. With policies nothing is gained by cutting them down: whoever may grant everything in
# Entra gets there by itself, and an organisation that was never customised has no custom roles.
_CUT = (_SHOWS_ROLES, "Mail Recipients", "Mail Recipient Creation")


def permissions_of(
    mode: Mode, scoping: Confining = Confining.POLICY, assigned: Sequence[str] = ("Mail.Send",)
) -> Permissions:
    """What an identity needs for a stack.

    Args:
        mode: What its pipeline does.
        scoping: What confines the stack's senders.
        assigned: Graph permissions that senders are assigned as roles of Exchange.
    """
    permissions = _PERMISSIONS[mode]
    if scoping is Confining.POLICY:
        return permissions
    if mode is Mode.PREVIEW:
        # What shows roles, for a look for drift, no role has that can only read.
        roles = [*permissions.exchange_roles, _SHOWS_ROLES]
        return replace(permissions, exchange_roles=roles, cut_roles=(_SHOWS_ROLES,))
    app_roles, roles = dict(permissions.app_roles), list(permissions.exchange_roles)
    if scoping is Confining.RBAC:
        app_roles[GRAPH_CLIENT_ID] = [r for r in app_roles[GRAPH_CLIENT_ID] if r != _GRANTS]
        roles = [role for role in roles if role not in _OF_POLICIES]
    return replace(
        permissions,
        app_roles=app_roles,
        exchange_roles=[*roles, *_OF_ROLES],
        delegated_roles=[f"Application {permission}" for permission in assigned],
        cut_roles=_CUT,
    )


class PipelineIdentity(pulumi.ComponentResource):
    """One identity, for one environment and one mode.

    Attributes:
        client_id: What the pipeline signs in with.
        object_id: The principal id of its service principal.
    """

    client_id: pulumi.Output[str]
    object_id: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        permissions: Permissions,
        trusted: Repository | ServiceConnection,
        environment: str,
        subscription_id: str | None = None,
        resource_group: str | None = None,
        state_container: str | None = None,
        state_key: str | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Registers application, service principal, trust and permissions.

        Args:
            name: Logical name, and the display name in Entra.
            permissions: What it gets; see :func:`permissions_of`.
            trusted: The repository on GitHub, or the service connection of Azure DevOps, whose
                tokens are trusted.
            environment: The environment of the repository whose jobs are trusted, and no others:
                its rules decide which branch gets there, and who approves.
            subscription_id: Where its Azure role acts; none where it is left out, as for a stack
                without senders.
            resource_group: Name of the group of the workflows, which exists: the roles then act
                there, and none on the subscription.
            state_container: Resource id of the blob container with the state; where it is left out,
                access to the state is not dealt with here.
            state_key: Resource id of the Key Vault key of the state's secrets; likewise.
            opts: Resource options.
        """
        super().__init__("scoped-mail-sender:identities:PipelineIdentity", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        application = azuread.Application(f"{name}-application", display_name=name, opts=child)
        principal = azuread.ServicePrincipal(
            f"{name}-principal", client_id=application.client_id, opts=child
        )
        for suffix, trust in trusted.trusts(environment).items():
            azuread.ApplicationFederatedIdentityCredential(
                f"{name}-trust{suffix}",
                application_id=application.id,
                display_name=f"{name}{suffix}",
                issuer=trust.issuer,
                subject=trust.subject,
                audiences=[ENTRA_AUDIENCE],
                opts=child,
            )
        for resource_client_id, roles in permissions.app_roles.items():
            resource = azuread.get_service_principal_output(
                client_id=resource_client_id, opts=pulumi.InvokeOutputOptions(parent=self)
            )
            for role in roles:
                azuread.AppRoleAssignment(
                    f"{name}-{role}",
                    app_role_id=resource.app_role_ids[role],
                    principal_object_id=principal.object_id,
                    resource_object_id=resource.object_id,
                    opts=child,
                )
        subscription = f"/subscriptions/{subscription_id}"
        in_azure: list[tuple[str, str, str]] = []
        if subscription_id is not None:
            in_azure = [("azure", subscription, permissions.azure_role)]
        if resource_group is not None:
            in_azure = [
                (f"azure-{purpose}", f"{subscription}/resourceGroups/{resource_group}", role)
                for purpose, role in permissions.group_roles.items()
            ]
        for purpose, scope, role in (
            *in_azure,
            ("state", state_container, permissions.state_role),
            # Decrypting is what a preview needs as well: its program reads the secrets.
            ("key", state_key, KEY_VAULT_CRYPTO_USER),
        ):
            if scope is None:
                continue
            # A built-in role is the same one in each subscription.
            at = subscription if subscription_id else "/".join(scope.split("/")[:3])
            azure_native.authorization.RoleAssignment(
                f"{name}-{purpose}",
                principal_id=principal.object_id,
                # Without it Azure looks the principal up at once, in a directory that has not
                # replicated, and refuses. Source:
                # https://learn.microsoft.com/azure/role-based-access-control/troubleshooting.
                principal_type=azure_native.authorization.PrincipalType.SERVICE_PRINCIPAL,
                role_definition_id=(
                    f"{at}/providers/Microsoft.Authorization/roleDefinitions/{role}"
                ),
                scope=scope,
                opts=child,
            )
        self.client_id = application.client_id
        self.object_id = principal.object_id
        self.register_outputs({"clientId": self.client_id, "objectId": self.object_id})
