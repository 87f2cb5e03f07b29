"""The application access policy cmdlets, and the policies as evaluation sees them."""

import uuid

from simulator.tenant.answers import ExchangeError
from simulator.tenant.exchange.languages import Language, access_check_result
from simulator.tenant.exchange.recipients import (
    GROUP_TYPES,
    MAILBOX_TYPES,
    SECURITY_GROUP,
    SECURITY_PRINCIPALS,
    VALIDATION,
    Recipients,
    not_found,
)
from simulator.tenant.identifiers import TENANT_ID, new_id
from simulator.tenant.policy_evaluation import (
    EVERY_APPLICATION,
    AccessRight,
    Policy,
    evaluate,
)
from simulator.tenant.store import Document, Store

# Microsoft publishes no size, only that about 300 policies fit whose description is one space:
# the space that one policy takes besides its description is our assumption.
POLICY_SIZE = 200
TOTAL_SIZE_LIMIT = 300 * (POLICY_SIZE + 1)


class Policies:
    """Get-, New-, Set-, Remove- and Test-ApplicationAccessPolicy."""

    def __init__(self, store: Store, recipients: Recipients) -> None:
        self._store = store
        self._recipients = recipients

    # The cmdlets

    def get_policy(self, parameters: Document) -> list[Document]:
        identity = parameters.get("Identity")
        present = self._present()
        if not present:
            # Not an empty list: https://github.com/microsoft/Microsoft365DSC/issues/2998, and in
            # German https://github.com/microsoft/Microsoft365DSC/issues/687. They ask for all.
            raise not_found(f"{self._recipients.organization.unit}\\{identity or '*'}")
        # Documented on the cmdlet's page: without an identity, or with one that does not exist,
        # every policy is returned.
        return [self._properties(policy) for policy in self._named(identity) or present]

    def new_policy(self, parameters: Document) -> list[Document]:
        scope = self._recipients.find(
            parameters["PolicyScopeGroupId"], (*MAILBOX_TYPES, *GROUP_TYPES)
        )
        if scope["type"] not in SECURITY_PRINCIPALS:
            raise ExchangeError(
                VALIDATION,
                f"The recipient '{parameters['PolicyScopeGroupId']}' of type {scope['type']} is "
                "not a valid security principal and can't be the scope of an application access "
                "policy.",
            )
        return [
            self._properties(self.add(app_id, scope, parameters)) for app_id in parameters["AppId"]
        ]

    def add(self, app_id: str, scope: Document, parameters: Document) -> Document:
        """Stores a new policy: effective for Exchange's test at once, for Graph after a while."""
        access_right = AccessRight(parameters["AccessRight"])
        app_id = checked_app_id(app_id)
        for policy in self._present():
            if (policy["appId"], policy["scopeId"]) == (app_id, scope["id"]):
                # Its identity is made of these two. That a second one is refused is our reading.
                raise ExchangeError(
                    "Microsoft.Exchange.Data.Directory.ADObjectAlreadyExistsException",
                    f"The application access policy '{identity_of(policy)}' already exists.",
                )
        policy = {
            "id": new_id(),
            "appId": app_id,
            "accessRight": access_right,
            "scopeId": scope["id"],
            "scopeSid": scope["sid"],
            "scopeName": scope["displayName"],
            "scopeIdentity": scope["name"],
            "description": parameters.get("Description")
            or f"AppId: {app_id}; ScopeIdentitySid: {scope['sid']}; "
            f"ScopeIdentityOid: {scope['id']}; AccessRight: {access_right}; ShardType: All",
            "created": self._store.now().isoformat(),
            "effectiveAt": self._store.visible_at("policy"),
            "removedAt": None,
        }
        self._check_total_size([*self._present(), policy])
        self._store.put("policy", policy["id"], policy)
        return policy

    def set_policy(self, parameters: Document) -> list[Document]:
        policy = self._one(parameters["Identity"])
        if "Description" in parameters:
            policy["description"] = parameters["Description"]
        others = [other for other in self._present() if other["id"] != policy["id"]]
        self._check_total_size([*others, policy])
        self._store.put("policy", policy["id"], policy)
        return []

    def remove_policy(self, parameters: Document) -> list[Document]:
        policy = self._one(parameters["Identity"])
        if self._store.is_past(policy["effectiveAt"]):
            # Graph goes on with it for a while.
            policy["removedAt"] = self._store.now().isoformat()
            policy["forgottenAt"] = self._store.visible_at("policy")
            self._store.put("policy", policy["id"], policy)
        else:
            self._store.delete("policy", policy["id"])
        return []

    def test_policy(self, parameters: Document) -> list[Document]:
        mailbox = self._recipients.find(parameters["Identity"], MAILBOX_TYPES)
        app_id = checked_app_id(parameters["AppId"])
        result = evaluate(self.present(), app_id, mailbox["id"])
        language = Language(self._store.setting("language", Language.ENGLISH))
        return [
            {
                "AppId": app_id,
                "Mailbox": mailbox["name"],
                "MailboxId": mailbox["id"],
                "MailboxSid": mailbox["sid"],
                "AccessCheckResult": access_check_result(result, language),
            }
        ]

    # What evaluation sees

    def present(self) -> list[Policy]:
        """The policies that Exchange holds: what its own test sees at once."""
        return self._for_evaluation(self._present())

    def effective(self) -> list[Policy]:
        """The policies that Graph goes by at this moment."""
        is_past = self._store.is_past
        return self._for_evaluation(
            [
                policy
                for policy in self._store.all("policy")
                if is_past(policy["effectiveAt"])
                and (policy["removedAt"] is None or not is_past(policy["forgottenAt"]))
            ]
        )

    def _for_evaluation(self, policies: list[Document]) -> list[Policy]:
        # A policy whose scope is gone names nobody. Whether it still restricts its application is
        # not documented; the reading in which it does not is the one that harms who relies on it.
        return [
            Policy(
                policy["appId"],
                AccessRight(policy["accessRight"]),
                frozenset(self._mailboxes_in(policy["scopeId"], set())),
            )
            for policy in policies
            if self._recipients.get(policy["scopeId"])
        ]

    def _mailboxes_in(self, scope_id: str, seen: set[str]) -> set[str]:
        """Mailboxes that a scope reaches: nested groups count, if they are security groups."""
        scope = self._recipients.get(scope_id)
        if scope is None or scope_id in seen:
            return set()
        seen.add(scope_id)
        if scope["type"] in MAILBOX_TYPES:
            return {scope_id}
        if scope["type"] != SECURITY_GROUP:
            return set()
        return {
            mailbox for member in scope["members"] for mailbox in self._mailboxes_in(member, seen)
        }

    # Objects

    def _present(self) -> list[Document]:
        return [policy for policy in self._store.all("policy") if policy["removedAt"] is None]

    def _named(self, identity: str | None) -> list[Document]:
        return [
            policy
            for policy in self._present()
            if identity and identity.casefold() in (identity_of(policy).casefold(), policy["id"])
        ]

    def _one(self, identity: str) -> Document:
        named = self._named(identity)
        if not named:
            raise not_found(f"{self._recipients.organization.unit}\\{identity}")
        return named[0]

    def _properties(self, policy: Document) -> Document:
        return {
            "ScopeName": policy["scopeName"],
            "ScopeIdentity": policy["scopeIdentity"],
            "Identity": identity_of(policy),
            "AppId": policy["appId"],
            "ScopeIdentityRaw": f"{policy['scopeSid']};{policy['scopeId']}",
            "Description": policy["description"],
            "AccessRight": str(policy["accessRight"]),
            "ShardType": "All",
            "IsValid": self._recipients.get(policy["scopeId"]) is not None,
            "ObjectState": "Unchanged",
            "Guid": policy["id"],
        }

    def _check_total_size(self, policies: list[Document]) -> None:
        size = sum(POLICY_SIZE + len(policy["description"]) for policy in policies)
        if size > TOTAL_SIZE_LIMIT:
            raise ExchangeError(
                VALIDATION, "The total size of App Access Policies exceeded the limit."
            )


def identity_of(policy: Document) -> str:
    r"""``<guid>\<client id>:<SID>;<object id of the scope>``, as Get- shows it."""
    return f"{TENANT_ID}\\{policy['appId']}:{policy['scopeSid']};{policy['scopeId']}"


def checked_app_id(app_id: str) -> str:
    if app_id == EVERY_APPLICATION:
        return app_id
    try:
        return str(uuid.UUID(app_id))
    except ValueError:
        raise ExchangeError(VALIDATION, f"The AppId '{app_id}' isn't a valid GUID.") from None
