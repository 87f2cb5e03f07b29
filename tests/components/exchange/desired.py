"""What the scripts are told to make: one sender's objects, and the scripts in their order."""

from typing import Any

APP_ID = "33333333-0000-4000-8000-000000000003"
NEXT_APP_ID = "55555555-0000-4000-8000-000000000005"
STRANGERS_APP_ID = "55555555-0000-4000-8000-000000000055"
MARK_ATTRIBUTE = "ExtensionCustomAttribute5"
CONTROL = "control.mailbox@contoso.com"

MAILBOX: dict[str, Any] = {
    "markAttribute": MARK_ATTRIBUTE,
    "mark": "scoped-mail-sender/test/mailbox",
    "address": "notifications@contoso.com",
    "name": "Logic App Notifications",
    "alias": "LogicAppNotifications",
    "adopt": False,
    "purge": False,
}
SETTINGS: dict[str, Any] = {
    "markAttribute": MARK_ATTRIBUTE,
    "mark": MAILBOX["mark"],
    "address": MAILBOX["address"],
    "displayName": "Benachrichtigungen für Löhne",
    "hiddenFromAddressLists": True,
    "signInBlocked": True,
    "forwardTo": None,
}
GROUP: dict[str, Any] = {
    "markAttribute": MARK_ATTRIBUTE,
    "mark": "scoped-mail-sender/test/group",
    "address": "senders@contoso.com",
    "name": "Senders",
    "displayName": "Senders",
    "alias": "Senders",
    "managedBy": [],
    "adopt": False,
}
MEMBERS: dict[str, Any] = {
    "markAttribute": MARK_ATTRIBUTE,
    "mark": GROUP["mark"],
    "address": GROUP["address"],
    "members": [MAILBOX["address"]],
}
POLICY: dict[str, Any] = {
    "appId": APP_ID,
    "groupAddress": GROUP["address"],
    "description": "Restrict this app",
    "retireFormer": True,
}
PROOF: dict[str, Any] = {
    "appId": APP_ID,
    "groupAddress": GROUP["address"],
    "members": MEMBERS["members"],
    "controlMailbox": CONTROL,
    "timeoutSeconds": 60,
    "settleSeconds": 0,
}

ENSURE_MAILBOX = "ensure-shared-mailbox.ps1"
SET_MAILBOX = "set-shared-mailbox.ps1"
REMOVE_MAILBOX = "remove-shared-mailbox.ps1"
ENSURE_GROUP = "ensure-mail-enabled-security-group.ps1"
SET_MEMBER = "set-group-member.ps1"
REMOVE_GROUP = "remove-mail-enabled-security-group.ps1"
ENSURE_POLICY = "ensure-application-access-policy.ps1"
RELEASE_POLICY = "release-application-access-policy.ps1"
PROVE = "prove-confinement.ps1"

REMOVED_BY = {
    REMOVE_MAILBOX: ENSURE_MAILBOX,
    REMOVE_GROUP: ENSURE_GROUP,
    RELEASE_POLICY: ENSURE_POLICY,
    "remove-role-assignment.ps1": "ensure-role-assignment.ps1",
}
"""By each script that Pulumi runs at a deletion, the one of the same resource."""

UP = [
    (ENSURE_MAILBOX, MAILBOX),
    (SET_MAILBOX, SETTINGS),
    (ENSURE_GROUP, GROUP),
    (SET_MEMBER, MEMBERS),
    (ENSURE_POLICY, POLICY),
    (PROVE, PROOF),
]
DOWN = [(RELEASE_POLICY, POLICY), (REMOVE_GROUP, GROUP), (REMOVE_MAILBOX, MAILBOX)]
