"""What the Logic Apps service takes as a workflow, checked when it is saved.

The texts around a finding are the service's; the finding itself is in our words where Microsoft
documents the rule and not the sentence.
"""

import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from simulator.tenant.answers import CloudError
from simulator.tenant.recurrence import problem_with
from simulator.tenant.store import Document

SCHEMA = (
    "https://schema.management.azure.com/providers/Microsoft.Logic/schemas/2016-06-01/"
    "workflowdefinition.json#"
)
STATES = ("NotSpecified", "Completed", "Enabled", "Disabled", "Deleted", "Suspended")
# Types of triggers and actions that exist besides those checked here: they can be saved, and are
# refused when they are to run.
OTHER_TYPES = (
    "ApiConnection",
    "ApiConnectionWebhook",
    "ApiManagement",
    "AppendToArrayVariable",
    "AppendToStringVariable",
    "Batch",
    "Compose",
    "DecrementVariable",
    "Expression",
    "Foreach",
    "Function",
    "HttpWebhook",
    "IncrementVariable",
    "InitializeVariable",
    "JavaScriptCode",
    "Join",
    "ParseJson",
    "Query",
    "Response",
    "Scope",
    "Select",
    "SendToBatch",
    "SetVariable",
    "SlidingWindow",
    "Switch",
    "Table",
    "Terminate",
    "Until",
    "Wait",
    "Workflow",
    "Xslt",
)
# Of conditions, besides and, or and not.
COMPARISONS = (
    "contains",
    "endsWith",
    "equals",
    "greater",
    "greaterOrEquals",
    "less",
    "lessOrEquals",
    "startsWith",
)
# Source: https://learn.microsoft.com/azure/logic-apps/logic-apps-limits-and-configuration
DEEPEST_NESTING = 8
METHODS = ("GET", "PUT", "POST", "PATCH", "DELETE", "HEAD", "OPTIONS")
DURATION = re.compile(
    r"P(?=.)(?:(?P<days>\d+)D)?(?:T(?=.)(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)S)?)?",
    re.ASCII,
)
AUTHENTICATION = {
    "ManagedServiceIdentity": {"audience", "identity"},
    "ActiveDirectoryOAuth": {
        "authority",
        "tenant",
        "audience",
        "clientId",
        "credentialType",
        "secret",
        "pfx",
        "password",
    },
    "Basic": {"username", "password"},
    "ClientCertificate": {"pfx", "password"},
    "Raw": {"value"},
}


class _Finding(Exception):  # noqa: N818 - caught within this module
    """What is wrong with one trigger or action."""


def _members(value: Any, allowed: Iterable[str], what: str) -> Document:
    if not isinstance(value, dict):
        raise _Finding(f"{what} must be an object")
    unknown = sorted(value.keys() - set(allowed))
    if unknown:
        raise _Finding(f"could not find member '{unknown[0]}' on {what}")
    return value


def _one_of(value: Any, allowed: Iterable[str], what: str) -> None:
    allowed = tuple(allowed)
    if value not in allowed:
        raise _Finding(f"{what} '{value}' must be one of {', '.join(allowed)}")


def _seconds(value: Any, what: str) -> int:
    match = DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise _Finding(f"{what} '{value}' is no ISO 8601 duration")
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def check_workflow(body: Any, now: datetime) -> None:
    """Refuses a workflow resource that the service would refuse.

    Raises:
        CloudError: 400 ``InvalidRequestContent`` or ``InvalidTemplate``.
    """
    try:
        resource = _members(
            body,
            {"location", "tags", "identity", "properties", "id", "name", "type"},
            "the workflow",
        )
        assigned = _assigned_identities(resource.get("identity", {}))
        properties = _members(
            resource.get("properties"),
            {
                "state",
                "definition",
                "parameters",
                "accessControl",
                "endpointsConfiguration",
                "integrationAccount",
                "integrationServiceEnvironment",
            },
            "the properties",
        )
        _one_of(properties.get("state", "Enabled"), STATES, "state")
        _check_access_control(properties.get("accessControl", {}))
        for name, value in _members(
            properties.get("parameters", {}), properties.get("parameters", {}), "the parameters"
        ).items():
            _members(value, {"value", "type", "metadata", "description"}, f"parameter '{name}'")
    except _Finding as error:
        raise CloudError(
            400,
            "InvalidRequestContent",
            f"The request content was invalid and could not be deserialized: '{error}'.",
        ) from None
    if "definition" not in properties:
        raise CloudError(
            400,
            "WorkflowDefinitionMissing",
            "The workflow definition is missing from the properties of the request.",
        )
    _check_definition(properties["definition"], properties.get("parameters", {}), now)
    if "identity" in resource:
        _check_identities(properties["definition"], assigned)


