"""What the Logic Apps service takes as a workflow, checked when it is saved.

The shapes are JSON schemas below; what a schema cannot say is checked beside them. The texts around
a finding are the service's; the finding itself is in our words where Microsoft documents the rule
and not the sentence.
"""

import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from simulator.tenant.answers import CloudError, NotSimulated
from simulator.tenant.expressions import SyntaxFault, references_of
from simulator.tenant.recurrence import problem_with
from simulator.tenant.store import Document

SCHEMA = (
    "https://schema.management.azure.com/providers/Microsoft.Logic/schemas/2016-06-01/"
    "workflowdefinition.json#"
)
# Types of triggers and actions that exist besides those checked here: they can be saved, and are
# refused when they are to run.
_OTHERS = """
ApiConnection ApiConnectionWebhook ApiManagement AppendToArrayVariable AppendToStringVariable Batch
DecrementVariable Expression Foreach Function HttpWebhook IncrementVariable
InitializeVariable JavaScriptCode Join ParseJson Query Response Scope Select SendToBatch SetVariable
SlidingWindow Switch Table Until Workflow Xslt
"""
OTHER_TYPES = frozenset(_OTHERS.split())
_COMPARISONS = "contains endsWith equals greater greaterOrEquals less lessOrEquals startsWith"
OPERATORS = frozenset({"and", "or", *_COMPARISONS.split()})
"""Of conditions, besides ``not``."""
# Source: https://learn.microsoft.com/azure/logic-apps/logic-apps-limits-and-configuration
DEEPEST_NESTING = 8
DURATION = re.compile(
    r"P(?=.)(?:(?P<days>\d+)D)?(?:T(?=.)(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)S)?)?",
    re.ASCII,
)
ISSUERS = ("https://sts.windows.net/", "https://login.microsoftonline.com/")


def _object(names: str = "", **properties: Any) -> dict[str, Any]:
    """An object of these members and no others; those of which nothing else is known by name."""
    known = dict.fromkeys(names.split(), True) | properties
    return {"type": "object", "properties": known, "additionalProperties": False}


def _one_of(*values: str) -> dict[str, Any]:
    return {"enum": list(values)}


def _map(of: Any = True, most: int | None = None) -> dict[str, Any]:
    """An object whose members have names of one's own."""
    limit = {} if most is None else {"maxProperties": most}
    return {"type": "object", "additionalProperties": of} | limit


def _list(of: Any = True, most: int | None = None) -> dict[str, Any]:
    return {"type": "array", "items": of} | ({} if most is None else {"maxItems": most})


def _by_type(**kinds: dict[str, Any]) -> dict[str, Any]:
    """An object whose ``type`` decides its other members."""
    choices = [
        {
            "if": {"properties": {"type": {"const": kind}}},
            "then": schema | {"properties": {"type": True, **schema["properties"]}},
        }
        for kind, schema in kinds.items()
    ]
    return {
        "type": "object",
        "required": ["type"],
        "properties": {"type": _one_of(*kinds)},
        "allOf": choices,
    }


_METHOD = _one_of("GET", "PUT", "POST", "PATCH", "DELETE", "HEAD", "OPTIONS")
_TEXT = {"type": "string"}
_CLAIM = _object("name", value={"type": "string", "maxLength": 150})
_POLICY = _object(type=_one_of("AAD"), claims=_list(_CLAIM, 10)) | {"required": ["type"]}
_POLICIES = _object(policies=_map(_POLICY, 5))
# As the published schema of 2019-05-01 has it.
_ACCESS = _object(
    "actions contents workflowManagement",
    triggers=_object(
        allowedCallerIpAddresses=_list(_object("addressRange")),
        openAuthenticationPolicies=_POLICIES,
    ),
)
_RESOURCE = _object(
    "location tags id name type",
    identity=_object(
        "principalId tenantId",
        type=_one_of("None", "SystemAssigned", "UserAssigned"),
        userAssignedIdentities=_map(),
    ),
    properties=_object(
        "definition endpointsConfiguration integrationAccount integrationServiceEnvironment",
        state=_one_of("NotSpecified", "Completed", "Enabled", "Disabled", "Deleted", "Suspended"),
        parameters=_map(_object("value type metadata description")),
        accessControl=_ACCESS,
    ),
) | {"required": ["properties"]}
_DEFINITION = _object(
    "staticResults outputs description metadata",
    **{"$schema": {"const": SCHEMA}},
    contentVersion={"const": "1.0.0.0"},
    parameters=_map(most=50),
    triggers=_map({"type": "object"}, 10),
    actions=_map(most=500),
) | {"required": ["$schema", "contentVersion"]}

