"""What ``pulumi-azure-native`` does, against the simulated Azure Resource Manager.

Behaviour and words were read in the provider's source (pulumi/pulumi-azure-native,
``provider/pkg/provider`` and ``provider/pkg/azure``): it reads before it creates and refuses what
exists, updates by ``PUT``, takes 404 on delete for done, and reads the resource after each write.
Where that last look fails it only warns, and keeps what the ``PUT`` has answered.
"""

import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, get_args, get_origin

from pulumi._types import is_input_type, is_output_type
from pulumi_azure_native.logic import (
    GetWorkflowResult,
    ListWorkflowTriggerCallbackUrlResult,
    Workflow,
    WorkflowArgs,
    get_workflow,
    list_workflow_trigger_callback_url,
)
from pulumi_azure_native.managedidentity import (
    GetUserAssignedIdentityResult,
    UserAssignedIdentity,
    UserAssignedIdentityArgs,
    get_user_assigned_identity,
)
from pulumi_azure_native.monitor import (
    ActionGroup,
    ActionGroupInitArgs,
    DiagnosticSetting,
    DiagnosticSettingArgs,
    GetActionGroupResult,
    GetMetricAlertResult,
    MetricAlert,
    MetricAlertArgs,
    get_action_group,
    get_diagnostic_setting,
    get_metric_alert,
)
from pulumi_azure_native.resources import (
    GetResourceGroupResult,
    ResourceGroup,
    ResourceGroupArgs,
    get_resource_group,
)

from simulator.providers.properties import (
    UNKNOWN,
    Change,
    Properties,
    differences,
)
from simulator.providers.retries import with_retries
from simulator.providers.schema import Failure, alternatives, check, fields
from simulator.providers.server import Difference, Observed, Provider, RefusalError, Resource
from simulator.tenant import (
    DEPLOYMENT_CLIENT_ID,
    SUBSCRIPTION_ID,
    CloudError,
    ConnectionLostError,
    Response,
    Tenant,
)

_CREATE_BEFORE_DELETE = "__createBeforeDelete"
# Seconds between attempts. azcore tries three times more, after whatever error of the connection
# and whichever method, and the provider sets its delays: pulumi/pulumi-azure-native,
# provider/pkg/azure/client_azcore.go, initPipelineOpts.
_PAUSES = (20, 60, 120)
# A service that asks for a longer wait than this is taken at its word: there is no further attempt.
_LONGEST_PAUSE = 120
# What the provider's schema says of the names of a type, checked before anything is asked of Azure:
# https://github.com/Azure/azure-rest-api-specs, Microsoft.Resources, ResourceGroups_CreateOrUpdate.
# That of Microsoft.Logic says nothing, and that of Microsoft.ManagedIdentity nothing of its own.
_LONGEST_GROUP = 90
_GROUP_CHARACTERS = r"^[-\w\._\(\)]+$"
# Inputs that the provider adds, and gets back when a resource is imported.
_OWN_INPUTS = frozenset({_CREATE_BEFORE_DELETE, "azureApiVersion"})
# What the SDKs call otherwise.
_NAMES_IN_ARM = {"odataType": "odata.type"}
# Properties of a request's body that ARM has beside "properties", for every resource type.
_ENVELOPE = frozenset({"identity", "location", "managedBy", "tags"})


@dataclass(frozen=True)
class _Path:
    """Something of ARM that has an address: a resource type, or an operation on one.

    Attributes:
        template: Its path under the scope, with the inputs that make it up in braces.
        documented: The SDK's function for it, whose documentation tells the API version.
        scope: Where the path begins: at the subscription, or nowhere where an input says it.
    """

    template: str
    documented: Callable[..., object]
    scope: str = f"/subscriptions/{SUBSCRIPTION_ID}"

    @property
    def parameters(self) -> list[str]:
        """The inputs that make up the path; the last one is a resource's own name."""
        return re.findall(r"\{(\w+)\}", self.template)

    @property
    def api_version(self) -> str:
        """The API version that this version of the SDK uses."""
        found = re.search(r"Azure REST API version ([-\w]+)", self.documented.__doc__ or "")
        if found is None:
            raise LookupError(f"documentation of {self.documented.__name__} has no API version")
        return found.group(1)

    def of(self, inputs: Properties) -> str:
        """The identifier that the inputs make up."""
        names = {name: inputs[name].strip("/") for name in self.parameters}
        return self.scope + self.template.format(**names)


