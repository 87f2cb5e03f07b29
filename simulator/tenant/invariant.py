"""Invariant N: no identity holds a mailbox permission without a RestrictAccess policy for it.

Two things hand an identity the permission: an app role assignment in Entra, and a token that was
issued while there was one, which the platform keeps for a managed identity for up to a day. Either
makes the identity unconfined while Exchange has no policy for it. A token is held against an
identity only while that exists: of a deleted one nobody can fetch the token any more.

Where the delays of the platform are counted, the invariant says more: no token that carries the
permission meets a mailbox service in which the policy is missing or not yet effective. That shows
only when such a token is used, and ``record_reach`` is told of each use.

``record_sendable`` looks further, where a test asks for it: it is told, after every change and
whenever the clock has been moved, which mailboxes each identity could send as at that moment.

Room is left for role assignments of RBAC for Applications: they will be one more source of
``_held``, with a scope in place of the policy.
"""

from collections.abc import Collection, Iterable, Iterator

from simulator.tenant.entra import Entra
from simulator.tenant.identifiers import (
    CONFINABLE_APP_ROLES,
    GRAPH_APP_ID,
    UNCONFINABLE_APP_ROLES,
)
from simulator.tenant.policy_evaluation import AccessRight, Policy, is_restricted
from simulator.tenant.store import Document, Store

BROKEN = "invariant broken by"
REACHED = "mailboxes reached unconfined by"
OUTSIDE = "mailboxes outside the scope open to"


def _held(store: Store, entra: Entra) -> Iterator[tuple[Document, str, str]]:
    """Mailbox permissions of the identities, each with what it is held by."""
    mailbox_permissions = CONFINABLE_APP_ROLES.keys() | UNCONFINABLE_APP_ROLES.keys()
    # Read once for all of them: this runs after each change, also among a hundred identities.
    assigned = entra.roles_by_principal(GRAPH_APP_ID)
    tokens = entra.tokens_by_principal()
    for principal in store.all("servicePrincipal"):
        for role in assigned.get(principal["id"], []):
            if role in mailbox_permissions:
                yield principal, role, "an app role assignment"
        for token in tokens.get(principal["id"], []):
            for role in token["roles"]:
                if role in mailbox_permissions:
                    yield principal, role, f"a token that lives until {token['expires']}"


def record_violations(store: Store, entra: Entra, policies: Collection[Policy]) -> None:
    """Writes down what the running call broke: each identity and permission when it begins.

    Args:
        store: Where violations are kept.
        entra: Who holds what.
        policies: Those that Exchange holds at this moment, effective or not.
    """
    broken_before = set(map(tuple, store.setting(BROKEN, [])))
    broken_now: set[tuple[str, str]] = set()
    for principal, permission, holding in _held(store, entra):
        key = (principal["id"], permission)
        confinable = permission in CONFINABLE_APP_ROLES
        if key in broken_now or (confinable and is_restricted(policies, principal["appId"])):
            continue
        broken_now.add(key)
        if key not in broken_before:
            why = (
                "there is no RestrictAccess policy for its application"
                if confinable
                else "no application access policy confines that permission"
            )
            store.add_violation(
                principal["id"],
                permission,
                f"{principal['displayName']} (client id {principal['appId']}) holds "
                f"{permission} by {holding}, and {why}.",
            )
    store.set_setting(BROKEN, sorted(broken_now))


def record_reach(
    store: Store, claims: Document, permission: str, effective: Collection[Policy]
) -> None:
    """Writes down that a token met a mailbox service in which no policy confines it yet.

    Args:
        store: Where violations are kept.
        claims: Those of the token.
        permission: The one that let the token in.
        effective: The policies that the mailbox service knows at this moment.
    """
    key = [claims["principalId"], permission]
    reached = store.setting(REACHED, [])
    others = [entry for entry in reached if entry != key]
    if is_restricted(effective, claims["appId"]):
        store.set_setting(REACHED, others)
        return
    store.set_setting(REACHED, [*others, key])
    if key not in reached:
        store.add_violation(
            claims["principalId"],
            permission,
            f"A token of client id {claims['appId']} with {permission} met the mailbox service "
            "while no RestrictAccess policy for its application was effective there.",
        )


def holders(store: Store, entra: Entra, permission: str) -> list[Document]:
    """Service principals that hold the permission, by an assignment or by a token that lives."""
    found = {p["id"]: p for p, role, _ in _held(store, entra) if role == permission}
    return list(found.values())


def record_sendable(
    store: Store, principal: Document, mailboxes: Iterable[Document], present: Collection[Policy]
) -> None:
    """Writes down that mail as a mailbox outside the scope would be accepted, when that begins.

    Args:
        store: Where violations are kept.
        principal: The service principal that was tried.
        mailboxes: Those as which mail of it would be accepted at this moment.
        present: The policies that Exchange holds. Their scopes are what the identity is meant to
            reach, so one that was removed, and that Graph still goes by, counts for nothing here.
    """
    app_id = principal["appId"]
    scope = {
        mailbox
        for policy in present
        if policy.is_for(app_id) and policy.access_right is AccessRight.RESTRICT
        for mailbox in policy.scope
    }
    outside = {m["id"]: m["addresses"][0] for m in mailboxes if m["id"] not in scope}
    open_before = store.setting(OUTSIDE, {})
    if outside and principal["id"] not in open_before:
        store.add_violation(
            principal["id"],
            "Mail.Send",
            f"{principal['displayName']} (client id {app_id}) could send as {len(outside)} "
            f"mailboxes outside the scope of its policies, such as {sorted(outside.values())[0]}.",
        )
    others = {key: value for key, value in open_before.items() if key != principal["id"]}
    store.set_setting(OUTSIDE, others | ({principal["id"]: len(outside)} if outside else {}))