_SECURE = _object(properties=_list(_one_of("inputs", "outputs"))) | {"required": ["properties"]}
_CONDITIONS = _list(_object(expression=_TEXT | {"pattern": "^@"}) | {"required": ["expression"]})
# Source: https://learn.microsoft.com/azure/logic-apps/logic-apps-limits-and-config#concurrency-and-debatching
_CONCURRENCY = _object(
    runs={"type": "integer", "minimum": 1, "maximum": 100},
    maximumWaitingRuns={"type": "integer", "minimum": 1, "maximum": 100},
)
_TRIGGERS = {
    "Recurrence": _object(
        "type recurrence description metadata",
        conditions=_CONDITIONS,
        runtimeConfiguration=_object(concurrency=_CONCURRENCY),
    ),
    "Request": _object(
        "type correlation operationOptions description metadata",
        conditions=_CONDITIONS,
        kind=_one_of("Http", "Button", "PowerApp", "Geofence"),
        inputs=_object("schema relativePath", method=_METHOD),
        runtimeConfiguration=_object(concurrency=_CONCURRENCY, secureData=_SECURE),
    ),
}
_NO_RETRIES = _object()
_RETRIES = _object("interval", count={"type": "integer", "minimum": 1, "maximum": 90}) | {
    "required": ["count", "interval"]
}
_AUTHENTICATION = _by_type(
    # The service can do without an audience for Azure's own resources, not for Microsoft Graph.
    ManagedServiceIdentity=_object("identity", audience=_TEXT) | {"required": ["audience"]},
    ActiveDirectoryOAuth=_object(
        "authority tenant audience clientId credentialType secret pfx password"
    ),
    Basic=_object("username password"),
    ClientCertificate=_object("pfx password"),
    Raw=_object("value"),
)
_AFTER = _map(_list(_one_of("Succeeded", "Failed", "Skipped", "TimedOut")))
_ACTIONS = {
    "Compose": _object(
        "type inputs trackedProperties description metadata",
        runAfter=_AFTER,
        # "The Compose, Parse JSON, and Response actions has only the Secure Inputs setting":
        # https://learn.microsoft.com/azure/logic-apps/logic-apps-securing-a-logic-app
        runtimeConfiguration=_object(
            secureData=_object(properties=_list(_one_of("inputs"))) | {"required": ["properties"]}
        ),
    )
    | {"required": ["inputs"]},
    "Terminate": _object(
        "type description metadata",
        runAfter=_AFTER,
        inputs=_object(
            runStatus=_one_of("Failed", "Cancelled", "Succeeded"),
            runError=_object(code=_TEXT, message=_TEXT),
        )
        | {"required": ["runStatus"]},
    )
    | {"required": ["inputs"]},
    "Wait": _object(
        "type description metadata",
        runAfter=_AFTER,
        inputs=_object(
            "until",
            interval=_object(
                "count", unit=_one_of("Second", "Minute", "Hour", "Day", "Week", "Month")
            )
            | {"required": ["count", "unit"]},
        ),
    )
    | {"required": ["inputs"]},
    "If": _object(
        "type expression description metadata",
        runAfter=_AFTER,
        actions={"type": "object"},
        **{"else": _object(actions={"type": "object"}) | {"required": ["actions"]}},
    )
    | {"required": ["actions"]},
    "Http": _object(
        "type limit operationOptions trackedProperties description metadata",
        runAfter=_AFTER,
        inputs=_object(
            "headers queries body cookie",
            method=_METHOD,
            uri=_TEXT,
            authentication=_AUTHENTICATION,
            retryPolicy=_by_type(
                default=_NO_RETRIES,
                none=_NO_RETRIES,
                fixed=_RETRIES,
                exponential=_RETRIES
                | {
                    "properties": {
                        **_RETRIES["properties"],
                        "minimumInterval": True,
                        "maximumInterval": True,
                    }
                },
            ),
        )
        | {"required": ["method", "uri"]},
        runtimeConfiguration=_object(
            "concurrency contentTransfer staticResult", secureData=_SECURE
        ),
    )
    | {"required": ["inputs"]},
}
_OPTIONS: dict[str, tuple[str, ...]] = {
    "Request": ("EnableSchemaValidation", "IncludeAuthorizationHeadersInOutputs"),
    "Http": ("DisableAsyncPattern", "DisableAutomaticDecompression", "Asynchronous"),
}