@dataclass(frozen=True)
class _ArmType:
    """One resource type, and what the SDK has for it."""

    path: _Path
    resource: type
    arguments: type


@dataclass(frozen=True)
class _Function:
    """One function: a request, and the type of its result."""

    method: str
    path: _Path
    result: type


_GROUP = _Path("/resourceGroups/{resourceGroupName}", get_resource_group)
_WORKFLOW = _Path(
    f"{_GROUP.template}/providers/Microsoft.Logic/workflows/{{workflowName}}", get_workflow
)
_IDENTITY = _Path(
    f"{_GROUP.template}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{{resourceName}}",
    get_user_assigned_identity,
)
_ACTION_GROUP = _Path(
    f"{_GROUP.template}/providers/Microsoft.Insights/actionGroups/{{actionGroupName}}",
    get_action_group,
)
_METRIC_ALERT = _Path(
    f"{_GROUP.template}/providers/Microsoft.Insights/metricAlerts/{{ruleName}}", get_metric_alert
)
_DIAGNOSTIC_SETTING = _Path(
    "/{resourceUri}/providers/Microsoft.Insights/diagnosticSettings/{name}",
    get_diagnostic_setting,
    scope="",
)
_TYPES = {
    "azure-native:resources:ResourceGroup": _ArmType(_GROUP, ResourceGroup, ResourceGroupArgs),
    "azure-native:logic:Workflow": _ArmType(_WORKFLOW, Workflow, WorkflowArgs),
    "azure-native:managedidentity:UserAssignedIdentity": _ArmType(
        _IDENTITY, UserAssignedIdentity, UserAssignedIdentityArgs
    ),
    "azure-native:monitor:ActionGroup": _ArmType(_ACTION_GROUP, ActionGroup, ActionGroupInitArgs),
    "azure-native:monitor:MetricAlert": _ArmType(_METRIC_ALERT, MetricAlert, MetricAlertArgs),
    "azure-native:monitor:DiagnosticSetting": _ArmType(
        _DIAGNOSTIC_SETTING, DiagnosticSetting, DiagnosticSettingArgs
    ),
}
_FUNCTIONS = {
    "azure-native:resources:getResourceGroup": _Function("GET", _GROUP, GetResourceGroupResult),
    "azure-native:managedidentity:getUserAssignedIdentity": _Function(
        "GET", _IDENTITY, GetUserAssignedIdentityResult
    ),
    "azure-native:monitor:getActionGroup": _Function("GET", _ACTION_GROUP, GetActionGroupResult),
    "azure-native:monitor:getMetricAlert": _Function("GET", _METRIC_ALERT, GetMetricAlertResult),
    "azure-native:logic:getWorkflow": _Function("GET", _WORKFLOW, GetWorkflowResult),
    "azure-native:logic:listWorkflowTriggerCallbackUrl": _Function(
        "POST",
        _Path(
            f"{_WORKFLOW.template}/triggers/{{triggerName}}/listCallbackUrl",
            list_workflow_trigger_callback_url,
        ),
        ListWorkflowTriggerCallbackUrlResult,
    ),
}


# Of Entra and not of ARM: pulumi/pulumi-azure-native, provider/pkg/provider/provider.go, Invoke.
_OF_ENTRA = "azure-native:authorization:getClientToken"


