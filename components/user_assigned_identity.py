"""A user-assigned managed identity, which exists before the workflow that it is for.

Owns the identity and knows its two ids. It grants nothing.

A system-assigned identity begins and ends with its workflow, so that the workflow exists before
the permission does. This one can be confined and granted first, and the workflow be made last.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pulumi_azure_native as azure_native

from .azure_ids import name_in, resource_group_in
from .deletion import go_before_policy
from .inputs import child_options, inputs_of
from .provider_errors import error_hooks, look_up
from .service_principal import wait_for_client_id


@dataclass(frozen=True, kw_only=True)
class UserAssignedIdentityArgs:
    """Inputs of a :class:`UserAssignedIdentity`.

    Attributes:
        identity_name: The identity's name in Azure, 3 to 128 letters, digits, ``-`` and ``_``.
        resource_group_name: Where it is.
        location: Azure region.
        tags: What it is tagged with.
    """

    identity_name: pulumi.Input[str]
    resource_group_name: pulumi.Input[str]
    location: pulumi.Input[str]
    tags: Mapping[str, str] = field(default_factory=dict)


class UserAssignedIdentity(pulumi.ComponentResource):
    """An identity, and its ids.

    Name in ``depends_on`` the group that is to confine it: its removal takes the policy along, so
    it has to be removed after the identity.
    """

    id: pulumi.Output[str]
    """Its Azure resource id."""

    principal_id: pulumi.Output[str]
    """Object id of its service principal."""

    client_id: pulumi.Output[str]
    """Application id of its service principal."""

    def __init__(
        self, name: str, args: UserAssignedIdentityArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("managed-identity:index:UserAssignedIdentity", name, inputs_of(args), opts)

        self.identity = azure_native.managedidentity.UserAssignedIdentity(
            name,
            resource_name_=args.identity_name,
            resource_group_name=args.resource_group_name,
            location=args.location,
            tags=args.tags,
            opts=child_options(
                self,
                opts,
                # Its name is its id. Where a replacement stopped halfway and the former name is
                # given back, the engine would otherwise make the identity and then remove it as the
                # one that it had replaced.
                delete_before_replace=True,
                transforms=[go_before_policy],
                hooks=error_hooks(f"identity {name}"),
            ),
        )
        # Looked up for the reasons that are given in components/logic_app.py.
        deployed: pulumi.Output[dict[str, Any]] = self.identity.id.apply(
            lambda id_: look_up(
                self,
                "azure-native:managedidentity:getUserAssignedIdentity",
                resourceGroupName=resource_group_in(id_),
                resourceName=name_in(id_),
            )
        )
        self.id = self.identity.id
        self.principal_id = deployed["principalId"]
        self.client_id = self.principal_id.apply(
            lambda principal_id: wait_for_client_id(self, principal_id)
        )
        self.register_outputs(
            {"id": self.id, "principalId": self.principal_id, "clientId": self.client_id}
        )
