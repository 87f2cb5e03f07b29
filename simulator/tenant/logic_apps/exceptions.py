"""What Logic Apps refuses in more than one place, by name; see Microsoft Graph's."""

from functools import partial

from simulator.tenant.answers import CloudError

not_simulated = partial(CloudError, 501, "NotSimulated")
address_unknown = partial(CloudError, 404, "ResourceNotFound", "The requested address is unknown.")
signature_required = partial(
    CloudError,
    401,
    "DirectApiAuthorizationRequired",
    "The request must be authenticated only by Shared Access scheme.",
)