_TYPES = {
    "object": "an object",
    "array": "a list",
    "string": "a text",
    "integer": "a whole number",
}


class _Finding(Exception):  # noqa: N818 - caught within this module
    """What is wrong with one trigger or action."""


def _check_shape(value: Any, schema: Mapping[str, Any], what: str) -> None:
    """Raises the first finding of a schema, from the outside inwards."""
    # Imported only here: it takes longer than a script's process has to spare, which saves nothing.
    from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

    errors = Draft202012Validator(schema).iter_errors(value)
    first = min(errors, key=lambda error: len(error.absolute_path), default=None)
    if first is None:
        return
    where = f"'{'.'.join(map(str, first.absolute_path))}'" if first.absolute_path else what
    given, expected = first.instance, first.validator_value
    match first.validator:
        case "additionalProperties":
            unknown = min(given.keys() - first.schema["properties"].keys())
            raise _Finding(f"could not find member '{unknown}' on {where}")
        case "type":
            raise _Finding(f"{where} must be {_TYPES[expected]}")
        case "enum":
            raise _Finding(f"{where} '{given}' must be one of {', '.join(expected)}")
        case "const":
            raise _Finding(f"{where} must be '{expected}'")
        case "required":
            missing = next(name for name in expected if name not in given)
            raise _Finding(f"{where} needs '{missing}'")
        case "maxProperties" | "maxItems":
            raise _Finding(f"there are more than {expected} in {where}")
        case "pattern":
            raise _Finding(f"{where} '{given}' must be an expression")
        case "maxLength":
            raise _Finding(f"{where} is longer than {expected} characters")
        case _:
            raise _Finding(f"{where} '{given}' is beyond the {first.validator} of {expected}")


def check_workflow(body: Any, now: datetime) -> None:
    """Refuses a workflow resource that the service would refuse.

    Raises:
        CloudError: 400 ``InvalidRequestContent`` or ``InvalidTemplate``.
    """
    try:
        _check_shape(body, _RESOURCE, "the workflow")
        assigned = _assigned_identities(body.get("identity", {}))
        properties = body["properties"]
        _check_access_control(properties.get("accessControl", {}))
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
    if "identity" in body:
        _check_identities(properties["definition"], assigned)


def _check_access_control(given: Document) -> None:
    for place in given:
        if place != "triggers":
            raise CloudError(
                501, "NotSimulated", f"The simulated tenant has no accessControl for {place}."
            )
    access = given.get("triggers", {})
    for entry in access.get("allowedCallerIpAddresses", []):
        address_range = entry.get("addressRange")
        try:
            ipaddress.IPv4Network(address_range)
        except (ValueError, TypeError):
            # The service also takes "first-last"; and which other spellings is not said.
            raise _Finding(
                f"the address range '{address_range}' must be of the form x.x.x.x/n"
            ) from None
    policies = access.get("openAuthenticationPolicies", {}).get("policies", {})
    for name, policy in policies.items():
        claims = policy.get("claims", [])
        if not all(isinstance(claim.get("value"), str) for claim in claims):
            raise _Finding(f"a claim of policy '{name}' must have a value, a text")
        if not any(c.get("name") == "iss" and c["value"].startswith(ISSUERS) for c in claims):
            raise _Finding(f"policy '{name}' has no claim iss with an issuer of Entra ID")


