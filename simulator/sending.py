"""Sends a mail through a deployed workflow, as any mailbox: the manual procedure's last test.

A person opens the workflow, puts another mailbox's object id into the address of its action, runs
it and reads the answer; then puts the right one back. All of it goes through Azure Resource
Manager of the *simulated* tenant: there is no way from here to a real one.
"""

import copy
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from simulator import SimulatorError
from simulator.tenant import (
    DEPLOYMENT_CLIENT_ID,
    EXCHANGE_AUDIENCE,
    ExchangeError,
    Response,
    Tenant,
)
from simulator.tenant.definition import nested

_API_VERSION = "2019-05-01"
# What ARM takes back of what it returns; the rest is its own.
_WRITABLE = ("accessControl", "definition", "endpointsConfiguration", "parameters", "state")
# What Graph learns of late: changes of a policy, and of a role of an application.
_POLICY_CHANGES = {f"{verb}-ApplicationAccessPolicy" for verb in ("New", "Set", "Remove")}
_ROLE_CHANGES = {f"{verb}-ManagementRoleAssignment" for verb in ("New", "Remove")}


@dataclass(frozen=True)
class Answer:
    """What Graph answered to a mail: its status, and code and message of its error."""

    status: int
    code: str
    message: str

    @property
    def accepted(self) -> bool:
        """Whether Graph took the mail."""
        return self.status == HTTPStatus.ACCEPTED

    @property
    def denied_by_policy(self) -> bool:
        """Whether Graph denies in either of the two texts of an application access policy."""
        return self.code == "ErrorAccessDenied" and any(
            text in self.message for text in ("Access to OData is disabled", "[RAOP]")
        )

    def __str__(self) -> str:
        if not self.code:
            return f"{self.status} {HTTPStatus(self.status).phrase}"
        return f"{self.status} {self.code} {self.message}"


def pass_policy_lag(tenant: Tenant) -> timedelta | None:
    """Moves the clock to where Graph has learned of every change of a policy or a role.

    Returns:
        By how much the clock was moved, ``None`` when it needed not be.
    """
    lags = {
        **dict.fromkeys(_POLICY_CHANGES, tenant.lags["policy"]),
        **dict.fromkeys(_ROLE_CHANGES, tenant.lags["roles"]),
    }
    changes = [
        # A call is logged a moment before it takes effect.
        call.time + timedelta(seconds=lags[call.operation] + 1)
        for call in tenant.calls()
        if call.operation in lags
    ]
    if not changes:
        return None
    known_at = max(changes)
    missing = known_at - tenant.clock.now()
    if missing <= timedelta():
        return None
    tenant.clock.advance(missing.total_seconds())
    return missing


def send_as(tenant: Tenant, workflow_id: str, mailbox: str) -> Answer:
    """Runs a workflow once, with its action addressed to the given mailbox.

    Args:
        tenant: The simulated tenant.
        workflow_id: Azure resource id of the workflow.
        mailbox: Address of the mailbox to send as.

    Raises:
        SimulatorError: There is no such workflow or mailbox, or the run did not get to an answer.
    """
    object_id = _object_id(tenant, mailbox)
    with _addressed_to(tenant, workflow_id, object_id) as definition:
        trigger, attempts = _sending(definition)
        started = _arm(tenant, "POST", f"{workflow_id}/triggers/{trigger}/run")
        run = started.headers.get("x-ms-workflow-run-id")
        if run is None:
            raise SimulatorError(
                f"The trigger {trigger} of {workflow_id} takes calls with a token alone: Azure "
                "Resource Manager cannot start it. Call it, or let it take signatures meanwhile."
            )
        history = {
            name: _body(_arm(tenant, "GET", f"{workflow_id}/runs/{run}/actions/{name}"))
            for name in attempts
        }
        *_, (action, properties) = (
            (name, found["properties"])
            for name, found in history.items()
            if found["properties"]["status"] != "Skipped"
        )
        link = properties.get("outputsLink")
        if link is None:
            why = properties.get("error", {}).get("message", "Its outputs are secured.")
            raise SimulatorError(
                f"The run {run} of {workflow_id} has no answer of Graph: its action {action} "
                f"ended as {properties['status']}. {why}"
            )
        outputs = _body(tenant.logic.content(link["uri"]))
        error = (outputs.get("body") or {}).get("error", {})
        return Answer(outputs["statusCode"], error.get("code", ""), error.get("message", ""))


