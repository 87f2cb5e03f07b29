"""Invariant N: no identity holds a mailbox permission that neither a policy nor a scope confines.

In Entra two things hand an identity the permission: an app role assignment, and a token that was
issued while there was one, which the platform keeps for a managed identity for up to a day. Either
makes the identity unconfined while Exchange has no policy for it. A token is held against an
identity only while that exists: of a deleted one nobody can fetch the token any more.

Where the delays of the platform are counted, the invariant says more: no token that carries the
permission meets a mailbox service in which the policy is missing or not yet effective. That shows
only when such a token is used, and ``record_reach`` is told of each use.

``record_sendable`` looks further, where a test asks for it: it is told, after every change and
whenever the clock has been moved, which mailboxes each identity could send as at that moment.

An application role of Exchange is confined by the scope of its assignment: without one, or with
one that is gone, it makes the identity unconfined whatever policies there are.
"""

from collections.abc import Collection, Iterable, Iterator, Set

from simulator.tenant.entra import Entra
from simulator.tenant.identifiers import (
    CONFINABLE_APP_ROLES,
    GRAPH_APP_ID,
    UNCONFINABLE_APP_ROLES,
)
from simulator.tenant.policy_evaluation import AccessRight, Policy, RoleGrant, is_restricted
from simulator.tenant.store import Change, Document, Store

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


def may_break(changes: Set[Change]) -> bool:
    """Whether what a call has written has to be checked.

    Most calls of a deployment set or make a mailbox or a group: nobody holds anything by that, and
    a policy or a role that names a recipient asks only whether it is there. So it is their removal
    that can break the invariant. Whatever else is written is checked.
    """
    return any(change != ("recipient", False) for change in changes)


def record_violations(
    store: Store, entra: Entra, policies: Collection[Policy], grants: Collection[RoleGrant]
) -> None:
    """Writes down what the running call broke: each identity and permission when it begins.

    Args:
        store: Where violations are kept.
        entra: Who holds what.
        policies: Those that Exchange holds at this moment, effective or not.
        grants: What application roles open, effective or not.
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
    for grant in grants:
        for permission in grant.permissions if grant.scope is None else ():
            key = (grant.principal_id, permission)
            if key not in broken_now | broken_before:
                store.add_violation(
                    grant.principal_id,
                    permission,
                    f"The service principal {grant.principal_id} holds {permission} by a role in "
                    "Exchange, and the assignment has no scope.",
                )
            broken_now.add(key)
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


def holders(
    store: Store, entra: Entra, permission: str, grants: Iterable[RoleGrant]
) -> list[Document]:
    """Service principals that hold the permission: in Entra, by a living token, or by a role."""
    found = {p["id"]: p for p, role, _ in _held(store, entra) if role == permission}
    for grant in grants:
        principal = store.get("servicePrincipal", grant.principal_id)
        if principal is not None and permission in grant.permissions:
            found[principal["id"]] = principal
    return list(found.values())


def record_sendable(
    store: Store,
    principal: Document,
    mailboxes: Iterable[Document],
    present: Collection[Policy],
    grants: Iterable[RoleGrant],
) -> None:
    """Writes down that mail as a mailbox outside the scope would be accepted, when that begins.

    Args:
        store: Where violations are kept.
        principal: The service principal that was tried.
        mailboxes: Those as which mail of it would be accepted at this moment.
        present: The policies that Exchange holds. Their scopes are what the identity is meant to
            reach, so one that was removed, and that Graph still goes by, counts for nothing here.
        grants: What roles open to it, also one taken back that Graph still goes by: it opens no
            more than it did.
    """
    app_id = principal["appId"]
    scope = {
        mailbox
        for policy in present
        if policy.is_for(app_id) and policy.access_right is AccessRight.RESTRICT
        for mailbox in policy.scope
    }
    scope |= {m for g in grants if g.principal_id == principal["id"] for m in g.scope or ()}
    outside = {m["id"]: m["addresses"][0] for m in mailboxes if m["id"] not in scope}
    open_before = store.setting(OUTSIDE, {})
    if outside and principal["id"] not in open_before:
        store.add_violation(
            principal["id"],
            "Mail.Send",
            f"{principal['displayName']} (client id {app_id}) could send as {len(outside)} "
            f"mailboxes outside its scope, such as {sorted(outside.values())[0]}.",
        )
    others = {key: value for key, value in open_before.items() if key != principal["id"]}
    store.set_setting(OUTSIDE, others | ({principal["id"]: len(outside)} if outside else {}))