def _check_access_control(given: Any) -> None:
    """Refuses what the published schema of 2019-05-01 does not have."""
    places = ("triggers", "actions", "contents", "workflowManagement")
    for place, policy in _members(given, places, "the accessControl").items():
        if place != "triggers":
            raise CloudError(
                501, "NotSimulated", f"The simulated tenant has no accessControl for {place}."
            )
        members = _members(
            policy, {"allowedCallerIpAddresses", "openAuthenticationPolicies"}, f"the {place}"
        )
        for entry in _list(members.get("allowedCallerIpAddresses", []), "allowedCallerIpAddresses"):
            _check_address_range(_members(entry, {"addressRange"}, "an allowed address"))
        open_authentication = _members(
            members.get("openAuthenticationPolicies", {}),
            {"policies"},
            "openAuthenticationPolicies",
        )
        policies = open_authentication.get("policies", {})
        if len(_members(policies, policies, "the policies")) > 5:
            raise _Finding("there are more than 5 open authentication policies")
        for name, entry in policies.items():
            _check_open_authentication(
                name, _members(entry, {"type", "claims"}, f"policy '{name}'")
            )


def _check_address_range(entry: Document) -> None:
    given = entry.get("addressRange")
    try:
        ipaddress.IPv4Network(given)
    except (ValueError, TypeError):
        # The service also takes "first-last"; and which other spellings is not said.
        raise _Finding(f"the address range '{given}' must be of the form x.x.x.x/n") from None


def _check_open_authentication(name: str, policy: Document) -> None:
    _one_of(policy.get("type"), ("AAD",), f"type of policy '{name}'")
    claims = _list(policy.get("claims", []), f"the claims of policy '{name}'")
    if len(claims) > 10:
        raise _Finding(f"policy '{name}' has more than 10 claims")
    for claim in claims:
        value = _members(claim, {"name", "value"}, "a claim").get("value")
        if not isinstance(value, str) or len(value) > 150:
            raise _Finding(f"a claim of policy '{name}' must be text of at most 150 characters")
    issuers = ("https://sts.windows.net/", "https://login.microsoftonline.com/")
    if not any(c.get("name") == "iss" and c["value"].startswith(issuers) for c in claims):
        raise _Finding(f"policy '{name}' has no claim iss with an issuer of Entra ID")


def _list(value: Any, what: str) -> list[Any]:
    if not isinstance(value, list):
        raise _Finding(f"{what} must be a list")
    return value


def _assigned_identities(given: Any) -> Document:
    """The user-assigned identities of a workflow, by their resource ids."""
    identity = _members(
        given, {"type", "userAssignedIdentities", "principalId", "tenantId"}, "the identity"
    )
    kind = identity.get("type", "None")
    _one_of(kind, ("None", "SystemAssigned", "UserAssigned"), "identity type")
    assigned = identity.get("userAssignedIdentities", {})
    _members(assigned, assigned, "the userAssignedIdentities")
    if len(assigned) != int(kind == "UserAssigned"):
        raise _Finding(
            "a Consumption workflow has one user-assigned identity if its identity type is "
            f"UserAssigned, else none, and here are {len(assigned)}"
        )
    found: Document = assigned
    return found


def _check_identities(definition: Document, assigned: Iterable[str]) -> None:
    """Refuses actions that authenticate with an identity that the workflow has not."""
    known = {resource_id.casefold() for resource_id in assigned}
    for name, action in nested(definition.get("actions", {})):
        authentication = (action.get("inputs") or {}).get("authentication") or {}
        named = authentication.get("identity")
        if named is not None and str(named).casefold() not in known:
            raise CloudError(
                400,
                "InvalidTemplate",
                f"The template validation failed: 'The template action '{name}' is not valid: the "
                f"identity '{named}' is not assigned to the workflow.'.",
            )


def branches(action: Document) -> list[Document]:
    """The actions of a condition that run where it is true, and those that run where it is not."""
    if action.get("type") != "If":
        return []
    return [action.get("actions", {}), action.get("else", {}).get("actions", {})]


def nested(actions: Document) -> Iterator[tuple[str, Document]]:
    """Actions by name with those inside of conditions; a condition comes before its own."""
    for name, action in actions.items():
        yield name, action
        for branch in branches(action):
            yield from nested(branch)


def _with_siblings(actions: Any, depth: int = 1) -> Iterator[tuple[str, Any, Document]]:
    """Each action by name with those that it may run after, checked down to there."""
    if depth > DEEPEST_NESTING:
        raise _Finding(f"actions are nested deeper than {DEEPEST_NESTING}")
    for name, action in _named(actions, 500, "actions").items():
        yield name, action, actions
        for branch in branches(action):
            yield from _with_siblings(branch, depth + 1)


def _check_names(names: list[str]) -> None:
    if len(names) > 500:
        raise _Finding("there are more than 500 actions")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise _Finding(f"the action name '{twice[0]}' is there more than once")