class AzureNative(Provider):
    """The simulated ``azure-native``: resource groups, identities, workflows and their alerts."""

    name = "azure-native"

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant
        self._location: str | None = None

    @property
    def version(self) -> str:
        return version("pulumi-azure-native")

    def configure(self, settings: Mapping[str, str]) -> None:
        self._location = settings.get("location")
        subscription = settings.get("subscriptionId", SUBSCRIPTION_ID)
        if subscription != SUBSCRIPTION_ID:
            raise RefusalError(
                f"the simulated tenant has one subscription, {SUBSCRIPTION_ID}, and "
                f"azure-native:subscriptionId is {subscription}"
            )

    def check(
        self, resource: Resource, old: Properties, new: Properties
    ) -> tuple[Properties, Sequence[Failure]]:
        kind = _type_of(resource)
        inputs = dict(new)
        own_name = kind.path.parameters[-1]
        if own_name not in inputs:
            inputs[own_name] = old.get(own_name) or f"{resource.name}{secrets.token_hex(4)}"
            inputs[_CREATE_BEFORE_DELETE] = True
        has_location = "location" in fields(kind.arguments)
        if has_location and "location" not in inputs:
            location = old.get("location") or self._location or self._location_of_group(inputs)
            if location is not None:
                inputs["location"] = location
        failures = list(
            check(
                kind.arguments,
                {name: inputs[name] for name in inputs if name not in _OWN_INPUTS},
            )
        )
        failures += _wrong_group(inputs.get("resourceGroupName", UNKNOWN))
        if has_location and "location" not in inputs:
            failures.append(
                Failure(
                    "location",
                    "missing required property 'location'. Either set it explicitly or configure "
                    "it with 'pulumi config set azure-native:location <value>'.",
                )
            )
        inputs.setdefault("azureApiVersion", kind.path.api_version)
        return inputs, failures

    def _location_of_group(self, inputs: Properties) -> str | None:
        """The location of the group that the resource is put into, where there is one."""
        group = inputs.get("resourceGroupName")
        if group is None:
            return None
        if group == UNKNOWN:
            return UNKNOWN
        response = self._request("GET", _GROUP.of({"resourceGroupName": group}), _GROUP)
        return None if response.status != 200 else str((response.body or {})["location"])

    def compare(
        self, resource: Resource, old_inputs: Properties, new_inputs: Properties
    ) -> Difference:
        kind = _type_of(resource)
        ignored = {_CREATE_BEFORE_DELETE}
        if _same_location(old_inputs.get("location"), new_inputs.get("location")):
            ignored.add("location")
        changes: dict[str, Change] = dict(
            differences(
                {name: old_inputs[name] for name in old_inputs if name not in ignored},
                {name: new_inputs[name] for name in new_inputs if name not in ignored},
            )
        )
        replacing = frozenset(changes) & {*kind.path.parameters, "location"}
        return Difference(
            changes=changes,
            replacing=replacing,
            # A name that was chosen at random cannot clash, any other can.
            delete_before_replace=bool(replacing) and not old_inputs.get(_CREATE_BEFORE_DELETE),
        )

    def preview_create(self, resource: Resource, inputs: Properties) -> Properties:
        return _known_outputs(_type_of(resource).resource, inputs)

    def create(self, resource: Resource, inputs: Properties) -> tuple[str, Properties]:
        kind = _type_of(resource)
        identifier = kind.path.of(inputs)
        existing = self._request("GET", identifier, kind.path)
        if existing.status == 200:
            raise RefusalError(f"cannot create already existing resource '{identifier}'")
        if existing.status != 404:
            raise RefusalError(
                f"cannot check existence of resource '{identifier}': "
                f"status code {existing.status}, {existing.body}"
            )
        written = self._put(identifier, kind, inputs)
        # The service's own spelling of the identifier, which may differ in case.
        identifier = str((written.body or {})["id"])
        return identifier, self._read_after(written, "Create", resource, identifier)

    def preview_update(
        self, resource: Resource, outputs: Properties, inputs: Properties
    ) -> Properties:
        stable = {name: outputs[name] for name in ("name", "location") if name in outputs}
        return _known_outputs(_type_of(resource).resource, inputs) | stable

    def update(
        self, resource: Resource, identifier: str, outputs: Properties, inputs: Properties
    ) -> Properties:
        written = self._put(identifier, _type_of(resource), inputs)
        return self._read_after(written, "Update", resource, identifier)

    def delete(self, resource: Resource, identifier: str, outputs: Properties) -> None:
        response = self._request("DELETE", identifier, _type_of(resource).path)
        if response.status not in {200, 202, 204, 404}:
            raise RefusalError(_error_text(response))

    def read(
        self, resource: Resource, identifier: str, inputs: Properties, outputs: Properties
    ) -> Observed | None:
        kind = _type_of(resource)
        response = self._request("GET", identifier, kind.path)
        if response.status == 404:
            return None
        current = _outputs_of(response, kind.resource, kind.path)
        merged = _drifted(inputs, outputs, current, kind.arguments)
        if not inputs:
            merged |= _names_in(identifier, kind) | {"azureApiVersion": kind.path.api_version}
        return Observed(inputs=merged, outputs=current)

    def invoke(self, function: str, arguments: Properties) -> tuple[Properties, Sequence[Failure]]:
        if function == _OF_ENTRA:
            return self._client_token(arguments), []
        if function not in _FUNCTIONS:
            raise RefusalError(
                f"the simulated azure-native provider has no function {function}; it has "
                f"{', '.join(sorted({*_FUNCTIONS, _OF_ENTRA}))}"
            )
        called = _FUNCTIONS[function]
        missing = [
            Failure(name, f"missing required property '{name}'")
            for name in called.path.parameters
            if name not in arguments
        ]
        if missing:
            return {}, missing
        identifier = called.path.of(arguments)
        body: Properties | None = {} if called.method == "POST" else None
        response = self._request(called.method, identifier, called.path, body)
        if response.status != 200:
            raise RefusalError(f"request failed {identifier}: {_error_text(response)}")
        return _outputs_of(response, called.result, called.path), []

    def _client_token(self, arguments: Properties) -> Properties:
        """A token for an endpoint, by default Azure Resource Manager's, as who is signed in."""
        endpoint = str(arguments.get("endpoint", "https://management.azure.com"))
        try:
            return {"token": self._tenant.entra.issue_token(DEPLOYMENT_CLIENT_ID, endpoint)}
        except CloudError as error:
            raise RefusalError(f"{error.code}: {error.message}") from None

    def cancel(self) -> None:
        """Nothing is under way for longer than a call takes."""

    def _put(self, identifier: str, kind: _ArmType, inputs: Properties) -> Response:
        response = self._request("PUT", identifier, kind.path, _body_of(inputs, kind))
        if response.status not in {200, 201, 202} or response.body is None:
            raise RefusalError(_error_text(response))
        return response

    def _read_after(
        self, written: Response, operation: str, resource: Resource, identifier: str
    ) -> Properties:
        """The outputs of what was written: as it is read, or else as the service answered."""
        kind = _type_of(resource)
        try:
            return _outputs_of(
                self._request("GET", identifier, kind.path), kind.resource, kind.path
            )
        except RefusalError:
            resource.warn(
                f"Failed to read resource after {operation}. Please report this issue.\n"
                "Verbose logs contain more information, see "
                "https://www.pulumi.com/docs/support/troubleshooting/#verbose-logging."
            )
            return _outputs_in(written.body or {}, kind.resource, kind.path)

    def _request(
        self, method: str, identifier: str, path: _Path, body: Properties | None = None
    ) -> Response:
        address = f"{identifier}?api-version={path.api_version}"
        try:
            return with_retries(
                lambda: self._tenant.arm.request(method, address, body),
                pauses=_PAUSES,
                repeats=_later,
                repeat_lost=True,
                sleep=self._tenant.clock.sleep,
            )
        except ConnectionLostError as error:
            raise RefusalError(str(error)) from None


