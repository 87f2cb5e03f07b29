"""What ``pulumi-azuread`` does, against the simulated Microsoft Graph.

Behaviour and words were read in the source of the Terraform provider that it bridges
(hashicorp/terraform-provider-azuread, ``internal/services``) and of its client
(hashicorp/go-azure-sdk).
"""

import http
import json
import re
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any, get_origin
from urllib.parse import quote
from uuid import UUID

from pulumi_azuread import AppRoleAssignmentArgs, GetServicePrincipalResult

from simulator.providers.properties import UNKNOWN, Change, Properties, differences
from simulator.providers.retries import with_retries
from simulator.providers.schema import Failure, check, fields
from simulator.providers.server import Difference, Observed, Provider, RefusalError, Resource
from simulator.tenant import DEPLOYMENT_CLIENT_ID, GRAPH_AUDIENCE, Response, Tenant

_ASSIGNMENT = "azuread:index/appRoleAssignment:AppRoleAssignment"
_LOOK_UP = "azuread:index/getServicePrincipal:getServicePrincipal"
# An assignment is tried for five minutes while the directory does not show its principal yet. The
# real provider begins with pauses of a second and makes them longer.
_PAUSE = 5
_ATTEMPTS = 60
# Seconds between attempts of one request, by go-retryablehttp's defaults. What got no answer is
# sent again only where it is idempotent: hashicorp/go-azure-sdk, sdk/client/client.go, Execute.
_PAUSES = (1, 2, 4, 8)
# Terraform's names, which its messages use, by Pulumi's.
_TERRAFORM_NAMES = {
    "appRoleId": "app_role_id",
    "clientId": "client_id",
    "displayName": "display_name",
    "objectId": "object_id",
    "principalObjectId": "principal_object_id",
    "resourceObjectId": "resource_object_id",
}
# Where the outputs of the look-up differ in name from Graph's properties.
_GRAPH_NAMES = {
    "applicationTenantId": "appOwnerOrganizationId",
    "clientId": "appId",
    "homepageUrl": "homepage",
    "objectId": "id",
    "redirectUris": "replyUrls",
    "type": "servicePrincipalType",
}