def _assigned_identities(identity: Document) -> Document:
    """The user-assigned identities of a workflow, by their resource ids."""
    assigned: Document = identity.get("userAssignedIdentities", {})
    if len(assigned) != int(identity.get("type") == "UserAssigned"):
        raise _Finding(
            "a Consumption workflow has one user-assigned identity if its identity type is "
            f"UserAssigned, else none, and here are {len(assigned)}"
        )
    return assigned


def _check_identities(definition: Document, assigned: Iterable[str]) -> None:
    """Refuses actions that authenticate with an identity that the workflow has not."""
    known = {resource_id.casefold() for resource_id in assigned}
    for name, action in nested(definition.get("actions", {})):
        if action["type"] != "Http":
            continue
        named = action["inputs"].get("authentication", {}).get("identity")
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
    for name, action in _named(actions).items():
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
        _check_shape(definition, _DEFINITION, "the definition")
        _check_parameters(_named(definition.get("parameters", {})), values)
        for name, trigger in _named(definition.get("triggers", {})).items():
            where = f"trigger '{name}'"
            _check_operation(trigger, _TRIGGERS, OTHER_TYPES | {"Http"})
            if trigger["type"] == "Recurrence":
                _check_recurrence(trigger.get("recurrence"), now)
        where = "definition"
        _check_concurrency(definition.get("triggers", {}))
        actions = definition.get("actions", {})
        for name, action, siblings in _with_siblings(actions):
            where = f"action '{name}'"
            _check_operation(action, _ACTIONS, OTHER_TYPES)
            _check_action(action, siblings)
        where = "definition"
        _check_names([name for name, _ in nested(actions)])
        for name, trigger in definition.get("triggers", {}).items():
            where = f"trigger '{name}'"
            _check_expressions(trigger.get("conditions", []))
        where = "definition"
        _check_references(actions, dict(nested(actions)), frozenset())
    except _Finding as error:
        raise CloudError(
            400,
            "InvalidTemplate",
            f"The template validation failed: 'The template {where} is not valid: {error}.'.",
        ) from None


def _check_expressions(value: Any) -> set[str]:
    """The actions that the expressions of a value read; what is of open meaning can be saved."""
    try:
        return references_of(value)
    except NotSimulated:
        return set()
    except SyntaxFault as fault:
        raise _Finding(f"the template language expression is not valid: {fault}") from None


def _check_references(actions: Document, known: Document, before: frozenset[str]) -> None:
    """Refuses an action that reads one which has not run before it, in the service's words."""
    for name, action in actions.items():
        upstream, waiting = set(before), list(action.get("runAfter", {}))
        while waiting:
            earlier = waiting.pop()
            if earlier not in upstream:
                upstream |= {earlier, *dict(nested({earlier: actions[earlier]}))}
                waiting += actions[earlier].get("runAfter", {})
        for other in sorted(_check_expressions([action.get("inputs"), action.get("expression")])):
            if other not in known:
                raise _Finding(
                    f"the action(s) '{other}' referenced by 'inputs' in action '{name}' are not "
                    "defined in the template"
                )
            if other not in upstream:
                raise _Finding(
                    f"the inputs of template action '{name}' cannot reference action '{other}'. "
                    f"Action '{other}' must either be in 'runAfter' path or within a scope action "
                    f"on the 'runAfter' path of action '{name}', or be a Trigger"
                )
        for branch in branches(action):
            _check_references(branch, known, frozenset(upstream))


def _check_parameters(declared: Document, values: Document) -> None:
    undeclared = sorted(values.keys() - declared.keys())
    if undeclared:
        raise _Finding(f"the parameter '{undeclared[0]}' is not declared in the definition")