def _object_id(tenant: Tenant, mailbox: str) -> str:
    (found,) = _exchange(tenant, "Get-Mailbox", {"Identity": mailbox})
    return str(found["ExternalDirectoryObjectId"])


def _exchange(
    tenant: Tenant, cmdlet: str, parameters: Mapping[str, object]
) -> list[dict[str, Any]]:
    token = tenant.entra.issue_token(DEPLOYMENT_CLIENT_ID, EXCHANGE_AUDIENCE)
    session = tenant.exchange.connect(token=token, organization=tenant.organization.initial)
    try:
        return session.invoke(cmdlet, parameters)
    except ExchangeError as error:
        raise SimulatorError(f"{cmdlet} {parameters['Identity']}: {error.message}") from None


@contextmanager
def _addressed_to(tenant: Tenant, workflow_id: str, object_id: str) -> Iterator[dict[str, Any]]:
    """Has the workflow's action address a mailbox for the duration of a ``with`` block.

    Yields:
        The workflow's definition as it is meanwhile.
    """
    workflow = _body(_arm(tenant, "GET", workflow_id))
    properties = workflow["properties"]
    original: dict[str, Any] = {
        "location": workflow["location"],
        "tags": workflow.get("tags", {}),
        "identity": {
            "type": workflow["identity"]["type"],
            "userAssignedIdentities": {
                resource_id: {}
                for resource_id in workflow["identity"].get("userAssignedIdentities", {})
            },
        },
        "properties": {name: properties[name] for name in _WRITABLE if name in properties},
    }
    changed = copy.deepcopy(original)
    definition: dict[str, Any] = changed["properties"]["definition"]
    actions = dict(nested(definition["actions"]))
    for name in _sending(definition)[1]:
        inputs = actions[name]["inputs"]
        inputs["uri"] = re.sub(
            r"/users/[^/]+/sendMail$", f"/users/{object_id}/sendMail", inputs["uri"]
        )
    if changed == original:
        yield definition
        return
    _arm(tenant, "PUT", workflow_id, changed)
    try:
        yield definition
    finally:
        _arm(tenant, "PUT", workflow_id, original)


def _sending(definition: Mapping[str, Any]) -> tuple[str, list[str]]:
    """A trigger that no condition names, and the actions that then try to send, in their order.

    Those are the last, in ``else``; further attempts send what the first does.
    """
    actions = dict(nested(definition["actions"]))
    conditions = json.dumps([action.get("expression") for action in actions.values()])
    (trigger,) = (name for name in definition["triggers"] if f'"{name}"' not in conditions)
    bodies = {
        name: action["inputs"].get("body")
        for name, action in actions.items()
        if action["type"] == "Http" and action["inputs"]["uri"].endswith("/sendMail")
    }
    last = [*bodies.values()][-1]
    return trigger, [name for name, body in bodies.items() if body == last]


def _arm(tenant: Tenant, method: str, path: str, body: dict[str, Any] | None = None) -> Response:
    response = tenant.arm.request(method, f"{path}?api-version={_API_VERSION}", body)
    if response.status >= HTTPStatus.BAD_REQUEST:
        error = (response.body or {}).get("error", {})
        raise SimulatorError(f"{method} {path}: {error.get('code')}: {error.get('message')}")
    return response


def _body(response: Response) -> dict[str, Any]:
    if response.status != HTTPStatus.OK or response.body is None:
        raise SimulatorError(f"expected an answer with content, got {response}")
    return response.body
