"""A deployed sender goes from a policy to roles and back, and can send at every moment."""

from typing import Any

import pytest

from simulator.engine import Result, SimulatedStack
from simulator.sending import pass_policy_lag, send_as
from simulator.tenant import GRAPH_AUDIENCE
from simulator.tenant.faults import Fault, Kind, Step
from simulator.testing.deployment import Deployment, message
from tests.engine.conftest import Configuration, StackIn, succeeded
from tests.engine.faults import TOLD_THE_TIME, by_both, by_roles
from tests.engine.test_access import CONTROL, FINANCE, RECEPTION, Identities
from tests.engine.test_drift import administrator
from tests.engine.test_lost_state import lose
from tests.engine.test_recover import recovered

pytestmark = [pytest.mark.engine, pytest.mark.long]

MAILBOX = "logicappnotifications@contoso.com"


def user_assigned(sender: Configuration) -> None:
    sender["identity"] = "userAssigned"


class Sender:
    """One deployed sender, in the time of its tenant."""

    def __init__(self, stack_in: StackIn, monkeypatch: pytest.MonkeyPatch) -> None:
        self._stack_in = stack_in
        self.stack = self.told()
        for module in TOLD_THE_TIME:
            monkeypatch.setattr(f"{module}.now", lambda: self.stack.tenant.clock.now())

    def told(self, change: Any = None, *, migrate_now: bool = False) -> SimulatedStack:
        """The stack with another configuration of the sender."""
        options = {"deletion": "retain", "settle": "PT45M", "migrate_now": migrate_now}
        self.stack = self._stack_in(change=change, **options)
        self.stack.tenant.set_sending_is_tried(True)
        return self.stack

    def up(self, change: Any = None) -> Result:
        """Deploys, has the sender send at once, and finds nothing more to do."""
        succeeded(self.told(change).up())
        self.sends()
        preview = succeeded(self.stack.preview())
        assert preview.changes == []
        return preview

    def refused(self, change: Any = None) -> str:
        before = self.has()
        result = self.told(change).up()
        assert not result.succeeded
        assert self.has() == before
        return result.output

    def sends(self) -> None:
        """As its mailbox, and not as the control mailbox."""
        workflow = self.stack.outputs()["senders"]["notifications"]["workflowId"]
        assert send_as(self.stack.tenant, workflow, MAILBOX).accepted
        assert send_as(self.stack.tenant, workflow, CONTROL).status == 403

    def later(self, hours: float) -> None:
        """Lets time pass, in which the sender sends."""
        for _ in range(4):
            self.stack.tenant.clock.advance(hours * 3600 / 4)
            self.sends()

    def has(self) -> dict[str, int]:
        """How many there are of what lets it send, and of what confines it."""
        snapshot, outputs = self.stack.tenant.snapshot(), self.stack.outputs()["senders"]
        principal = outputs["notifications"]["principalId"]
        client = outputs["notifications"]["clientId"]
        return {
            "grants": sum(
                grant["principalId"] == principal
                for grant in snapshot["appRoleAssignments"].values()
            ),
            "policies": sum(
                client in str(policy) for policy in snapshot["applicationAccessPolicies"].values()
            ),
            "groups": sum(
                "graphscope-mailsender" in str(group) for group in snapshot["groups"].values()
            ),
            "roles": len(snapshot["managementRoleAssignments"]),
            "scopes": len(snapshot["managementScopes"]),
        }


POLICY = {"grants": 1, "policies": 1, "groups": 1, "roles": 0, "scopes": 0}
BOTH = {"grants": 1, "policies": 1, "groups": 1, "roles": 1, "scopes": 1}
ROLES = {"grants": 0, "policies": 0, "groups": 0, "roles": 1, "scopes": 1}


@pytest.fixture
def sender(fresh: StackIn, monkeypatch: pytest.MonkeyPatch) -> Sender:
    sender = Sender(fresh, monkeypatch)
    succeeded(sender.stack.up())
    pass_policy_lag(sender.stack.tenant)
    sender.sends()
    assert sender.has() == POLICY
    return sender


