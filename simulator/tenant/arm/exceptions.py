"""The errors of Azure Resource Manager, each by its name."""

from dataclasses import dataclass

from simulator.tenant.answers import CloudError
from simulator.tenant.identifiers import DEPLOYMENT_CLIENT_ID
from simulator.tenant.paths import Request


@dataclass(frozen=True)
class Refusal:
    """An error whose text has places for values: called with these, it is what to raise."""

    status: int
    code: str
    text: str

    def __call__(self, *values: object) -> CloudError:
        return CloudError(self.status, self.code, self.text.format(*values))


not_simulated = Refusal(501, "NotSimulated", "The simulated tenant {}")
bad_request = Refusal(400, "BadRequest", "{}")


def not_answered(request: Request) -> CloudError:
    """Of much that exists there: a 404 would say of it that there is none."""
    return not_simulated(f"does not answer {request.method} {request.path}.")


# Who asks for what in which form

invalid_token = Refusal(401, "InvalidAuthenticationToken", "{}")
authorization_failed = Refusal(
    403,
    "AuthorizationFailed",
    f"The client '{DEPLOYMENT_CLIENT_ID}' with object id '{DEPLOYMENT_CLIENT_ID}' does not have "
    "authorization to perform this action over scope '{}' or the scope is invalid. If access was "
    "recently granted, please refresh your credentials.",
)
unsupported_media_type = Refusal(
    415,
    "UnsupportedMediaType",
    "The content media type '{}' is not supported. Only 'application/json' is supported.",
)
missing_api_version = Refusal(
    400,
    "MissingApiVersionParameter",
    "The api-version query parameter (?api-version=) is required for all requests.",
)
invalid_api_version = Refusal(
    400,
    "InvalidApiVersionParameter",
    "The api-version '{}' is invalid. The supported versions are '{}'.",
)
no_registered_provider = Refusal(
    400,
    "NoRegisteredProviderFound",
    "No registered resource provider found for API version '{}' for type '{}'. The supported "
    "api-versions are '{}'.",
)

# What is not there, or is kept as it is

subscription_not_found = Refusal(
    404, "SubscriptionNotFound", "The subscription '{}' could not be found."
)
group_not_found = Refusal(404, "ResourceGroupNotFound", "Resource group '{}' could not be found.")
resource_not_found = Refusal(
    404,
    "ResourceNotFound",
    "The Resource '{}/{}' under resource group '{}' was not found. For more details please go to "
    "https://aka.ms/ARMResourceNotFoundFix",
)
run_not_found = Refusal(
    404, "WorkflowRunNotFound", "The workflow '{}' run '{}' could not be found."
)
action_not_found = Refusal(
    404,
    "WorkflowRunActionNotFound",
    "The workflow '{}' run '{}' action '{}' could not be found.",
)
scope_locked = Refusal(
    409,
    "ScopeLocked",
    "The scope '{}' cannot perform {} operation because following scope(s) are locked: '{}'. "
    "Please remove the lock and try again.",
)
not_registered = Refusal(
    409,
    "MissingSubscriptionRegistration",
    "The subscription is not registered to use namespace '{}'. See "
    "https://aka.ms/rps-not-found for how to register subscriptions.",
)

# What a body has

invalid_content = Refusal(400, "InvalidRequestContent", "The request content was invalid: {}")
unknown_member = Refusal(
    400,
    "InvalidRequestContent",
    "The request content was invalid and could not be deserialized: 'Could not find member '{}' on "
    "object of type '{}'.",
)
invalid_group_name = Refusal(
    400,
    "InvalidResourceGroup",
    "The provided resource group name '{}' has these invalid characters or is too long: 1 to 90 "
    "letters, digits, '_', '-', '.', '(' and ')', not ending with '.'.",
)
invalid_identity_name = Refusal(
    400,
    "BadRequest",
    "The resource name '{}' is invalid: 3 to 128 letters, digits, '-' and '_', beginning with a "
    "letter or digit.",
)
invalid_workflow_name = Refusal(
    400,
    "InvalidResourceName",
    "The workflow name '{}' is invalid: 1 to 80 letters, digits, '.', '_', '(', ')' and '-'.",
)
location_required = Refusal(
    400, "LocationRequired", "The location property is required for this definition."
)
invalid_group_location = Refusal(
    409,
    "InvalidResourceGroupLocation",
    "Invalid resource group location '{}'. The Resource group already exists in location '{}'.",
)
invalid_location = Refusal(
    409,
    "InvalidResourceLocation",
    "The resource '{}' already exists in {}. A resource with the same name cannot be created in "
    "location '{}'. Please select a new resource name.",
)
invalid_top = Refusal(400, "InvalidTop", "The value '{}' of $top is not valid.")


def location_not_available(location: str, what: str, *available: str) -> CloudError:
    """Of a resource, or of a resource group: the code names it, too."""
    return CloudError(
        400,
        f"LocationNotAvailableFor{what.title().replace(' ', '')}",
        f"The provided location '{location}' is not available for {what}. List of available "
        f"regions is '{','.join(available)}'.",
    )
