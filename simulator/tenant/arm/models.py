"""What a subscription has of its own: resource groups, what is in them, locks and providers."""

from dataclasses import dataclass
from typing import Any

from simulator.tenant.arm.exceptions import (
    group_not_found,
    invalid_group_location,
    not_registered,
    resource_not_found,
    scope_locked,
)
from simulator.tenant.arm.monitoring import Monitoring
from simulator.tenant.arm.tags import NO_TAG_POLICIES, written_tags
from simulator.tenant.identifiers import SUBSCRIPTION_ID
from simulator.tenant.logic_apps import LogicApps
from simulator.tenant.managed_identities import ManagedIdentities
from simulator.tenant.store import Document, Store

GROUPS_PATH = f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups"
WORKFLOW = "Microsoft.Logic/workflows"
IDENTITY = "Microsoft.ManagedIdentity/userAssignedIdentities"
NAMESPACES = ("Microsoft.Insights", "Microsoft.Logic", "Microsoft.ManagedIdentity")
LOCATIONS = (
    "australiaeast",
    "brazilsouth",
    "canadacentral",
    "centralus",
    "eastus",
    "eastus2",
    "francecentral",
    "germanywestcentral",
    "japaneast",
    "northeurope",
    "norwayeast",
    "southeastasia",
    "swedencentral",
    "switzerlandnorth",
    "uksouth",
    "westeurope",
    "westus2",
    "westus3",
)


@dataclass(frozen=True)
class Subscription:
    """The one subscription. Its methods run inside a call of ARM."""

    store: Store
    logic: LogicApps
    identities: ManagedIdentities
    monitoring: Monitoring

    # Resource groups

    def groups(self) -> list[Document]:
        return self.store.all("resourceGroup")

    def group(self, name: str) -> Document | None:
        return self.store.get("resourceGroup", name.casefold())

    def existing_group(self, name: str) -> Document:
        group = self.group(name)
        if group is None:
            raise group_not_found(name)
        return group

    def save_group(self, name: str, location: str, given_tags: Any) -> tuple[Document, bool]:
        """Creates a resource group, or replaces the tags of one: which, and whether it is new."""
        existing = self.group(name)
        if existing and existing["location"] != location:
            raise invalid_group_location(location, existing["location"])
        group: Document = existing or {
            "id": f"{GROUPS_PATH}/{name}",
            "name": name,
            "type": "Microsoft.Resources/resourceGroups",
            "location": location,
            "properties": {"provisioningState": "Succeeded"},
        }
        group["tags"] = self.tags(name, given_tags)
        self.store.put("resourceGroup", name.casefold(), group)
        return group, existing is None

    def delete_group(self, group: Document) -> None:
        for service in self.services:
            for resource in service.all_in(group["id"]):
                service.delete(resource)
        self.store.delete("resourceGroup", group["name"].casefold())

    # What is in them

    @property
    def services(self) -> tuple[LogicApps, ManagedIdentities, Monitoring]:
        return self.logic, self.identities, self.monitoring

    def service_of(self, kind: str) -> LogicApps | ManagedIdentities | Monitoring:
        """Who has the resources of a type."""
        if kind.startswith("microsoft.insights/"):
            return self.monitoring
        return self.logic if kind == WORKFLOW else self.identities

    def resources_in(self, group: Document) -> list[Document]:
        found = [s.resource(each) for s in self.services for each in s.all_in(group["id"])]
        return [
            {name: resource[name] for name in ("id", "name", "type", "location")}
            for resource in found
            # What has no location is a setting of another resource.
            if "location" in resource
        ]

    def existing_workflow(self, resource_id: str) -> Document:
        workflow = self.logic.get(resource_id)
        if workflow is None:
            group, name = resource_id.split("/")[4], resource_id.rsplit("/", 1)[1]
            raise resource_not_found(WORKFLOW, name, group)
        return workflow

    def tags(self, name: str, given: Any) -> Document:
        """The tags of what a PUT writes."""
        policies = self.store.setting("tag policies", NO_TAG_POLICIES)
        return written_tags(name, given or {}, policies)

    # What it lets nobody do

    def check_locks(self, method: str, scope: str) -> None:
        """Refuses what a lock of the scope, or of one above it, forbids.

        https://learn.microsoft.com/azure/azure-resource-manager/management/lock-resources. Which
        requests a ReadOnly lock lets pass besides GET differs by resource: here none.
        """
        for above, level in self.store.setting("locks", {}).items():
            if not f"{scope}/".casefold().startswith(f"{above}/".casefold()):
                continue
            if method == "DELETE" or (level == "ReadOnly" and method != "GET"):
                raise scope_locked(scope, "delete" if method == "DELETE" else "write", above)

    def check_registration(self, namespace: str) -> None:
        """Refuses to make what is of a provider that the subscription was never registered for.

        https://learn.microsoft.com/azure/azure-resource-manager/troubleshooting/error-register-resource-provider
        """
        if not self.is_registered(namespace):
            raise not_registered(namespace)

    def is_registered(self, namespace: str) -> bool:
        unregistered = self.store.setting("unregistered providers", [])
        return namespace.casefold() not in {each.casefold() for each in unregistered}
