"""The five rules by which Exchange Online evaluates application access policies.

Source: New-ApplicationAccessPolicy, MicrosoftDocs/office-docs-powershell. Pure, so that the rules
can be read, and tested, in one place: ``Test-ApplicationAccessPolicy`` and Graph both ask here,
each with the policies that it sees at that moment.
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