class AzureAD(Provider):
    """The simulated ``azuread``: app role assignments, and the look-up of service principals."""

    name = "azuread"

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant

    @property
    def version(self) -> str:
        return version("pulumi-azuread")

    def check(
        self, resource: Resource, old: Properties, new: Properties
    ) -> tuple[Properties, Sequence[Failure]]:
        _refuse_unless_assignment(resource)
        failures = list(check(AppRoleAssignmentArgs, new))
        if not failures:
            failures = [
                Failure(
                    name, f'expected "{_TERRAFORM_NAMES[name]}" to be a valid UUID, got {value}'
                )
                for name, value in new.items()
                if value != UNKNOWN and not _is_uuid(value)
            ]
        return new, failures

    def compare(
        self, resource: Resource, old_inputs: Properties, new_inputs: Properties
    ) -> Difference:
        changes: dict[str, Change] = dict(differences(old_inputs, new_inputs))
        return Difference(changes=changes, replacing=frozenset(changes))

    def preview_create(self, resource: Resource, inputs: Properties) -> Properties:
        computed = ("principalDisplayName", "principalType", "resourceDisplayName")
        return inputs | dict.fromkeys(computed, UNKNOWN)

    def create(self, resource: Resource, inputs: Properties) -> tuple[str, Properties]:
        owner = inputs["resourceObjectId"]
        found = self._request("GET", f"/v1.0/servicePrincipals/{owner}")
        if found.status == 404:
            raise _refusal(
                f'Service principal not found for resource (Object ID: "{owner}")', found
            )
        if found.status != 200:
            raise _refusal(
                f'Could not retrieve service principal for resource (Object ID: "{owner}")', found
            )
        collection = f"/v1.0/servicePrincipals/{owner}/appRoleAssignedTo"
        wanted = {
            "appRoleId": inputs["appRoleId"],
            "principalId": inputs["principalObjectId"],
            "resourceId": owner,
        }
        response = self._request("POST", collection, wanted)
        for _ in range(_ATTEMPTS):
            if response.status != 404:
                break
            self._tenant.clock.advance(_PAUSE)
            response = self._request("POST", collection, wanted)
        if response.status != 201 or response.body is None:
            raise _refusal("Could not create app role assignment", response)
        identifier = f"/servicePrincipals/{owner}/appRoleAssignedTo/{response.body['id']}"
        return identifier, _assignment_outputs(response.body)

    def preview_update(
        self, resource: Resource, outputs: Properties, inputs: Properties
    ) -> Properties:
        raise RefusalError("doesn't support update")

    def update(
        self, resource: Resource, identifier: str, outputs: Properties, inputs: Properties
    ) -> Properties:
        raise RefusalError("doesn't support update")

    def delete(self, resource: Resource, identifier: str, outputs: Properties) -> None:
        response = self._request("DELETE", f"/v1.0{identifier}")
        if response.status != 204:
            raise _refusal(f"Deleting {_described(identifier)}", response)

    def read(
        self, resource: Resource, identifier: str, inputs: Properties, outputs: Properties
    ) -> Observed | None:
        collection, _, assignment = identifier.rpartition("/")
        response = self._request("GET", f"/v1.0{collection}")
        if response.status == 404:
            return None
        if response.status != 200 or response.body is None:
            raise _refusal(f"retrieving {_described(identifier)}", response)
        found = [entry for entry in response.body["value"] if entry["id"] == assignment]
        if not found:
            return None
        current = _assignment_outputs(found[0])
        names = fields(AppRoleAssignmentArgs)
        return Observed(inputs={name: current[name] for name in names}, outputs=current)

    def invoke(self, function: str, arguments: Properties) -> tuple[Properties, Sequence[Failure]]:
        if function != _LOOK_UP:
            raise RefusalError(f"the simulated azuread provider has no function {function}")
        keys = ("clientId", "displayName", "objectId")
        given = [key for key in keys if arguments.get(key)]
        if len(given) != 1:
            names = ",".join(_TERRAFORM_NAMES[key] for key in keys)
            problem = "must" if not given else "can"
            verb = "be specified" if not given else f"be specified, but {len(given)} were"
            return {}, [
                Failure("", f"Invalid combination of arguments. one of `{names}` {problem} {verb}")
            ]
        key = given[0]
        value = arguments[key]
        if key != "displayName" and not _is_uuid(value):
            name = _TERRAFORM_NAMES[key]
            return {}, [Failure(key, f'expected "{name}" to be a valid UUID, got {value}')]
        if key == "objectId":
            principal = self._principal_by_id(value)
        else:
            principal = self._principal_by_filter(
                "appId" if key == "clientId" else "displayName", value
            )
        return _principal_outputs(principal), []

    def cancel(self) -> None:
        """Nothing is under way for longer than a call takes."""

    def _principal_by_id(self, object_id: str) -> Properties:
        response = self._request("GET", f"/v1.0/servicePrincipals/{object_id}")
        described = f'Service Principal (Service Principal: "{object_id}")'
        if response.status == 404:
            raise _look_up_refusal(f"{described} was not found")
        if response.status != 200 or response.body is None:
            raise _look_up_refusal(f"Retrieving {described}: {_status_text(response)}")
        return response.body

    def _principal_by_filter(self, name: str, value: str) -> Properties:
        escaped = value.replace("'", "''")
        condition = f"{name} eq '{escaped}'"
        response = self._request("GET", f"/v1.0/servicePrincipals?$filter={quote(condition)}")
        if response.status != 200 or response.body is None:
            raise _look_up_refusal(
                f"Listing service principals for filter {json.dumps(condition)}: "
                f"{_status_text(response)}"
            )
        principals: list[Properties] = response.body["value"]
        if len(principals) > 1:
            raise _look_up_refusal(
                "Multiple service principals found: found multiple service principals matching "
                f"filter: {json.dumps(condition)}"
            )
        if not principals and name == "displayName":
            raise _look_up_refusal(
                "Service principal not found: no service principals found matching filter: "
                f"{json.dumps(condition)}"
            )
        if not principals:
            raise _look_up_refusal("No service principal found: no service principal found")
        return principals[0]

    def _request(self, method: str, path: str, body: Properties | None = None) -> Response:
        token = self._tenant.entra.issue_token(DEPLOYMENT_CLIENT_ID, GRAPH_AUDIENCE)
        headers = {} if body is None else {"Content-Type": "application/json"}
        return with_retries(
            lambda: self._tenant.graph.request(method, path, body, token=token, headers=headers),
            pauses=_PAUSES,
            repeat_lost=method != "POST",
            sleep=self._tenant.clock.advance,
        )


