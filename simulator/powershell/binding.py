"""Binds what a script wrote after a command's name to declared parameters.

Facts: about_Parameters, about_Functions_Advanced_Parameters, and the resource strings of
System.Management.Automation (ParameterBinderStrings, Metadata).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from simulator.powershell.conversions import bind_value, to_string
from simulator.powershell.errors import ScriptError, UnsupportedConstruct, runtime_error
from simulator.powershell.syntax.nodes import Block, Expression
from simulator.powershell.values import Hashtable, is_enumerable, is_null, type_full_name

BINDING_EXCEPTION = "System.Management.Automation.ParameterBindingException"
VALIDATION_EXCEPTION = "System.Management.Automation.ParameterBindingValidationException"
TRANSFORMATION_EXCEPTION = (
    "System.Management.Automation.ParameterBindingArgumentTransformationException"
)
ERROR_ACTIONS = {
    action.lower(): action for action in ("Continue", "Ignore", "SilentlyContinue", "Stop")
}
COMMON_PARAMETERS = (
    "Debug", "ErrorAction", "ErrorVariable", "InformationAction", "InformationVariable",
    "OutBuffer", "OutVariable", "PipelineVariable", "ProgressAction", "Verbose", "WarningAction",
    "WarningVariable",
)  # fmt: skip


@dataclass(frozen=True)
class Parameter:
    """A parameter of a script function or of a built-in command.

    Attributes:
        position: Place among positional arguments; ``None`` for named only.
        type_name: One of the dialect's parameter types.
    """

    name: str
    type_name: str = "object"
    position: int | None = None
    mandatory: bool = False
    default: Expression | None = None
    valid_values: tuple[str, ...] = ()
    validate_not_null_or_empty: bool = False
    allow_null: bool = False
    allow_empty_string: bool = False
    allow_empty_collection: bool = False

    @property
    def is_switch(self) -> bool:
        return self.type_name == "switch"


@dataclass(frozen=True)
class Signature:
    """A command's name and parameters.

    Attributes:
        common: It takes ``-ErrorAction``.
        takes_pipeline: It may stand after a pipe.
        id_suffix: What the ids of errors in binding end with; the name where nothing is given.
    """

    name: str
    parameters: tuple[Parameter, ...] = ()
    common: bool = True
    takes_pipeline: bool = False
    id_suffix: str = ""

    def error(self, message: str, error_id: str, exception_type: str) -> ScriptError:
        """An error in binding."""
        return runtime_error(
            message,
            f"{error_id},{self.id_suffix or self.name}",
            exception_type,
            command=self.name,
        )

    def find(self, name: str) -> Parameter | None:
        """The parameter of exactly that name, case ignored; ``-ErrorAction`` included."""
        lowered = name.lower()
        if self.common and lowered == "erroraction":
            return _ERROR_ACTION
        return next((p for p in self.parameters if p.name.lower() == lowered), None)


_ERROR_ACTION = Parameter("ErrorAction", "string")


@dataclass(frozen=True)
class WrittenArguments:
    """Evaluated arguments in the order of the script.

    Attributes:
        named: Names in the script's spelling.
        without_value: Lower-case names that stood alone.
    """

    named: Mapping[str, object]
    positional: Sequence[object]
    without_value: frozenset[str] = frozenset()

    def error_action(self) -> str | None:
        """The value of ``-ErrorAction`` in its own spelling."""
        for name, value in self.named.items():
            if name.lower() == "erroraction":
                action = ERROR_ACTIONS.get(to_string(value).lower())
                if action is None:
                    raise UnsupportedConstruct(f"-ErrorAction {to_string(value)}")
                return action
        return None


@dataclass(frozen=True)
class BoundArguments:
    """Values by lower-case parameter name; what was not given is not there."""

    values: Mapping[str, object]
    error_action: str | None = None

    def get(self, name: str) -> object:
        return self.values.get(name.lower())

    def given(self, name: str) -> bool:
        return name.lower() in self.values


def block_signature(name: str, body: Block) -> Signature:
    """The signature that a ``param(…)`` block declares."""
    position = 0
    parameters: list[Parameter] = []
    for declared in body.parameters:
        is_switch = declared.type_name.name == "switch"
        parameters.append(
            Parameter(
                declared.name,
                declared.type_name.name,
                None if is_switch else position,
                declared.mandatory,
                declared.default,
                declared.valid_values,
                declared.validate_not_null_or_empty,
                declared.allow_null,
                declared.allow_empty_string,
                declared.allow_empty_collection,
            )
        )
        position += not is_switch
    return Signature(name, tuple(parameters), common=body.advanced)


def unknown_parameter(signature: Signature, name: str) -> ScriptError:
    """The error for a name that no parameter has.

    Raises:
        UnsupportedConstruct: It abbreviates a parameter, which PowerShell would accept, or the
            function is not advanced, where it would land in ``$args``.
    """
    candidates = (*signature.parameters, *([_ERROR_ACTION] if signature.common else []))
    if any(p.name.lower().startswith(name.lower()) for p in candidates):
        raise UnsupportedConstruct(f"-{name}: an abbreviated parameter of {signature.name}")
    if not signature.common:
        raise UnsupportedConstruct(
            f"-{name}: {signature.name} has no such parameter, and without [CmdletBinding()] "
            "PowerShell would not say so"
        )
    return signature.error(
        f"A parameter cannot be found that matches parameter name '{name}'.",
        "NamedParameterNotFound",
        BINDING_EXCEPTION,
    )


def missing_argument(signature: Signature, parameter: Parameter) -> ScriptError:
    return signature.error(
        f"Missing an argument for parameter '{parameter.name}'. Specify a parameter of type "
        f"'{_FULL_NAMES.get(parameter.type_name, 'System.Object')}' and try again.",
        "MissingArgument",
        BINDING_EXCEPTION,
    )


_FULL_NAMES = {
    "bool": "System.Boolean",
    "int": "System.Int32",
    "string": "System.String",
    "string[]": "System.String[]",
}


def bind(signature: Signature, written: WrittenArguments) -> BoundArguments:
    """Binds evaluated arguments.

    Raises:
        ScriptError: They do not bind.
    """
    values: dict[str, object] = {}
    for name, value in written.named.items():
        parameter = signature.find(name)
        if parameter is None:
            raise unknown_parameter(signature, name)
        if parameter is not _ERROR_ACTION:
            values[parameter.name.lower()] = _bind_one(signature, parameter, value)
    free = sorted(
        (
            p
            for p in signature.parameters
            if p.position is not None and p.name.lower() not in values
        ),
        key=lambda p: p.position or 0,
    )
    for index, value in enumerate(written.positional):
        if index >= len(free):
            raise _excess(signature, value)
        values[free[index].name.lower()] = _bind_one(signature, free[index], value)
    missing = [p.name for p in signature.parameters if p.mandatory and p.name.lower() not in values]
    if missing:
        raise signature.error(
            "Cannot process command because of one or more missing mandatory parameters: "
            f"{' '.join(missing)}.",
            "MissingMandatoryParameter",
            BINDING_EXCEPTION,
        )
    return BoundArguments(values, written.error_action() if signature.common else None)


def _excess(signature: Signature, value: object) -> ScriptError:
    if not signature.common:
        raise UnsupportedConstruct(f"more arguments than {signature.name} has parameters ($args)")
    return signature.error(
        f"A positional parameter cannot be found that accepts argument '{to_string(value)}'.",
        "PositionalParameterNotFound",
        BINDING_EXCEPTION,
    )


def _bind_one(signature: Signature, parameter: Parameter, value: object) -> object:
    try:
        bound = bind_value(value, parameter.type_name, strict=signature.common)
    except ScriptError as error:
        if signature.id_suffix:
            raise signature.error(
                f"Cannot bind parameter '{parameter.name}'. {error.record.message}",
                "CannotConvertArgumentNoMessage",
                BINDING_EXCEPTION,
            ) from error
        raise signature.error(
            f"Cannot process argument transformation on parameter '{parameter.name}'. "
            f"{error.record.message}",
            "ParameterArgumentTransformationError",
            TRANSFORMATION_EXCEPTION,
        ) from error
    if parameter.mandatory:
        _check_not_empty(signature, parameter, bound)
    problem = validation_problem(parameter, bound)
    if problem:
        raise signature.error(
            f"Cannot validate argument on parameter '{parameter.name}'. {problem}",
            "ParameterArgumentValidationError",
            VALIDATION_EXCEPTION,
        )
    return bound


def _check_not_empty(signature: Signature, parameter: Parameter, value: object) -> None:
    reason = _emptiness(parameter, value)
    if reason:
        raise signature.error(
            f"Cannot bind argument to parameter '{parameter.name}' because it is {reason}.",
            f"ParameterArgumentValidationError{_REASON_IDS[reason]}",
            VALIDATION_EXCEPTION,
        )


_REASON_IDS = {
    "null": "NullNotAllowed",
    "an empty string": "EmptyStringNotAllowed",
    "an empty array": "EmptyArrayNotAllowed",
}


def _emptiness(parameter: Parameter, value: object) -> str:
    """Why a mandatory parameter refuses the value; empty where it does not."""
    if value is None:
        return "" if parameter.allow_null else "null"
    if value == "" and parameter.type_name == "string":
        return "" if parameter.allow_empty_string else "an empty string"
    if isinstance(value, list) and parameter.type_name in {"string[]", "object[]"}:
        if not value:
            return "" if parameter.allow_empty_collection else "an empty array"
        if parameter.type_name == "string[]" and "" in value and not parameter.allow_empty_string:
            return "an empty string"
        if None in value and not parameter.allow_null:
            return "null"
    return ""


def validation_problem(parameter: Parameter, value: object) -> str:
    """What ``[ValidateSet()]`` or ``[ValidateNotNullOrEmpty()]`` says; empty where all is well."""
    items = value if isinstance(value, list) else [value]
    if parameter.validate_not_null_or_empty and (
        is_null(value)
        or not items
        or any(item is None or item == "" for item in items)
        or (isinstance(value, Hashtable) and not len(value))
    ):
        return (
            "The argument is null or empty. Provide an argument that is not null or empty, "
            "and then try the command again."
        )
    if parameter.valid_values:
        allowed = {valid.lower() for valid in parameter.valid_values}
        for item in items:
            if to_string(item).lower() not in allowed:
                return (
                    f'The argument "{to_string(item)}" does not belong to the set '
                    f'"{",".join(parameter.valid_values)}" specified by the ValidateSet attribute. '
                    "Supply an argument that is in the set and then try the command again."
                )
    return ""


def constrain(parameter: Parameter, value: object) -> object:
    """What a later assignment to the parameter's variable stores: the type stays in force."""
    if parameter.type_name == "string" and is_enumerable(value):
        raise UnsupportedConstruct(
            f"a {type_full_name(value)} assigned to [string] ${parameter.name}"
        )
    bound = bind_value(value, parameter.type_name)
    if validation_problem(parameter, bound):
        raise runtime_error(
            "The variable cannot be validated because the value "
            f"{to_string(value)} is not a valid value for the {parameter.name} variable.",
            "ValidateSetFailure",
            "System.Management.Automation.ValidationMetadataException",
        )
    return bound
