"""User-assigned managed identities: Azure resources, each with a service principal in Entra."""

from simulator.tenant.entra import Entra
from simulator.tenant.identifiers import TENANT_ID
from simulator.tenant.store import Document, Store


class ManagedIdentities:
    """The identities of the subscription, by their resource id in lower case.

    The methods run inside a call of ARM.
    """

    def __init__(self, store: Store, entra: Entra) -> None:
        self._store = store
        self._entra = entra

    def get(self, resource_id: str) -> Document | None:
        return self._store.get("managedIdentity", resource_id.casefold())

    def all_in(self, resource_group_id: str) -> list[Document]:
        prefix = f"{resource_group_id}/".casefold()
        found = self._store.all("managedIdentity")
        return [identity for identity in found if identity["id"].casefold().startswith(prefix)]

    def save(self, resource_id: str, location: str, tags: Document) -> Document:
        """Creates an identity with its service principal, or replaces the tags of one."""
        identity = self.get(resource_id)
        if identity is None:
            name = resource_id.rsplit("/", 1)[1]
            principal = self._entra.add_service_principal(
                name,
                kind="ManagedIdentity",
                alternative_names=["isExplicit=True", resource_id],
            )
            identity = {
                "id": resource_id,
                "name": name,
                "location": location,
                "principalId": principal["id"],
                "clientId": principal["appId"],
            }
        identity["tags"] = tags
        self._store.put("managedIdentity", resource_id.casefold(), identity)
        return identity

    def delete(self, identity: Document) -> None:
        """Removes it with its service principal, also while workflows still name it."""
        self._entra.remove_service_principal(identity["principalId"])
        self._store.delete("managedIdentity", identity["id"].casefold())

    def resource(self, identity: Document) -> Document:
        """The identity as ARM returns it."""
        return {
            "id": identity["id"],
            "name": identity["name"],
            "type": "Microsoft.ManagedIdentity/userAssignedIdentities",
            "location": identity["location"],
            "tags": identity["tags"],
            "properties": {
                "tenantId": TENANT_ID,
                "principalId": identity["principalId"],
                "clientId": identity["clientId"],
            },
        }
