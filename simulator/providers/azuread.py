"""What ``pulumi-azuread`` does, against the simulated Microsoft Graph.

Behaviour and words were read in the source of the Terraform provider that it bridges
(hashicorp/terraform-provider-azuread 3.9, ``internal/services/approleassignments`` and
``…/serviceprincipals``), of its client (hashicorp/go-azure-sdk, ``sdk/client/client.go``) and of
the bridge (pulumi/pulumi-terraform-bridge, ``pkg/tfbridge/provider.go``).
"""

import http
import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from importlib.metadata import version
from math import log2
from typing import Any, get_origin
from urllib.parse import quote
from uuid import UUID

from pulumi_azuread import AppRoleAssignmentArgs, GetServicePrincipalResult

from simulator.providers.properties import UNKNOWN, Change, Properties, differences
from simulator.providers.retries import with_retries
from simulator.providers.schema import Failure, check, fields
from simulator.providers.server import (
    Difference,
    InitializationError,
    Observed,
    Provider,
    RefusalError,
    Resource,
)
from simulator.tenant import (
    DEPLOYMENT_CLIENT_ID,
    GRAPH_AUDIENCE,
    ConnectionLostError,
    Response,
    Tenant,
)
from simulator.tenant.entra import APPLICATION_TOKEN_LIFETIME

_ASSIGNMENT = "azuread:index/appRoleAssignment:AppRoleAssignment"
_LOOK_UP = "azuread:index/getServicePrincipal:getServicePrincipal"
# Seconds that the provider gives to each operation on an assignment, and to a look-up.
_TIMEOUT = 300
# The longest that one operation goes on with a token that lived when it began.
_RENEWED_BEFORE = timedelta(seconds=_TIMEOUT)
# Seconds between the attempts of one request are doubled each time, up to this.
_LONGEST_PAUSE = 61
# A request whose answer is lost is sent again only where its method is one of these.
_IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS"})
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
        self._sign_in = _SignIn(tenant)

    @property
    def version(self) -> str:
        return version("pulumi-azuread")

    def configure(self, settings: Mapping[str, str]) -> None:
        """What there is are credentials: the simulated provider signs in by itself."""

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
        calls = _Calls(self._tenant, self._sign_in)
        try:
            calls.send("GET", f"/v1.0/servicePrincipals/{owner}")
        except _FailedRequest as failure:
            found = (
                "Could not retrieve service principal"
                if failure.status != 404
                else ("Service principal not found")
            )
            raise _refusal(f'{found} for resource (Object ID: "{owner}")', failure) from None
        wanted = {
            "@odata.type": "#microsoft.graph.appRoleAssignment",
            "appRoleId": inputs["appRoleId"],
            "principalId": inputs["principalObjectId"],
            "resourceId": owner,
        }
        collection = f"/servicePrincipals/{owner}/appRoleAssignedTo"
        try:
            made = calls.send("POST", f"/v1.0{collection}", wanted, repeats=_not_known_yet)
        except _FailedRequest as failure:
            raise _refusal("Could not create app role assignment", failure) from None
        identifier = f"{collection}/{made['id']}"
        try:
            shown = calls.send("GET", f"/v1.0{identifier}")
        except _FailedRequest as failure:
            if failure.status == 404:
                # To the provider it is gone: no error and no state, which the bridge cannot take.
                raise RefusalError(
                    f"expected non-nil error with nil state during Create of {resource.urn}"
                ) from None
            refusal = _refusal(f"retrieving {_described(identifier)}", failure)
            raise InitializationError(
                f"creating {resource.urn}: {refusal}", identifier, inputs
            ) from None
        return identifier, _assignment_outputs(shown)

    def preview_update(
        self, resource: Resource, outputs: Properties, inputs: Properties
    ) -> Properties:
        return self.update(resource, "", outputs, inputs)

    def update(
        self, resource: Resource, identifier: str, outputs: Properties, inputs: Properties
    ) -> Properties:
        # Each property forces a replacement. What remains is to go on with one that was made and
        # not read, and there the bridge gives back what it got.
        if any(outputs.get(name) != value for name, value in inputs.items()):
            raise RefusalError("doesn't support update")
        return outputs

    def delete(self, resource: Resource, identifier: str, outputs: Properties) -> None:
        try:
            _Calls(self._tenant, self._sign_in).send("DELETE", f"/v1.0{identifier}")
        except _FailedRequest as failure:
            refusal = _refusal(f"Deleting {_described(identifier)}", failure)
            raise RefusalError(f"deleting {resource.urn}: {refusal}") from None

    def read(
        self, resource: Resource, identifier: str, inputs: Properties, outputs: Properties
    ) -> Observed | None:
        try:
            shown = _Calls(self._tenant, self._sign_in).send("GET", f"/v1.0{identifier}")
        except _FailedRequest as failure:
            if failure.status == 404:
                return None
            raise _refusal(f"retrieving {_described(identifier)}", failure) from None
        current = _assignment_outputs(shown)
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
        calls = _Calls(self._tenant, self._sign_in)
        if key == "objectId":
            principal = _principal_by_id(calls, value)
        else:
            principal = _principal_by_filter(
                calls, "appId" if key == "clientId" else "displayName", value
            )
        identifier = principal["id"]
        try:
            # For one property that only the beta endpoint has.
            calls.send("GET", f"/beta/servicePrincipals/{identifier}?$select=samlMetadataUrl")
        except _FailedRequest as failure:
            described = f'Service Principal (Service Principal: "{identifier}")'
            raise _look_up_refusal(f"Retrieving {described} (beta API): {failure}") from None
        return _principal_outputs(principal), []

    def cancel(self) -> None:
        """Nothing is under way for longer than a call takes."""


