"""What Microsoft Graph refuses, by name; those without a text are called with one.

The directory's errors have a code that begins with Request or Authorization. Exchange answers
sendMail, and its errors are the others.
"""

from functools import partial

from simulator.tenant.answers import CloudError

not_simulated = partial(CloudError, 501, "NotSimulated")

bad_request = partial(CloudError, 400, "Request_BadRequest")
request_denied = partial(
    CloudError,
    403,
    "Authorization_RequestDenied",
    "Insufficient privileges to complete the operation.",
)

# Of bodies, whoever reads them.
unreadable = partial(CloudError, 400, "RequestBodyRead")
# Source: https://github.com/microsoftgraph/microsoft-graph-docs-contrib/issues/682.
request_too_long = partial(
    CloudError, 400, "BadRequest", "The maximum request length supported is 4MB."
)

access_denied = partial(CloudError, 403, "ErrorAccessDenied")
# To a token without Mail.Send.
permission_missing = partial(access_denied, "Access is denied. Check credentials and try again.")
# For a user whose mailbox is not there, or not yet.
no_mailbox = partial(
    CloudError,
    404,
    "MailboxNotEnabledForRESTAPI",
    "The mailbox is either inactive, soft-deleted, or is hosted on-premise.",
)
invalid_request = partial(CloudError, 400, "ErrorInvalidRequest")
invalid_recipients = partial(CloudError, 400, "ErrorInvalidRecipients")
send_as_denied = partial(
    CloudError,
    403,
    "ErrorSendAsDenied",
    "The user account which was used to submit this request does not have the right to send mail "
    "on behalf of the specified sending account., Cannot submit message.",
)


def resource_not_found(identifier: str) -> CloudError:
    return CloudError(
        404,
        "Request_ResourceNotFound",
        f"Resource '{identifier}' does not exist or one of its queried reference-property objects "
        "are not present.",
    )


def invalid_user(user: str) -> CloudError:
    return CloudError(404, "ErrorInvalidUser", f"The requested user '{user}' is invalid.")


def odata_disabled(reason: str = ".") -> CloudError:
    """For a mailbox that is shut to all, and, as documented in the same words, by a policy."""
    return access_denied(f"Access to OData is disabled{reason}")
