"""The five rules by which Exchange Online evaluates application access policies.

Source: New-ApplicationAccessPolicy, MicrosoftDocs/office-docs-powershell. Pure, so that the rules
can be read, and tested, in one place: ``Test-ApplicationAccessPolicy`` and Graph both ask here,
each with the policies that it sees at that moment. Policies bear on what is granted in Entra alone:
what a role in Exchange opens (:class:`RoleGrant`) adds to it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

EVERY_APPLICATION = "*"


class AccessRight(StrEnum):
    """What a policy does to the mailboxes in its scope."""

    RESTRICT = "RestrictAccess"
    DENY = "DenyAccess"


class AccessCheckResult(StrEnum):
    """The outcome, spelled as ``Test-ApplicationAccessPolicy`` spells it."""

    GRANTED = "Granted"
    DENIED = "Denied"


@dataclass(frozen=True)
class Policy:
    """One policy as the evaluation sees it.

    Attributes:
        app_id: Client id of the application, or ``*``.
        scope: Object ids of the mailboxes that the scope reaches, nested groups expanded.
    """

    app_id: str
    access_right: AccessRight
    scope: frozenset[str]

    def is_for(self, app_id: str) -> bool:
        return self.app_id in (app_id, EVERY_APPLICATION)


def is_restricted(policies: Iterable[Policy], app_id: str) -> bool:
    """Whether any RestrictAccess policy is for the application: without one, rule 5 holds."""
    return any(
        policy.is_for(app_id) and policy.access_right is AccessRight.RESTRICT for policy in policies
    )


def evaluate(policies: Iterable[Policy], app_id: str, mailbox_id: str) -> AccessCheckResult:
    """May the application reach the mailbox, as far as policies are concerned?"""
    for_application = [policy for policy in policies if policy.is_for(app_id)]
    matching = {policy.access_right for policy in for_application if mailbox_id in policy.scope}
    # Rules 1 and 2: where several match, Deny wins over Restrict.
    if AccessRight.DENY in matching:
        return AccessCheckResult.DENIED
    # Rule 3: a RestrictAccess policy has the mailbox in its scope. Several of them add up.
    if AccessRight.RESTRICT in matching:
        return AccessCheckResult.GRANTED
    # Rule 4: the application is restricted, to other mailboxes.
    if is_restricted(for_application, app_id):
        return AccessCheckResult.DENIED
    # Rule 5: nothing confines the application.
    return AccessCheckResult.GRANTED


@dataclass(frozen=True)
class RoleGrant:
    """What one assignment of an application role opens, whatever the policies say.

    Attributes:
        principal_id: Object id of the service principal that has the role.
        permissions: The permissions of the role, such as ``Mail.Send``.
        scope: Object ids of the mailboxes in the assignment's scope; ``None`` for all there are.
    """

    principal_id: str
    permissions: tuple[str, ...]
    scope: frozenset[str] | None

    def reaches(self, mailbox_id: str) -> bool:
        return self.scope is None or mailbox_id in self.scope
