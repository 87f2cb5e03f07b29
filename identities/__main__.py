"""Two identities for one environment: one deploys, the other previews and can only read."""

import json

import pulumi
from pipeline_identity import (
    USED_CMDLETS,
    Confining,
    Mode,
    PipelineIdentity,
    Repository,
    ServiceConnection,
    Subjects,
    permissions_of,
)

config = pulumi.Config()


def trusted(mode: Mode) -> Repository | ServiceConnection:
    """Whose tokens the identity of a mode trusts: Azure DevOps' where it is configured."""
    try:
        if connections := config.get_object("serviceConnections"):
            connection = connections.get(mode) or {}
            return ServiceConnection(
                connection.get("issuer") or "", connection.get("subject") or ""
            )
        return Repository(
            config.require("repository"),
            config.get("ownerId"),
            config.get("repositoryId"),
            Subjects(config.get("subjects") or Subjects.IMMUTABLE),
        )
    except ValueError as error:
        raise pulumi.RunError(f"{mode}: {error}") from None


try:
    scoping = Confining(config.get("scoping") or Confining.POLICY)
except ValueError as error:
    raise pulumi.RunError(str(error)) from None
assigned = config.get_object("permissions") or ["Mail.Send"]
permissions = {mode: permissions_of(mode, scoping, assigned) for mode in Mode}

subscription_id, resource_group = config.get("subscriptionId"), config.get("resourceGroup")
if resource_group and not subscription_id:
    raise pulumi.RunError(
        f"resourceGroup is {resource_group}, and subscriptionId is missing: set the id of the "
        "subscription that the group is in."
    )

environment = pulumi.get_stack()
try:
    children = {mode: each.child_roles(environment) for mode, each in permissions.items()}
except ValueError as error:
    raise pulumi.RunError(str(error)) from None
identities = {
    mode: PipelineIdentity(
        f"scoped-mail-sender-{environment}-{mode}",
        permissions=permissions[mode],
        trusted=trusted(mode),
        # Reviewers guard what deploys; a preview is not to wait for them.
        environment=environment if mode is Mode.DEPLOY else f"{environment}-{mode}",
        subscription_id=subscription_id,
        resource_group=resource_group,
        state_container=config.get("stateContainer"),
        state_key=config.get("stateKey"),
    )
    for mode in Mode
}

pulumi.export("clientIds", {mode: identity.client_id for mode, identity in identities.items()})
pulumi.export(
    "exchange",
    {
        "organization": config.require("organization"),
        "exchangeEnvironmentName": config.get("exchangeEnvironmentName"),
        "cmdlets": json.loads(USED_CMDLETS.read_text(encoding="utf-8")),
        "applications": [
            {
                "displayName": f"scoped-mail-sender-{environment}-{mode}",
                "clientId": identity.client_id,
                "objectId": identity.object_id,
                "roles": [
                    children[mode].get(role, role) for role in permissions[mode].exchange_roles
                ],
                "delegatedRoles": permissions[mode].delegated_roles,
                "childRoles": [
                    {"name": name, "parent": parent, "readsOnly": permissions[mode].reads_only}
                    for parent, name in children[mode].items()
                ],
            }
            for mode, identity in identities.items()
        ],
    },
)
