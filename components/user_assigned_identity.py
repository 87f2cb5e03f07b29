"""A user-assigned managed identity, which exists before the workflow that it is for.

Owns the identity and knows its two ids. It grants nothing.

A system-assigned identity begins and ends with its workflow, so that the workflow exists before
the permission does. This one can be confined and granted first, and the workflow be made last.
"""

from collections.abc import Sequence
from typing import Any

import pulumi
import pulumi_azure_native as azure_native

from components.azure_tags import AzureTags
from components.provider_errors import error_hooks, look_up
from components.service_principal import wait_for_client_id


class UserAssignedIdentity(pulumi.ComponentResource):
    """An identity, and its ids.

    Attributes:
        identity: The identity.
        id: Its Azure resource id.
        principal_id: Object id of its service principal.
        client_id: Application id of its service principal.
    """

    def __init__(
        self,
        name: str,
        *,
        identity_name: pulumi.Input[str],
        resource_group_name: pulumi.Input[str],
        location: pulumi.Input[str],
        tags: AzureTags = AzureTags(),  # noqa: B008 - frozen
        after: Sequence[pulumi.Resource] = (),
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Registers the identity and looks its ids up.

        Args:
            name: Logical name.
            identity_name: The identity's name in Azure, 3 to 128 letters, digits, ``-`` and ``_``.
            resource_group_name: Where it is.
            location: Azure region.
            tags: What it is tagged with.
            after: What must exist before the identity, and so be removed after it: the group, whose
                removal takes the policy along that confines the identity.
            opts: Resource options.
        """
        super().__init__("managed-identity:index:UserAssignedIdentity", name, None, opts)

        self.identity = azure_native.managedidentity.UserAssignedIdentity(
            name,
            resource_name_=identity_name,
            resource_group_name=resource_group_name,
            location=location,
            tags=tags.inputs,
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=list(after),
                ignore_changes=tags.ignored,
                # Its name is its id. Where a replacement stopped halfway and the former name is
                # given back, the engine would otherwise make the identity and then remove it as the
                # one that it had replaced.
                delete_before_replace=True,
                hooks=error_hooks(f"identity {name}"),
            ),
        )
        # Looked up for the reason that is given in components/logic_app.py.
        place = pulumi.Output.all(self.identity.id, resource_group_name, identity_name)
        deployed: pulumi.Output[dict[str, Any]] = place.apply(
            lambda place: look_up(
                self,
                "azure-native:managedidentity:getUserAssignedIdentity",
                resourceGroupName=place[1],
                resourceName=place[2],
            )
        )
        self.id: pulumi.Output[str] = self.identity.id
        self.principal_id: pulumi.Output[str] = deployed["principalId"]
        self.client_id: pulumi.Output[str] = self.principal_id.apply(
            lambda principal_id: wait_for_client_id(self, principal_id)
        )
        self.register_outputs(
            {"id": self.id, "principalId": self.principal_id, "clientId": self.client_id}
        )