def _check_definition(definition: Any, values: Document, now: datetime) -> None:
    where = "definition"
    try:
        triggers, actions = _parts(definition, values)
        for name, trigger in triggers.items():
            where = f"trigger '{name}'"
            _check_trigger(trigger, now)
        for name, action, siblings in _with_siblings(actions):
            where = f"action '{name}'"
            _check_action(action, siblings)
        where = "definition"
        _check_names([name for name, _ in nested(actions)])
    except _Finding as error:
        raise CloudError(
            400,
            "InvalidTemplate",
            f"The template validation failed: 'The template {where} is not valid: {error}.'.",
        ) from None


def _parts(definition: Any, values: Document) -> tuple[Document, Document]:
    """The triggers and actions of a definition that is right in all else."""
    _members(
        definition,
        {
            "$schema",
            "contentVersion",
            "parameters",
            "staticResults",
            "triggers",
            "actions",
            "outputs",
            "description",
            "metadata",
        },
        "the definition",
    )
    if definition.get("$schema") != SCHEMA:
        raise _Finding(f"the $schema must be '{SCHEMA}'")
    if definition.get("contentVersion") != "1.0.0.0":
        raise _Finding("the contentVersion must be '1.0.0.0'")
    declared = _named(definition.get("parameters", {}), 50, "parameters")
    undeclared = sorted(values.keys() - declared.keys())
    if undeclared:
        raise _Finding(f"the parameter '{undeclared[0]}' is not declared in the definition")
    return (
        _named(definition.get("triggers", {}), 10, "triggers"),
        _named(definition.get("actions", {}), 500, "actions"),
    )


def _named(value: Any, limit: int, what: str) -> Document:
    if not isinstance(value, dict):
        raise _Finding(f"the {what} must be an object")
    if len(value) > limit:
        raise _Finding(f"there are more than {limit} {what}")
    for name in value:
        if not 1 <= len(name) <= 80 or re.search(r'[<>%&\\?/#:"|]', name):
            raise _Finding(
                f"the name '{name}' is longer than 80 characters, or holds a forbidden one"
            )
    return value


def _check_trigger(trigger: Any, now: datetime) -> None:
    if not isinstance(trigger, dict):
        raise _Finding("it must be an object")
    kind = trigger.get("type")
    if kind == "Recurrence":
        _members(
            trigger,
            {"type", "recurrence", "conditions", "runtimeConfiguration", "description", "metadata"},
            "the trigger",
        )
        _check_conditions(trigger)
        finding = problem_with(trigger.get("recurrence"), now)
        if finding:
            raise _Finding(finding)
        _check_runtime_configuration(trigger, {"concurrency"})
    elif kind == "Request":
        _members(
            trigger,
            {
                "type",
                "kind",
                "inputs",
                "conditions",
                "correlation",
                "runtimeConfiguration",
                "operationOptions",
                "description",
                "metadata",
            },
            "the trigger",
        )
        _one_of(trigger.get("kind", "Http"), ("Http", "Button", "PowerApp", "Geofence"), "kind")
        inputs = _members(
            trigger.get("inputs", {}), {"schema", "method", "relativePath"}, "the inputs"
        )
        _one_of(inputs.get("method", "POST"), METHODS, "method")
        _check_conditions(trigger)
        _check_options(trigger, ("EnableSchemaValidation", "IncludeAuthorizationHeadersInOutputs"))
        _check_runtime_configuration(trigger, {"concurrency", "secureData"})
    elif kind not in (*OTHER_TYPES, "Http"):
        raise _Finding(f"the type '{kind}' is not recognized")


def _check_conditions(trigger: Document) -> None:
    for condition in _list(trigger.get("conditions", []), "the conditions"):
        expression = _members(condition, {"expression"}, "a condition").get("expression")
        if not isinstance(expression, str) or not expression.startswith("@"):
            raise _Finding(f"the condition '{expression}' must be an expression")


