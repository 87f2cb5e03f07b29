"""Entra ID: service principals, app roles and their assignments, and tokens."""

import base64
import json
import secrets
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta

from simulator.tenant.answers import CloudError
from simulator.tenant.identifiers import (
    ARM_AUDIENCE,
    EXCHANGE_APP_ID,
    EXCHANGE_AUDIENCE,
    EXCHANGE_POWERSHELL_ID,
    GRAPH_APP_ID,
    GRAPH_AUDIENCE,
    TENANT_ID,
    new_id,
    seeded_id,
)
from simulator.tenant.organization import organization_of
from simulator.tenant.store import Document, Store

APPLICATION_TOKEN_LIFETIME = timedelta(hours=1)
# The platform caches a managed identity's token per resource for about a day, and nobody can make
# it fetch a new one (managed-identity-best-practice-recommendations).
MANAGED_IDENTITY_TOKEN_LIFETIME = timedelta(hours=24)

# Audience -> application whose app roles the token carries. Spelled exactly: an audience with a
# trailing slash is taken by some of the real services and not by others, so here by none.
AUDIENCES: dict[str, str | None] = {
    GRAPH_AUDIENCE: GRAPH_APP_ID,
    EXCHANGE_AUDIENCE: EXCHANGE_APP_ID,
    ARM_AUDIENCE: None,
}