def _refuse_unless_assignment(resource: Resource) -> None:
    if resource.type != _ASSIGNMENT:
        raise RefusalError(
            f"the simulated azuread provider has no resource {resource.type}; it has {_ASSIGNMENT}"
        )


def _is_uuid(value: object) -> bool:
    # Terraform's check wants the hyphens, which UUID() does not.
    if not isinstance(value, str) or re.fullmatch(r"[0-9a-fA-F-]{36}", value) is None:
        return False
    try:
        return str(UUID(value)) == value.lower()
    except ValueError:
        return False


def _status_text(response: Response) -> str:
    status = f"{response.status} ({response.status} {http.HTTPStatus(response.status).phrase})"
    error = (response.body or {}).get("error")
    if error is None:
        return f"unexpected status {status} received with no body"
    return f"unexpected status {status} with error: {error['code']}: {error['message']}"


def _refusal(summary: str, response: Response) -> RefusalError:
    """A failed operation, as the bridge to Terraform words it."""
    return RefusalError(f"1 error occurred:\n\t* {summary}: {_status_text(response)}\n\n")


def _look_up_refusal(text: str) -> RefusalError:
    return RefusalError(f"invoking {_LOOK_UP}: 1 error occurred:\n\t* {text}\n\n")


def _described(identifier: str) -> str:
    """An assignment's identifier as the provider's messages spell it."""
    _, _, owner, _, assignment = identifier.split("/")
    return (
        f'Service Principal Id App Role Assigned To (Service Principal: "{owner}"\n'
        f'App Role Assignment: "{assignment}")'
    )


def _assignment_outputs(assignment: Mapping[str, Any]) -> Properties:
    return {
        "appRoleId": assignment["appRoleId"],
        "principalDisplayName": assignment["principalDisplayName"],
        "principalObjectId": assignment["principalId"],
        "principalType": assignment["principalType"],
        "resourceDisplayName": assignment["resourceDisplayName"],
        "resourceObjectId": assignment["resourceId"],
    }


def _principal_outputs(principal: Properties) -> Properties:
    """The look-up's outputs: what Graph does not return is empty, as in the real provider."""
    outputs = {
        name: _present(principal.get(_GRAPH_NAMES.get(name, name)), hint)
        for name, hint in fields(GetServicePrincipalResult).items()
    }
    roles = principal.get("appRoles", [])
    scopes = principal.get("oauth2PermissionScopes", [])
    return outputs | {
        "id": f"/servicePrincipals/{principal['id']}",
        "appRoleIds": {role["value"]: role["id"] for role in roles if role.get("value")},
        "appRoles": [
            {
                "allowedMemberTypes": role.get("allowedMemberTypes", []),
                "description": role.get("description", ""),
                "displayName": role.get("displayName", ""),
                "enabled": role.get("isEnabled", False),
                "id": role["id"],
                "value": role.get("value", ""),
            }
            for role in roles
        ],
        "oauth2PermissionScopeIds": {
            scope["value"]: scope["id"] for scope in scopes if scope.get("value")
        },
        "servicePrincipalNames": [
            name
            for name in principal.get("servicePrincipalNames", [])
            if name != principal["appId"]
        ],
    }


def _present(value: Any, hint: Any) -> Any:
    if value is not None:
        return value
    if get_origin(hint) is None:
        return hint()
    return {} if get_origin(hint) is Mapping else []