def test_there_and_back(sender: Sender) -> None:
    assert "Write both, with a group" in sender.refused(by_roles)

    sender.up(by_both)
    assert sender.has() == BOTH
    assert "comes before" in sender.refused(by_roles)
    sender.later(2)
    assert "to scoping: rbac from" in succeeded(sender.told(by_both).preview()).output
    preview = succeeded(sender.told(by_roles).preview())
    assert "the grant goes in this run" in preview.output
    assert {
        (step.operation, step.type) for step in preview.changes if step.operation == "delete"
    } == {
        ("delete", "azuread:index/appRoleAssignment:AppRoleAssignment"),
        ("delete", "pulumi:index:Stash"),
    }

    waiting = sender.up(by_roles)
    assert sender.has() == BOTH | {"grants": 0}
    assert "the policy with its group stays until" in waiting.output
    sender.later(24)
    assert sender.has() == BOTH | {"grants": 0}
    succeeded(sender.told(by_roles).up())
    assert sender.has() == BOTH | {"grants": 0}
    sender.later(2)
    assert "goes in this run" in succeeded(sender.told(by_roles).preview()).output
    sender.up(by_roles)
    assert sender.has() == ROLES
    sender.later(2)
    assert sender.stack.tenant.violations() == []

    assert "Write both, with a group" in sender.refused()
    sender.up(by_both)
    assert sender.has() == BOTH
    sender.later(20)
    assert "comes before" in sender.refused()
    sender.later(4)
    waiting = sender.up()
    assert sender.has() == POLICY | {"scopes": 1}
    assert "the scope of the former roles stays until" in waiting.output
    sender.later(4)
    sender.up()
    assert sender.has() == POLICY
    sender.later(2)
    assert sender.stack.tenant.violations() == []


def test_a_policy_that_the_state_calls_otherwise_is_taken_up_before_it_may_go(
    sender: Sender,
) -> None:
    """As where a program gives a resource another name without an alias."""
    sender.up(by_both)
    sender.later(2)
    urns = [each["urn"] for each in sender.stack.exported_state()["resources"]]
    (urn,) = (each for each in urns if each.endswith("::notifications-access-policy"))
    sender.stack.edit_state("rename", urn, "former-policy")

    assert "the state calls it former-policy, and this program" in sender.refused(by_roles)

    sender.up(by_both)
    sender.later(2)
    sender.up(by_roles)
    sender.later(3)
    assert sender.has() == BOTH | {"grants": 0}
    assert sender.stack.tenant.violations() == []


def test_without_the_wait_it_is_proven_and_confined_all_the_same(sender: Sender) -> None:
    sender.up(by_both)
    assert "With migrateNow: true it is done at once" in sender.refused(by_roles)

    succeeded(sender.told(by_roles, migrate_now=True).up())

    assert sender.has() == BOTH | {"grants": 0}
    sender.stack.tenant.clock.advance(2 * 3600)
    sender.sends()
    assert sender.stack.tenant.violations() == []


