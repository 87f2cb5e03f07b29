"""The resource group of the workflows."""

from collections.abc import Mapping

import pulumi
import pulumi_azure_native as azure_native

from .deployed import Deployed
from .provider_errors import error_hooks, find


def resource_group(
    name: str, *, location: str, tags: Mapping[str, str], deployed: Deployed
) -> pulumi.Input[str]:
    """The name of the group: made where there is none, and never deleted.

    Azure deletes a group with all that others have put into it, and a destroy cannot look first: it
    does not run this program. See docs/decisions/0016-resource-groups-stay.md.

    Args:
        name: Its name in Azure.
        location: Where it is made.
        tags: What it is then tagged with.
        deployed: The state before this run, which tells a group of ours from one that was there.

    Raises:
        pulumi.RunError: Azure does not say whether there is one.
    """
    of_state = deployed.get(("azure-native:resources:ResourceGroup", "resource-group"), {})
    ours = of_state.get("name", "").casefold() == name.casefold()
    if not ours and find("azure-native:resources:getResourceGroup", resourceGroupName=name):
        return name
    group = azure_native.resources.ResourceGroup(
        "resource-group",
        resource_group_name=name,
        location=location,
        tags=tags,
        opts=pulumi.ResourceOptions(
            retain_on_delete=True, hooks=error_hooks(f"resource group {name}")
        ),
    )
    return group.name