class _FailedRequest(Exception):  # noqa: N818 - it becomes the refusal of an operation
    """A request that did not get what it is sent for.

    Attributes:
        status: The status of the answer; ``None`` where there was none.
    """

    def __init__(self, text: str, status: int | None = None) -> None:
        super().__init__(text)
        self.status = status


class _SignIn:
    """The provider's token, kept until shortly before it expires, as its client keeps it."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant
        self._token = ""
        self._until = tenant.clock.now()

    def token(self) -> str:
        now = self._tenant.clock.now()
        if now >= self._until:
            self._token = self._tenant.entra.issue_token(DEPLOYMENT_CLIENT_ID, GRAPH_AUDIENCE)
            self._until = now + APPLICATION_TOKEN_LIFETIME - _RENEWED_BEFORE
        return self._token


class _Calls:
    """The requests of one operation, which share its five minutes."""

    def __init__(self, tenant: Tenant, sign_in: "_SignIn") -> None:
        self._tenant = tenant
        self._sign_in = sign_in
        self._end = tenant.clock.now() + timedelta(seconds=_TIMEOUT)

    def send(
        self,
        method: str,
        path: str,
        body: Properties | None = None,
        *,
        repeats: Callable[[Response], bool] = lambda _: False,
    ) -> Properties:
        """Sends a request until it is answered with anything but "later", while time is left.

        ``repeats`` tells which answers mean "later" besides those that always do.

        Raises:
            _FailedRequest: There was no answer, or another one than success.
        """
        headers = {} if body is None else {"Content-Type": "application/json"}
        idempotent = method in _IDEMPOTENT
        try:
            response = with_retries(
                lambda: self._tenant.graph.request(
                    method, path, body, token=self._sign_in.token(), headers=headers
                ),
                pauses=self._pauses(),
                repeats=lambda response: _later(response) or repeats(response),
                repeat_lost=idempotent,
                sleep=self._sleep,
            )
        except ConnectionLostError as error:
            lost = "HTTP response was nil; connection may have been reset"
            raise _FailedRequest(str(error) if idempotent else lost) from None
        if response.status not in {200, 201, 204}:
            raise _FailedRequest(_status_text(response), response.status)
        return response.body or {}

    def _pauses(self) -> Sequence[float]:
        """By the client's own reckoning of how many end within what is left of the time."""
        left = max(0.0, (self._end - self._tenant.clock.now()).total_seconds())
        number = int(log2(left + 1)) - 1 if left <= 63 else int(left - 63) // 61 + 6
        return [min(2**attempt, _LONGEST_PAUSE) for attempt in range(number)]

    def _sleep(self, seconds: float) -> None:
        left = max(0.0, (self._end - self._tenant.clock.now()).total_seconds())
        self._tenant.clock.sleep(min(seconds, left))
        if seconds > left:
            raise _FailedRequest("context deadline exceeded")


def _later(response: Response) -> bool:
    """The answers that are never final."""
    return response.status in {408, 424, 429} or (response.status >= 500 and response.status != 501)


def _not_known_yet(response: Response) -> bool:
    """The answers of the endpoint for assignments to a principal that has not reached it."""
    error = (response.body or {}).get("error") or {}
    return response.status == 404 or (
        response.status == 400 and "Not a valid reference update" in error.get("message", "")
    )


def _principal_by_id(calls: _Calls, object_id: str) -> Properties:
    described = f'Service Principal (Service Principal: "{object_id}")'
    try:
        return calls.send("GET", f"/v1.0/servicePrincipals/{object_id}")
    except _FailedRequest as failure:
        if failure.status == 404:
            raise _look_up_refusal(f"{described} was not found") from None
        raise _look_up_refusal(f"Retrieving {described}: {failure}") from None


def _principal_by_filter(calls: _Calls, name: str, value: str) -> Properties:
    escaped = value.replace("'", "''")
    condition = f"{name} eq '{escaped}'"
    try:
        found = calls.send("GET", f"/v1.0/servicePrincipals?$filter={quote(condition)}")
    except _FailedRequest as failure:
        raise _look_up_refusal(
            f"Listing service principals for filter {json.dumps(condition)}: {failure}"
        ) from None
    principals: list[Properties] = found["value"]
    # By client id it takes the first.
    if len(principals) > 1 and name == "displayName":
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


def _refusal(summary: str, failure: _FailedRequest) -> RefusalError:
    """A failed operation, as the bridge to Terraform words it."""
    return RefusalError(f"1 error occurred:\n\t* {summary}: {failure}\n\n")


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