def test_what_fails_on_the_way_leaves_it_confined_and_sending(
    fresh: StackIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    def of_its_own(change: Any) -> Any:
        def both(sender: Configuration) -> None:
            user_assigned(sender)
            change(sender)

        return both

    sender = Sender(fresh, monkeypatch)
    succeeded(sender.told(user_assigned).up())
    pass_policy_lag(sender.stack.tenant)
    sender.up(of_its_own(by_both))
    sender.later(2)
    rbac, tenant = of_its_own(by_roles), sender.stack.tenant
    principal = sender.stack.outputs()["senders"]["notifications"]["principalId"]
    theirs = {"App": principal, "Role": "Application Mail Full Access"}

    # Not proven: the grant does not go.
    administrator(sender.stack, "New-ManagementRoleAssignment", Name="theirs", **theirs)
    tenant.clock.advance(tenant.lags["exchange"])
    output = sender.refused(rbac)
    assert "the application has further roles" in output
    administrator(sender.stack, "Remove-ManagementRoleAssignment", Identity="theirs", Confirm=False)
    sender.later(2)

    # It goes, and nobody hears of it: as ever, what is gone has to be taken note of. The day
    # is counted from the last run that had the grant in its state.
    path = "/v1.0/servicePrincipals/{id}/appRoleAssignedTo/{id}"
    step = Step("", "Graph", "DELETE", path, 1)
    tenant.plan_faults([Fault(step, Kind.TIMEOUT_AFTER)])
    sender.told(rbac).up()
    assert tenant.faults_happened() == 1
    tenant.plan_faults([])
    sender.later(3)
    assert "Request_ResourceNotFound" in sender.told(rbac).up().output
    succeeded(sender.stack.refresh())
    sender.up(rbac)
    assert sender.has() == BOTH | {"grants": 0}

    # Somebody grants it anew while the policy is due: the policy does not go.
    sender.later(26)
    grant = Deployment(tenant, None).grant({"id": principal})
    before = sender.has()
    assert "holds a grant in Entra of Mail.Send" in sender.refused(rbac)
    assert before == BOTH
    Deployment(tenant, None).revoke(grant)
    sender.up(rbac)
    assert sender.has() == ROLES


def test_a_lost_state_begins_the_waits_anew_and_forgets_what_was_due(sender: Sender) -> None:
    """Later than it has to be, and what is forgotten confines: never less than before."""
    sender.up(by_both)
    sender.later(3)
    lose(sender.stack)
    assert recovered(sender.stack)[0] == 0
    sender.up(by_both)
    assert sender.has() == BOTH
    assert "comes before" in sender.refused(by_roles)
    sender.later(2)
    sender.up(by_roles)
    assert sender.has() == BOTH | {"grants": 0}
    lose(sender.stack)
    assert recovered(sender.stack)[0] == 0
    sender.up(by_roles)
    sender.later(26)
    sender.up(by_roles)
    assert sender.has() == BOTH | {"grants": 0}

    # The way once more takes up, and then removes, what was forgotten.
    sender.up(by_both)
    sender.later(2)
    sender.up(by_roles)
    sender.later(26)
    sender.up(by_roles)
    assert sender.has() == ROLES
    assert sender.stack.tenant.violations() == []


class Access:
    """An identity that somebody else made, in the time of its tenant, and a stack of it alone."""

    def __init__(
        self, stack_in: StackIn, monkeypatch: pytest.MonkeyPatch, mailboxes: list[str]
    ) -> None:
        # As long as a policy takes, and less than a token for Exchange lives: the roles beside it
        # are proven before or after that wait, as it happens.
        self.stack = stack_in(settle="PT45M")
        self.stack.tenant.set_sending_is_tried(True)
        self.identities = Identities(self.stack)
        self.mailboxes = mailboxes
        self.unit: str | None = None
        for module in TOLD_THE_TIME:
            monkeypatch.setattr(f"{module}.now", lambda: self.stack.tenant.clock.now())

    def told(self, scoping: str) -> SimulatedStack:
        """The stack with that scoping of the access."""
        entry = self.identities.entries[0] | {"scoping": scoping, "mailboxes": self.mailboxes}
        if scoping == "rbac" and len(self.mailboxes) == 1:
            del entry["group"]
        if self.unit:
            entry["administrativeUnit"] = self.unit
        self.identities.write([entry | {"permissions": ["Mail.Send"]}], alone=True)
        return self.stack

    def goes_by_both(self) -> None:
        """Deploys it by a policy, which Graph learns of, and then by both."""
        succeeded(self.told("applicationAccessPolicy").up())
        pass_policy_lag(self.stack.tenant)
        succeeded(self.told("both").up())

    def up(self, scoping: str, **has: int) -> Result:
        """Deploys, has the identity send at once, and finds nothing more to do."""
        result = succeeded(self.told(scoping).up())
        self.sends()
        assert self.has() == has
        # The provider that asks Graph for grants has no resource here, and is not shown.
        preview = succeeded(self.stack.preview())
        assert [s for s in preview.changes if not s.type.startswith("pulumi:providers:")] == []
        return result

    def refused(self, scoping: str) -> str:
        before = self.has()
        result = self.told(scoping).up()
        assert not result.succeeded
        assert self.has() == before
        return result.output

    def sends(self) -> None:
        """As each of its mailboxes, and not as the control mailbox."""
        graph, principal = self.stack.tenant.graph, self.identities.principal["reporting"]
        token = self.stack.tenant.entra.managed_identity_token(principal, GRAPH_AUDIENCE)
        for mailbox, status in [*((each, 202) for each in self.mailboxes), (CONTROL, 403)]:
            answer = graph.request(
                "POST",
                f"/v1.0/users/{mailbox}/sendMail",
                message(),
                token=token,
                headers={"Content-Type": "application/json"},
            )
            assert answer.status == status, (mailbox, answer.body)

    def later(self, hours: float) -> None:
        """Lets time pass, in which the identity sends."""
        for _ in range(4):
            self.stack.tenant.clock.advance(hours * 3600 / 4)
            self.sends()

    def has(self) -> dict[str, int]:
        """How many there are of what lets it send, and of what confines it."""
        snapshot = self.stack.tenant.snapshot()
        principal = self.identities.principal["reporting"]
        client = self.identities.client["reporting"]
        return {
            "grants": sum(
                grant["principalId"] == principal
                for grant in snapshot["appRoleAssignments"].values()
            ),
            "policies": sum(
                client in str(policy) for policy in snapshot["applicationAccessPolicies"].values()
            ),
            "groups": sum("scope-of-reporting" in str(g) for g in snapshot["groups"].values()),
            "roles": len(snapshot["managementRoleAssignments"]),
            "scopes": len(snapshot["managementScopes"]),
        }

    def holds(self, name: str) -> bool:
        """Whether the state has a resource of it."""
        resources = self.stack.exported_state()["resources"]
        return any(each["urn"].endswith(f"::reporting-{name}") for each in resources)


@pytest.mark.parametrize("mailboxes", [[FINANCE], [FINANCE, RECEPTION]], ids=["one", "several"])
def test_an_access_goes_there_and_back(
    fresh: StackIn, monkeypatch: pytest.MonkeyPatch, mailboxes: list[str]
) -> None:
    access = Access(fresh, monkeypatch, mailboxes)
    # Roles for several mailboxes are bound to the group, and for one to a scope.
    scope = 1 if len(mailboxes) == 1 else 0
    policy = {"grants": 1, "policies": 1, "groups": 1, "roles": 0, "scopes": 0}
    both = policy | {"roles": 1, "scopes": scope}
    succeeded(access.told("applicationAccessPolicy").up())
    pass_policy_lag(access.stack.tenant)
    access.up("applicationAccessPolicy", **policy)
    assert "Write both, with a group" in access.refused("rbac")

    access.up("both", **both)
    assert "comes before" in access.refused("rbac")
    access.later(2)
    left = access.up("rbac", **both | {"grants": 0})
    assert "the grant goes in this run, after another proof" in left.output
    access.later(24)
    access.up("rbac", **both | {"grants": 0})
    assert access.holds("access-policy")
    access.later(2)
    # Its identity was there before, and lives on: what confined it stays as at a teardown.
    gone = access.up("rbac", **both | {"grants": 0})
    assert "the policy with its group leaves the state in this run" in gone.output
    assert "stays: the identity" in gone.output
    assert not access.holds("access-policy")
    assert access.holds("group") is (scope == 0)
    access.later(2)
    assert access.stack.tenant.violations() == []

    assert "Write both, with a group" in access.refused("applicationAccessPolicy")
    access.up("both", **both)
    access.later(20)
    assert "comes before" in access.refused("applicationAccessPolicy")
    access.later(4)
    left = access.up("applicationAccessPolicy", **policy | {"scopes": scope})
    assert "the role goes in this run, after another proof" in left.output
    access.later(4)
    access.up("applicationAccessPolicy", **policy | {"scopes": scope})
    assert not access.holds("left")
    assert not access.holds("scope")
    access.later(2)
    assert access.stack.tenant.violations() == []


def test_an_access_goes_to_an_administrative_unit_once_it_is_by_roles(
    fresh: StackIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    access = Access(fresh, monkeypatch, [FINANCE])
    tenant = access.stack.tenant
    access.goes_by_both()
    access.later(2)
    bound = access.has() | {"grants": 0}
    access.up("rbac", **bound)
    access.unit = tenant.add_administrative_unit("Back office", [FINANCE])
    assert "confines no policy, whose scope is a group" in access.refused("both")

    access.up("rbac", **bound)

    [role] = tenant.snapshot()["managementRoleAssignments"].values()
    assert (role["scopeType"], role["scopeId"]) == ("AdministrativeUnit", access.unit)
    assert not access.holds("scope")
    access.later(26)
    access.up("rbac", **bound)
    assert not access.holds("access-policy")
    access.later(2)
    access.unit = None
    access.up("rbac", **bound)
    access.later(2)
    assert access.holds("scope")
    assert tenant.violations() == []


def test_an_access_that_is_not_proven_keeps_its_grant(
    fresh: StackIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    access = Access(fresh, monkeypatch, [FINANCE])
    access.goes_by_both()
    access.later(2)
    both, tenant = access.has(), access.stack.tenant
    theirs = {"App": access.identities.principal["reporting"], "Role": "Application Mail.Read"}
    administrator(access.stack, "New-ManagementRoleAssignment", Name="theirs", **theirs)
    tenant.clock.advance(tenant.lags["exchange"])
    assert "Application Mail.Read on every mailbox" in access.refused("rbac")
    administrator(access.stack, "Remove-ManagementRoleAssignment", Identity="theirs", Confirm=False)
    access.later(2)

    # Taken down on the way, it is permitted nothing more, and confined for as long as need be.
    succeeded(access.told("rbac").up())
    succeeded(access.stack.destroy())
    assert access.has() == both | {"grants": 0, "roles": 0}


def test_an_access_keeps_its_roles_while_the_policy_is_not_proven(
    fresh: StackIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Their scope is the group of the policy, so nothing of them has to stay afterwards.
    access = Access(fresh, monkeypatch, [FINANCE, RECEPTION])
    access.goes_by_both()
    access.later(24)
    both = access.has()
    wider = {"AppId": [access.identities.client["reporting"]], "AccessRight": "RestrictAccess"}
    [made] = administrator(
        access.stack, "New-ApplicationAccessPolicy", PolicyScopeGroupId="Building Access", **wider
    )

    assert "the roles stay" in access.refused("applicationAccessPolicy")

    named = {"Identity": made["Identity"], "Confirm": False}
    administrator(access.stack, "Remove-ApplicationAccessPolicy", **named)
    access.up("applicationAccessPolicy", **both | {"roles": 0})
    assert access.stack.tenant.violations() == []


def test_a_lost_state_of_an_access_begins_the_waits_anew(
    fresh: StackIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    access = Access(fresh, monkeypatch, [FINANCE])
    access.goes_by_both()
    both = access.has()
    access.later(3)
    lose(access.stack)
    assert recovered(access.stack)[0] == 0
    access.up("both", **both)
    assert "comes before" in access.refused("rbac")
    access.later(2)
    access.up("rbac", **both | {"grants": 0})
    lose(access.stack)
    assert recovered(access.stack)[0] == 0
    access.up("rbac", **both | {"grants": 0})

    # What was forgotten confines all the same, and the way back takes it up.
    access.up("both", **both)
    access.later(24)
    access.up("applicationAccessPolicy", **both | {"roles": 0})
    assert access.stack.tenant.violations() == []
