"""Calls of triggers: what one must bring, and what the run can read of it."""

from typing import Any

from simulator.tenant.answers import CloudError
from simulator.tenant.expressions import Scope
from simulator.tenant.logic_apps.exceptions import not_simulated
from simulator.tenant.store import Document

# The form of Microsoft's page, for a call without the header too.
BY_TOKEN = [
    {
        "expression": "@startsWith(coalesce(triggerOutputs()?['headers']?['Authorization'], ''), "
        "'Bearer ')"
    }
]
_JSON_TYPES = {dict: "Object", list: "Array", str: "String", bool: "Boolean", int: "Integer"} | {
    float: "Number",
    type(None): "Null",
}


def scope_of(name: str, trigger: Document, body: Any, authorization: str | None) -> Scope | None:
    """What the run can read; ``None`` where the trigger's condition is not met.

    Raises:
        CloudError: The body does not match the schema.
    """
    given = str(trigger.get("operationOptions", "")).split(",")
    options = [option.strip() for option in given]
    if "EnableSchemaValidation" in options:
        _check_schema(name, trigger.get("inputs", {}).get("schema", {}), body)
    headers = {}
    if "IncludeAuthorizationHeadersInOutputs" in options and authorization is not None:
        headers["Authorization"] = authorization
    if trigger.get("conditions") == BY_TOKEN and not headers:
        return None
    return Scope(name, body, headers)


def _check_schema(trigger: str, schema: Document, body: Any) -> None:
    """Refuses a body that does not match the schema of a trigger, in the service's words.

    The findings are those of Newtonsoft's Json.NET Schema. What Azure's management API gets, which
    posts no body, is as reported of Power Automate, whose flows are workflows.

    Raises:
        CloudError: 400 ``TriggerInputSchemaMismatch``.
    """
    # Imported only here: it takes longer than a script's process has to spare, which saves nothing.
    from jsonschema import Draft4Validator  # type: ignore[import-untyped]

    if body is None:
        found = " The input body is missing required schema properties."
    else:
        texts = [_schema_finding(error) for error in Draft4Validator(schema).iter_errors(body)]
        if not texts:
            return
        found = f" Error details: '{','.join(texts)}'."
    raise CloudError(
        400,
        "TriggerInputSchemaMismatch",
        f"The input body for trigger '{trigger}' of type 'Request' did not match its schema "
        f"definition.{found}",
    )


def _schema_finding(error: Any) -> str:
    given, expected = error.instance, error.validator_value
    match error.validator:
        case "type":
            return f"Invalid type. Expected {expected.title()} but got {_JSON_TYPES[type(given)]}."
        case "maxLength":
            return f"String '{given}' exceeds maximum length of {expected}."
        case "required":
            missing = [name for name in expected if name not in given]
            return f"Required properties are missing from object: {', '.join(missing)}."
        case "additionalProperties":
            other = next(name for name in given if name not in error.schema["properties"])
            return (
                f"Property '{other}' has not been defined and the schema does not allow "
                "additional properties."
            )
    raise not_simulated(f"The simulated tenant checks no {error.validator} of a schema.")
