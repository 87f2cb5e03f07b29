"""Tags of a resource in Azure: ours, and those that others put on it, which are left alone.

Azure Policy, and people, tag what is not theirs. An update of a resource writes all of its tags, so
that those of others have to be among its inputs, or they are lost. Yet they are not to show up as
changes where nothing else changes.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from .deployed import Deployed
from .provider_errors import find

# What this program makes in Azure, and how each is read: function and argument of azure-native.
_READ_BY = {
    "azure-native:logic:Workflow": ("azure-native:logic:getWorkflow", "workflowName"),
    "azure-native:managedidentity:UserAssignedIdentity": (
        "azure-native:managedidentity:getUserAssignedIdentity",
        "resourceName",
    ),
    "azure-native:monitor:ActionGroup": (
        "azure-native:monitor:getActionGroup",
        "actionGroupName",
    ),
    "azure-native:monitor:MetricAlert": ("azure-native:monitor:getMetricAlert", "ruleName"),
    "azure-native:resources:ResourceGroup": ("azure-native:resources:getResourceGroup", None),
}


@dataclass(frozen=True)
class OthersTags:
    """The tags that others put on one resource.

    Attributes:
        further: Those that the state does not know as they are: they become inputs.
        known: Names of those that the state knows. Whether they are among the inputs is for the
            state to say: what Azure Policy added to our own request is not, and it adds it to each.
    """

    further: Mapping[str, str]
    known: Collection[str]

    @property
    def ignored(self) -> list[str]:
        """The resource's ``ignore_changes``."""
        quoted = [name.replace('"', '\\"') for name in self.known]
        return [f'tags["{name}"]' for name in sorted(quoted)]


def leave_tags_of_others(deployed: Deployed, *, resource_group: str, own: Collection[str]) -> None:
    """Has each resource in Azure that this program registers keep what others tagged it with.

    Args:
        deployed: The state before this run.
        resource_group: The resource group that it was deployed to.
        own: Names of our tags, in this run and in former ones: they go where they are not wanted.

    Raises:
        pulumi.RunError: Azure does not say what a resource is tagged with.
    """
    others = {
        key: _tags_of_others(key[0], outputs, resource_group, own)
        for key, outputs in deployed.items()
    }

    def beside_others(
        args: pulumi.ResourceTransformationArgs,
    ) -> pulumi.ResourceTransformationResult | None:
        tags = others.get((args.type_, args.name))
        if tags is None:
            return None
        props = dict(args.props)
        if tags.further:
            own_tags = pulumi.Output.from_input(props.get("tags"))
            props["tags"] = own_tags.apply(lambda own: {**tags.further, **(own or {})})
        options = pulumi.ResourceOptions(ignore_changes=tags.ignored)
        return pulumi.ResourceTransformationResult(
            props, pulumi.ResourceOptions.merge(args.opts, options)
        )

    pulumi.runtime.register_stack_transformation(beside_others)


def _tags_of_others(
    type_: str, outputs: Mapping[str, Any], resource_group: str, own: Collection[str]
) -> OthersTags | None:
    if type_ not in _READ_BY:
        return None
    function, argument = _READ_BY[type_]
    name = {argument: outputs["name"]} if argument else {}
    now = find(function, resourceGroupName=resource_group, **name)
    if now is None:
        return None
    ours = {name.casefold() for name in own}
    others = {k: v for k, v in (now.get("tags") or {}).items() if k.casefold() not in ours}
    state = outputs.get("tags") or {}
    return OthersTags(
        further={name: value for name, value in others.items() if state.get(name) != value},
        known=[name for name, value in others.items() if state.get(name) == value],
    )