def _later(response: Response) -> bool:
    """The answers after which a request is sent again."""
    code = ((response.body or {}).get("error") or {}).get("code")
    if float(response.headers.get("Retry-After", 0)) > _LONGEST_PAUSE:
        return False
    return response.status in {408, 429, 500, 502, 503, 504} or (
        response.status == 409 and code == "AnotherOperationInProgress"
    )


def _type_of(resource: Resource) -> _ArmType:
    kind = _TYPES.get(resource.type)
    if kind is None:
        raise RefusalError(
            f"the simulated azure-native provider has no resource {resource.type}; it has "
            f"{', '.join(sorted(_TYPES))}"
        )
    return kind


def _error_text(response: Response) -> str:
    error = (response.body or {}).get("error", {})
    code, message = error.get("code"), error.get("message", response.body)
    if not code:
        return f'Status={response.status} Message="{message}"'
    return f'Status={response.status} Code="{code}" Message="{message}"'


def _same_location(old: object, new: object) -> bool:
    """Whether two locations are one: ``West Europe`` is ``westeurope``."""
    return (
        isinstance(old, str)
        and isinstance(new, str)
        and old.replace(" ", "").lower() == new.replace(" ", "").lower()
    )


def _body_of(inputs: Properties, kind: _ArmType) -> Properties:
    """The body of a ``PUT`` for a resource's inputs."""
    body: Properties = {}
    for name, value in inputs.items():
        if name == "identity":
            body[name] = _identity_body(value)
        elif name in _ENVELOPE:
            body[name] = value
        elif name in fields(kind.arguments) and name not in kind.path.parameters:
            body.setdefault("properties", {})[name] = _renamed(value, _NAMES_IN_ARM)
    return body


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    """The same value with some of its properties under other names."""
    if isinstance(value, Mapping):
        return {names.get(name, name): _renamed(entry, names) for name, entry in value.items()}
    if isinstance(value, list):
        return [_renamed(entry, names) for entry in value]
    return value