def _check_recurrence(recurrence: Any, now: datetime) -> None:
    finding = problem_with(recurrence, now)
    if finding:
        raise _Finding(finding)


def concurrency_of(trigger: Document) -> Document:
    """How many runs of a trigger there may be at once; empty where nothing limits them."""
    found: Document = trigger.get("runtimeConfiguration", {}).get("concurrency", {})
    return found


def _check_concurrency(triggers: Document) -> None:
    for trigger in triggers.values():
        concurrency = concurrency_of(trigger)
        if concurrency and len(triggers) > 1:
            # Reported of deployments, in public checks of definitions.
            raise _Finding(
                "only a single trigger with concurrency control is supported, and no other "
                "triggers can be defined"
            )
        waiting = concurrency.get("maximumWaitingRuns", 100)
        if concurrency and waiting < 10 + concurrency.get("runs", 25):
            raise _Finding(
                f"maximumWaitingRuns {waiting} must be at least 10 more than the concurrent runs"
            )


def check_change(before: Document, after: Document) -> None:
    """Refuses a definition that would take away what stays once it is there.

    Raises:
        CloudError: 400 ``CannotDisableTriggerConcurrency``. The sentence is ours. Some say that a
            PUT of a whole workflow may: here it may not.
    """
    for name, trigger in after.get("triggers", {}).items():
        former = before.get("triggers", {}).get(name, {})
        if concurrency_of(former) and not concurrency_of(trigger):
            raise CloudError(
                400,
                "CannotDisableTriggerConcurrency",
                f"The concurrency of the trigger '{name}' cannot be disabled once it is enabled.",
            )


def _named(value: Document) -> Document:
    for name in value:
        if not 1 <= len(name) <= 80 or re.search(r'[<>%&\\?/#:"|]', name):
            raise _Finding(
                f"the name '{name}' is longer than 80 characters, or holds a forbidden one"
            )
    return value


def _check_operation(operation: Any, schemas: Mapping[str, Any], others: Iterable[str]) -> None:
    """The shape of a trigger or an action, and its options."""
    if not isinstance(operation, dict):
        raise _Finding("it must be an object")
    kind = str(operation.get("type"))
    if kind not in schemas:
        if kind not in others:
            raise _Finding(f"the type '{kind}' is not recognized")
        return
    _check_shape(operation, schemas[kind], "it")
    for option in str(operation.get("operationOptions", "")).split(","):
        if option.strip() and option.strip() not in _OPTIONS.get(kind, ()):
            raise _Finding(f"it has no operationOptions '{option.strip()}'")


def _check_action(action: Document, siblings: Document) -> None:
    for name in action.get("runAfter", {}):
        if name not in siblings:
            raise _Finding(f"could not find '{name}' to run after")
    if action["type"] == "If":
        _check_expression(action.get("expression"))
    if action["type"] != "Http":
        return
    inputs = action["inputs"]
    if not inputs["uri"].startswith("@") and urlsplit(inputs["uri"]).scheme not in (
        "http",
        "https",
    ):
        raise _Finding(f"the uri '{inputs['uri']}' must be absolute")
    policy = inputs.get("retryPolicy", {})
    if isinstance(policy.get("count"), float):
        raise _Finding("the retryPolicy's count must be a whole number")
    for name, interval in policy.items():
        if name.casefold().endswith("interval") and not 5 <= _seconds(interval) <= 86_400:
            raise _Finding(f"the retryPolicy's {name} must be from PT5S to P1D")


def _seconds(value: Any) -> int:
    match = DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise _Finding(f"the interval '{value}' is no ISO 8601 duration")
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


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
    if operator not in OPERATORS:
        raise _Finding(f"there is no operator '{operator}'")
    if not isinstance(operands, list):
        raise _Finding(f"the operands of '{operator}' must be a list")
    if operator in ("and", "or"):
        for operand in operands:
            _check_expression(operand)
    elif len(operands) != 2:
        raise _Finding(f"'{operator}' compares two operands")