class Entra:
    """The directory's applications and tokens.

    The methods without ``issue_token``'s own call run inside the caller's.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    # Service principals

    def add_service_principal(
        self,
        display_name: str,
        *,
        kind: str,
        app_id: str | None = None,
        object_id: str | None = None,
        app_roles: Iterable[Document] = (),
        alternative_names: Iterable[str] = (),
    ) -> Document:
        """Creates a service principal, which look-ups find once the directory has replicated.

        Args:
            display_name: Not unique, in Entra as here.
            kind: ``Application`` or ``ManagedIdentity``, Graph's ``servicePrincipalType``.
            app_id: The client id; a new one by default.
            object_id: The principal id; a new one by default.
            app_roles: What it offers to others as a resource.
            alternative_names: For a managed identity, the resource that it belongs to.
        """
        object_id = object_id or new_id()
        app_id = app_id or new_id()
        document = {
            "id": object_id,
            "appId": app_id,
            "displayName": display_name,
            "servicePrincipalType": kind,
            "accountEnabled": True,
            "alternativeNames": list(alternative_names),
            "servicePrincipalNames": [app_id],
            "appRoles": list(app_roles),
            "createdDateTime": self._store.now().isoformat(),
            "visibleAt": (visible_at := self._store.visible_at("directory")),
            "assignableAt": self._store.visible_at("assignment", after=visible_at),
        }
        self._store.put("servicePrincipal", object_id, document)
        return document

    def remove_service_principal(self, object_id: str) -> None:
        """Removes it with the assignments that it holds. Tokens already issued live on."""
        for assignment in self.assignments_of(object_id):
            self.unassign(assignment["id"])
        self._store.delete("servicePrincipal", object_id)
        gone = {"forgottenAt": self._store.visible_at("pointer")}
        self._store.put("removedServicePrincipal", object_id, gone)

    def is_forgotten(self, object_id: str) -> bool:
        """Whether a service principal was removed, and Exchange has heard of it."""
        gone = self._store.get("removedServicePrincipal", object_id)
        return gone is not None and self._store.is_past(gone["forgottenAt"])

    def service_principals(self) -> list[Document]:
        """Those that look-ups find at this moment."""
        return [
            principal
            for principal in self._store.all("servicePrincipal")
            if self._store.is_past(principal["visibleAt"])
        ]

    def service_principal(self, object_id: str) -> Document | None:
        """By object id, if look-ups find it at this moment."""
        principal = self._store.get("servicePrincipal", object_id)
        found = principal is not None and self._store.is_past(principal["visibleAt"])
        return principal if found else None

    def _by_app_id(self, app_id: str) -> Document | None:
        return next(iter(self._store.where("servicePrincipal", "appId", app_id)), None)

    # App role assignments

    def assignments_of(self, principal_id: str) -> list[Document]:
        return self._store.where("appRoleAssignment", "principalId", principal_id)

    def assignments_to(self, resource_id: str) -> list[Document]:
        return self._store.where("appRoleAssignment", "resourceId", resource_id)

    def shown(self, assignments: Iterable[Document]) -> list[Document]:
        """Those of some assignments that readers see at this moment."""
        return [a for a in assignments if self._store.is_past(a["visibleAt"])]

    def assign(self, principal: Document, resource: Document, app_role_id: str) -> Document:
        """Grants an app role; creating the assignment is the admin consent.

        Raises:
            CloudError: This endpoint has not heard of the principal yet, the resource has no such
                role, or the principal already holds it.
        """
        if not self._store.is_past(principal["assignableAt"]):
            # https://github.com/microsoftgraph/msgraph-bicep-types/issues/193
            raise CloudError(400, "Request_BadRequest", "Not a valid reference update.")
        if all(role["id"] != app_role_id for role in resource["appRoles"]):
            raise CloudError(
                400,
                "Request_BadRequest",
                f"Permission being assigned was not found on application '{resource['appId']}'.",
            )
        for held in self.assignments_of(principal["id"]):
            if (held["resourceId"], held["appRoleId"]) == (resource["id"], app_role_id):
                raise CloudError(
                    400,
                    "Request_BadRequest",
                    "Permission being assigned already exists on the object",
                )
        assignment = {
            "id": secrets.token_urlsafe(32),
            "appRoleId": app_role_id,
            "principalId": principal["id"],
            "principalDisplayName": principal["displayName"],
            "principalType": "ServicePrincipal",
            "resourceId": resource["id"],
            "resourceDisplayName": resource["displayName"],
            "createdDateTime": self._store.now().isoformat(),
            "visibleAt": self._store.visible_at("grant"),
        }
        self._store.put("appRoleAssignment", assignment["id"], assignment)
        return assignment

    def unassign(self, assignment_id: str) -> None:
        self._store.delete("appRoleAssignment", assignment_id)

    def roles_of(self, principal_id: str, resource_app_id: str) -> list[str]:
        """Values of the resource's app roles that the principal is assigned."""
        return self.roles_by_principal(resource_app_id).get(principal_id, [])

    def roles_by_principal(self, resource_app_id: str) -> dict[str, list[str]]:
        """The same of everyone who is assigned any, by object id of the principal."""
        resource = self._by_app_id(resource_app_id)
        if resource is None:
            return {}
        values = {role["id"]: role["value"] for role in resource["appRoles"]}
        held: dict[str, list[str]] = defaultdict(list)
        for assignment in self.assignments_to(resource["id"]):
            held[assignment["principalId"]].append(values[assignment["appRoleId"]])
        return held

    # Tokens

    def issue_token(self, client_id: str, audience: str) -> str:
        """A new token of an application, with the app roles that it is assigned at this moment.

        Raises:
            CloudError: Entra does not know the client or the audience.
        """

        def effect() -> str:
            principal = self._by_app_id(client_id)
            # A managed identity has no credentials that anyone but the platform could show.
            if principal is None or principal["servicePrincipalType"] != "Application":
                raise CloudError(
                    400,
                    "unauthorized_client",
                    f"AADSTS700016: Application with identifier '{client_id}' was not found in "
                    "the directory 'Contoso'.",
                )
            return self._issue(principal, audience, APPLICATION_TOKEN_LIFETIME)

        return self._store.call("Entra", "issue token", f"{client_id} for {audience}", effect)

    def issue_person_token(self, person: str, audience: str) -> str:
        """A new token of somebody who signed in in the browser, by their user principal name."""

        def effect() -> str:
            principal = {"id": seeded_id(person.casefold()), "appId": EXCHANGE_POWERSHELL_ID}
            return self._issue(principal, audience, APPLICATION_TOKEN_LIFETIME, person=person)

        return self._store.call("Entra", "issue token", f"{person} for {audience}", effect)

    def issue_federated_token(self, client_id: str, lifetime: timedelta) -> str:
        """What an issuer that Entra trusts for an application gives to a pipeline of it."""
        with self._store.transaction():
            token = {
                "id": secrets.token_urlsafe(32),
                "appId": client_id,
                "expires": (self._store.now() + lifetime).isoformat(),
            }
            self._store.put("federatedToken", token["id"], token)
            return str(token["id"])

    def exchange_federated_token(self, client_id: str, assertion: str, audience: str) -> str:
        """A new token of an application, for one that a pipeline has.

        Raises:
            CloudError: In the words of Entra's token endpoint
                (https://learn.microsoft.com/entra/identity-platform/reference-error-codes).
        """

        def effect() -> str:
            federated = self._store.get("federatedToken", assertion)
            principal = self._by_app_id(client_id)
            if principal is None:
                raise CloudError(
                    400,
                    "unauthorized_client",
                    f"AADSTS700016: Application with identifier '{client_id}' was not found in "
                    "the directory 'Contoso'.",
                )
            if federated is None:
                raise CloudError(
                    400,
                    "invalid_request",
                    "AADSTS50027: JWT token is invalid or malformed.",
                )
            if federated["appId"] != client_id:
                raise CloudError(
                    401,
                    "invalid_client",
                    "AADSTS700213: No matching federated identity record found for presented "
                    "assertion subject.",
                )
            if self._store.is_past(federated["expires"]):
                raise CloudError(
                    401,
                    "invalid_client",
                    "AADSTS700024: Client assertion is not within its valid time range.",
                )
            return self._issue(principal, audience, APPLICATION_TOKEN_LIFETIME)

        return self._store.call("Entra", "issue token", f"{client_id} for {audience}", effect)

    def managed_identity_token(self, object_id: str, audience: str) -> str:
        """A managed identity's token: the cached one while it lives, whatever changed since.

        Raises:
            CloudError: There is no such identity, or Entra does not know the audience.
        """

        def effect() -> str:
            principal = self._store.get("servicePrincipal", object_id)
            if principal is None:
                raise CloudError(
                    400,
                    "unauthorized_client",
                    f"AADSTS700016: The managed identity '{object_id}' was not found.",
                )
            cached = next(
                (
                    token["id"]
                    for token in self.live_tokens(object_id)
                    if token["audience"] == audience
                ),
                None,
            )
            return cached or self._issue(principal, audience, MANAGED_IDENTITY_TOKEN_LIFETIME)

        return self._store.call(
            "Entra", "issue token to managed identity", f"{object_id} for {audience}", effect
        )

    def _issue(
        self, principal: Document, audience: str, lifetime: timedelta, *, person: str = ""
    ) -> str:
        if audience not in AUDIENCES:
            raise CloudError(
                400,
                "invalid_resource",
                f"AADSTS500011: The resource principal named {audience} was not found in the "
                "tenant named Contoso.",
            )
        resource_app_id = AUDIENCES[audience]
        expires = self._store.now() + lifetime
        roles = self.roles_of(principal["id"], resource_app_id) if resource_app_id else []
        token = {
            "id": _jwt(principal, audience, roles, expires, person),
            "principalId": principal["id"],
            "appId": principal["appId"],
            "audience": audience,
            "roles": roles,
            "expires": expires.isoformat(),
            "person": person,
        }
        self._store.put("token", token["id"], token)
        return str(token["id"])

    def discovery(self, tenant: str) -> Document:
        """What Entra tells everybody of a tenant, by its id or one of its domains.

        https://learn.microsoft.com/entra/identity-platform/v2-protocols-oidc#find-your-apps-openid-configuration-document-uri

        Raises:
            CloudError: There is no such tenant.
        """
        with self._store.transaction():
            known = {*organization_of(self._store).accepted, TENANT_ID}
        if tenant.casefold() not in known:
            raise CloudError(400, "invalid_tenant", f"AADSTS90002: Tenant '{tenant}' not found.")
        return {"issuer": f"https://login.microsoftonline.com/{TENANT_ID}/v2.0"}

    def live_tokens(self, principal_id: str) -> list[Document]:
        """Tokens of a principal that have not expired."""
        return self.tokens_by_principal().get(principal_id, [])

    def tokens_by_principal(self) -> dict[str, list[Document]]:
        """The same of everyone, by object id."""
        tokens: dict[str, list[Document]] = defaultdict(list)
        for token in self._store.all("token"):
            if not self._store.is_past(token["expires"]):
                tokens[token["principalId"]].append(token)
        return tokens

    def validate(self, token: str | None, audience: str) -> Document:
        """The token's claims, as the service for that audience reads them.

        Raises:
            CloudError: 401, in Graph's words.
        """
        if not token:
            raise CloudError(401, "InvalidAuthenticationToken", "Access token is empty.")
        claims = self._store.get("token", token)
        if claims is None:
            # Microsoft's libraries quote the token in this text unless they are told to hide it.
            raise CloudError(
                401,
                "InvalidAuthenticationToken",
                f"IDX12709: CanReadToken() returned false. JWT is not well formed: '{token}'.\nThe "
                "token needs to be in JWS or JWE Compact Serialization Format.",
            )
        if claims["audience"] != audience:
            raise CloudError(
                401,
                "InvalidAuthenticationToken",
                "Access token validation failure. Invalid audience.",
            )
        if datetime.fromisoformat(claims["expires"]) <= self._store.now():
            raise CloudError(
                401,
                "InvalidAuthenticationToken",
                "Lifetime validation failed, the token is expired.",
            )
        return claims


def _jwt(
    principal: Document, audience: str, roles: list[str], expires: datetime, person: str
) -> str:
    """A token as clients see it: its claims can be read, and nobody can make one.

    https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
    """
    claims = {
        "aud": audience,
        "iss": f"https://sts.windows.net/{TENANT_ID}/",
        "tid": TENANT_ID,
        "oid": principal["id"],
        "appid": principal["appId"],
        "exp": int(expires.timestamp()),
        "ver": "1.0",
    }
    claims |= {"roles": roles} if roles else {}
    claims |= {"upn": person, "scp": "AdminApi.AccessAsUser.All"} if person else {}
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
        for part in ({"typ": "JWT", "alg": "RS256"}, claims)
    ]
    return ".".join([*parts, secrets.token_urlsafe(32)])