def _check_action(action: Any, actions: Mapping[str, Any]) -> None:
    if not isinstance(action, dict):
        raise _Finding("it must be an object")
    for name, outcomes in _members(
        action.get("runAfter", {}), actions.keys(), "the actions to run after"
    ).items():
        if not isinstance(outcomes, list):
            raise _Finding(f"the outcomes of '{name}' to run after must be a list")
        for outcome in outcomes:
            _one_of(outcome, ("Succeeded", "Failed", "Skipped", "TimedOut"), f"outcome of '{name}'")
    if action.get("type") == "If":
        _check_condition(action)
        return
    if action.get("type") != "Http":
        if action.get("type") not in OTHER_TYPES:
            raise _Finding(f"the type '{action.get('type')}' is not recognized")
        return
    _members(
        action,
        {
            "type",
            "runAfter",
            "inputs",
            "limit",
            "operationOptions",
            "runtimeConfiguration",
            "trackedProperties",
            "description",
            "metadata",
        },
        "the action",
    )
    inputs = _members(
        action.get("inputs"),
        {"method", "uri", "headers", "queries", "body", "cookie", "authentication", "retryPolicy"},
        "the inputs",
    )
    for name in ("method", "uri"):
        if not isinstance(inputs.get(name), str):
            raise _Finding(f"the inputs need '{name}', a string")
    _one_of(inputs["method"], METHODS, "method")
    if not inputs["uri"].startswith("@") and urlsplit(inputs["uri"]).scheme not in (
        "http",
        "https",
    ):
        raise _Finding(f"the uri '{inputs['uri']}' must be absolute")
    if "authentication" in inputs:
        _check_authentication(inputs["authentication"])
    if "retryPolicy" in inputs:
        _check_retry_policy(inputs["retryPolicy"])
    _check_options(action, ("DisableAsyncPattern", "DisableAutomaticDecompression", "Asynchronous"))
    _check_runtime_configuration(
        action, {"concurrency", "secureData", "contentTransfer", "staticResult"}
    )


def _check_condition(action: Document) -> None:
    _members(
        action,
        {"type", "runAfter", "expression", "actions", "else", "description", "metadata"},
        "the action",
    )
    if not isinstance(action.get("actions"), dict):
        raise _Finding("a condition needs 'actions', an object")
    otherwise = _members(action.get("else", {"actions": {}}), {"actions"}, "the else")
    if not isinstance(otherwise.get("actions"), dict):
        raise _Finding("the else needs 'actions', an object")
    _check_expression(action.get("expression"))


def _check_expression(expression: Any) -> None:
    """A condition: an expression as text, or one operator with its operands."""
    if isinstance(expression, str) and expression.startswith("@"):
        return
    if not isinstance(expression, dict) or len(expression) != 1:
        raise _Finding("an expression must be a text with @ first, or an object of one operator")
    [(operator, operands)] = expression.items()
    if operator == "not":
        _check_expression(operands)
        return
    _one_of(operator, ("and", "or", *COMPARISONS), "the operator")
    if not isinstance(operands, list):
        raise _Finding(f"the operands of '{operator}' must be a list")
    if operator in ("and", "or"):
        for operand in operands:
            _check_expression(operand)
    elif len(operands) != 2:
        raise _Finding(f"'{operator}' compares two operands")


def _check_authentication(authentication: Any) -> None:
    if not isinstance(authentication, dict):
        raise _Finding("the authentication must be an object")
    kind = authentication.get("type")
    _one_of(kind, AUTHENTICATION, "authentication type")
    _members(authentication, {"type"} | AUTHENTICATION[str(kind)], "the authentication")
    if kind == "ManagedServiceIdentity" and not isinstance(authentication.get("audience"), str):
        # The service can do without for Azure's own resources, and not for Microsoft Graph.
        raise _Finding("the authentication needs an audience")


def _check_retry_policy(policy: Any) -> None:
    if not isinstance(policy, dict):
        raise _Finding("the retryPolicy must be an object")
    kind = policy.get("type")
    _one_of(kind, ("default", "none", "fixed", "exponential"), "retryPolicy type")
    if kind in ("default", "none"):
        _members(policy, {"type"}, f"the retryPolicy of type {kind}")
        return
    bounds = {"minimumInterval", "maximumInterval"} if kind == "exponential" else set()
    _members(policy, {"type", "count", "interval"} | bounds, f"the retryPolicy of type {kind}")
    if type(policy.get("count")) is not int or not 1 <= policy["count"] <= 90:
        raise _Finding(f"the retryPolicy's count '{policy.get('count')}' must be from 1 to 90")
    for name in ("interval", *sorted(bounds & policy.keys())):
        if not 5 <= _seconds(policy.get(name), f"the retryPolicy's {name}") <= 86_400:
            raise _Finding(f"the retryPolicy's {name} must be from PT5S to P1D")


def _check_options(operation: Document, allowed: tuple[str, ...]) -> None:
    options = operation.get("operationOptions", "")
    for option in filter(None, (part.strip() for part in str(options).split(","))):
        _one_of(option, allowed, "operationOptions")


def _check_runtime_configuration(operation: Document, allowed: set[str]) -> None:
    configuration = _members(
        operation.get("runtimeConfiguration", {}), allowed, "the runtimeConfiguration"
    )
    if "secureData" not in configuration:
        return
    secured = _members(configuration["secureData"], {"properties"}, "secureData")
    if not isinstance(secured.get("properties"), list):
        raise _Finding("secureData needs 'properties', a list")
    for part in secured["properties"]:
        _one_of(part, ("inputs", "outputs"), "secureData property")