def _identity_body(identity: Properties) -> Properties:
    """The SDK takes a list of identities where ARM has a mapping."""
    if "userAssignedIdentities" not in identity:
        return identity
    assigned: Properties = {resource_id: {} for resource_id in identity["userAssignedIdentities"]}
    return identity | {"userAssignedIdentities": assigned}


def _outputs_of(response: Response, described: type, path: _Path) -> Properties:
    """What a response holds of the properties of an SDK type."""
    if response.status != 200 or response.body is None:
        raise RefusalError(_error_text(response))
    return _outputs_in(response.body, described, path)


def _outputs_in(body: Properties, described: type, path: _Path) -> Properties:
    known = fields(described)
    inner = {} if "properties" in known else body.get("properties", {})
    inner = _renamed(inner, {arm: sdk for sdk, arm in _NAMES_IN_ARM.items()})
    merged = {"azureApiVersion": path.api_version} | inner | body
    return {name: merged[name] for name in known if merged.get(name) is not None}


def _wrong_group(name: str) -> list[Failure]:
    """What is wrong with the name of a resource group."""
    if name == UNKNOWN:
        return []
    property_name = "resourceGroupName"
    failures = []
    if len(name) > _LONGEST_GROUP:
        failures.append(
            f"'{property_name}' is too long ({len(name)}): at most {_LONGEST_GROUP} characters "
            "allowed"
        )
    if not name:
        failures.append(f"'{property_name}' is too short (0): at least 1 characters required")
    if re.match(_GROUP_CHARACTERS, name) is None:
        failures.append(f"'{property_name}' does not match expression '{_GROUP_CHARACTERS}'")
    return [Failure("", reason) for reason in failures]


def _names_in(identifier: str, kind: _ArmType) -> Properties:
    """The inputs that an identifier spells, for a resource that is imported."""
    pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", kind.path.template)
    pattern = pattern.replace("(?P<resourceUri>[^/]+)", "(?P<resourceUri>.+)")
    found = re.search(f"{pattern}$", identifier, re.IGNORECASE)
    if found is None:
        raise RefusalError(
            f"'{identifier}' is not an identifier of the form '...{kind.path.template}'"
        )
    return found.groupdict()


def _known_outputs(described: type, inputs: Mapping[str, Any]) -> Properties:
    """Outputs as far as inputs tell them; all others are unknown."""
    return {
        name: _known_output(hint, inputs.get(name, UNKNOWN))
        for name, hint in fields(described).items()
    }


def _known_output(hint: Any, value: Any) -> Any:
    if value == UNKNOWN:
        return UNKNOWN
    (kind,) = alternatives(hint)
    if isinstance(value, list) and get_origin(kind) is Mapping:
        return UNKNOWN  # Identities: a list of ids as input, their properties by id as output.
    if isinstance(value, Mapping) and isinstance(kind, type) and is_output_type(kind):
        return _known_outputs(kind, value)
    return value


def _drifted(inputs: Any, before: Any, now: Any, hint: Any) -> Any:
    """Inputs with what changed in the cloud since the last update.

    Outputs hold more than was asked for: values that the service filled in, and its own. Taking
    over only what differs between old and new outputs keeps those out of the inputs.
    """
    if not isinstance(now, Mapping):
        return now
    kinds = [kind for kind in alternatives(hint) if isinstance(kind, type) and is_input_type(kind)]
    result = dict(inputs) if isinstance(inputs, Mapping) else {}
    old = before if isinstance(before, Mapping) else {}
    for name in {*now, *old}:
        if kinds and name not in fields(kinds[0]):
            continue
        if name not in now:
            result.pop(name, None)
        elif name not in old or old[name] != now[name]:
            inner = fields(kinds[0])[name] if kinds else _item_of(hint)
            result[name] = _drifted(result.get(name), old.get(name), now[name], inner)
    return result


def _item_of(hint: Any) -> Any:
    """The type of a mapping's values, or ``Any`` where nothing is known."""
    for kind in alternatives(hint):
        if get_origin(kind) is Mapping:
            return get_args(kind)[1]
    return Any
