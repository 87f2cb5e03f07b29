"""What the tenant held before, or somebody else put there, is named and left alone."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from simulator.engine import SimulatedStack
from simulator.sending import pass_policy_lag, send_as
from simulator.tenant import DEPLOYMENT_CLIENT_ID, EXCHANGE_AUDIENCE, ORGANIZATION, Tenant
from tests.engine.conftest import SENDER, Configuration, StackIn, stack_in, succeeded

pytestmark = pytest.mark.engine

MAILBOX = "logicappnotifications@contoso.com"
GROUP = "graphscope-mailsender@contoso.com"

Change = Callable[[Configuration], None]


def by_hand(tenant: Tenant, cmdlet: str, **parameters: Any) -> list[dict[str, Any]]:
    """What an administrator does outside of the stack, and waits until everyone sees it."""
    token = tenant.entra.issue_token(DEPLOYMENT_CLIENT_ID, EXCHANGE_AUDIENCE)
    session = tenant.exchange.connect(token=token, organization=ORGANIZATION)
    found = session.invoke(cmdlet, parameters)
    tenant.clock.advance(tenant.lags["exchange"])
    return found


def shared_mailbox(tenant: Tenant, **parameters: Any) -> None:
    by_hand(tenant, "New-Mailbox", Shared=True, Name="Old", PrimarySmtpAddress=MAILBOX)
    if parameters:
        by_hand(tenant, "Set-Mailbox", Identity=MAILBOX, **parameters)


def security_group(tenant: Tenant, **parameters: Any) -> None:
    given = {"Name": "Old Group", "PrimarySmtpAddress": GROUP} | parameters
    by_hand(tenant, "New-DistributionGroup", Type="Security", **given)


def adopting(value: bool) -> Change:
    def change(sender: Configuration) -> None:
        sender["mailbox"]["adopt"] = sender["group"]["adopt"] = value

    return change


def addressed(recipient: str, address: str) -> Change:
    def change(sender: Configuration) -> None:
        adopting(True)(sender)
        sender[recipient]["address"] = address

    return change


def nothing(sender: Configuration) -> None:
    """Leaves the configuration as it is."""


def recipients_of(snapshot: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return snapshot["mailboxes"] | snapshot["groups"]


class TestWhatWasThereBeforeIsNamedAndLeftAlone:
    @pytest.mark.parametrize(
        ("before", "change", "said"),
        [
            pytest.param(
                shared_mailbox,
                nothing,
                f"{MAILBOX} exists ('Old') and was not created by this stack. Choose another "
                "address, or set 'adopt: true'",
                id="a mailbox of the same address",
            ),
            pytest.param(
                security_group,
                nothing,
                f"{GROUP} exists ('Old Group') and was not created by this stack. Choose another "
                "address, or set 'adopt: true'",
                id="a group of the same address",
                marks=pytest.mark.long,
            ),
            pytest.param(
                lambda tenant: security_group(
                    tenant,
                    Name=SENDER["group"]["name"],
                    # By default it would have the name's alias too, which is another refusal.
                    Alias="Namesake",
                    PrimarySmtpAddress="namesake@contoso.com",
                ),
                adopting(True),
                "or set 'address: namesake@contoso.com' and 'adopt: true'",
                id="a group of the same name",
                marks=pytest.mark.long,
            ),
            pytest.param(
                lambda tenant: shared_mailbox(
                    tenant, ExtensionCustomAttribute5=["other/prod/mailbox created 0a1b2c3d"]
                ),
                adopting(True),
                f"{MAILBOX} exists and carries the mark 'other/prod/mailbox created 0a1b2c3d'",
                id="a mailbox with another stack's mark",
            ),
            pytest.param(
                lambda tenant: None,
                addressed("mailbox", "finance@contoso.com"),
                "finance@contoso.com exists and is a UserMailbox, not a SharedMailbox. It is never "
                "converted",
                id="a user's mailbox",
            ),
            pytest.param(
                lambda tenant: None,
                addressed("mailbox", "boardroom@contoso.com"),
                "boardroom@contoso.com exists and is a RoomMailbox",
                id="a room",
                marks=pytest.mark.long,
            ),
            pytest.param(
                lambda tenant: None,
                addressed("group", "AllStaff@contoso.com"),
                "AllStaff@contoso.com exists and is a MailUniversalDistributionGroup, not a "
                "MailUniversalSecurityGroup. It is never converted",
                id="a distribution group",
                marks=pytest.mark.long,
            ),
        ],
    )
    def test_and_nothing_is_granted(
        self, fresh: StackIn, before: Callable[[Tenant], None], change: Change, said: str
    ):
        stack = fresh(change=change)
        before(stack.tenant)
        there = stack.tenant.snapshot()

        result = stack.up()

        assert not result.succeeded
        assert said in result.output
        after = stack.tenant.snapshot()
        assert recipients_of(there).items() <= recipients_of(after).items()
        assert after["appRoleAssignments"] == there["appRoleAssignments"]
        assert after["applicationAccessPolicies"] == there["applicationAccessPolicies"]
        assert after["workflows"] == {}


class TestWhatIsAdoptedIsNeverRemoved:
    @pytest.mark.long
    def test_not_even_when_the_configuration_no_longer_says_adopt(
        self, fresh: StackIn, tmp_path: Path
    ):
        stack = fresh(change=adopting(True))
        shared_mailbox(stack.tenant)
        security_group(stack.tenant)
        by_hand(
            stack.tenant,
            "New-ApplicationAccessPolicy",
            AccessRight="RestrictAccess",
            AppId=["77777777-0000-4000-8000-000000000007"],
            PolicyScopeGroupId=GROUP,
            Description="another application, confined before this stack came",
        )
        before = stack.tenant.snapshot()
        succeeded(stack.up())

        stack = fresh(change=adopting(False))
        succeeded(stack.up())
        pass_policy_lag(stack.tenant)
        sender = stack.outputs()["senders"]["notifications"]
        assert send_as(stack.tenant, sender["workflowId"], MAILBOX).accepted
        succeeded(stack.destroy())

        after = stack.tenant.snapshot()
        assert recipients_of(after).keys() == recipients_of(before).keys()
        for recipient in recipients_of(after).values():
            assert not recipient["extensionAttributes"].get("ExtensionCustomAttribute5")
        assert after["softDeletedMailboxes"] == {}
        # Ours stays as well: it goes with a group of ours only.
        kept = after["applicationAccessPolicies"]
        for identifier, policy in before["applicationAccessPolicies"].items():
            assert kept[identifier] == policy
        assert after["appRoleAssignments"] == before["appRoleAssignments"]
        assert stack.tenant.violations() == []


def rename_sender(sender: Configuration) -> None:
    sender["name"] = "notices"


def rename_all_of_it(sender: Configuration) -> None:
    rename_sender(sender)
    sender["mailbox"] |= {"name": "Notices", "address": "notices@contoso.com"}
    sender["group"] |= {"name": "Notices Scope", "address": "notices-scope@contoso.com"}


@pytest.mark.long
class TestARenamedSenderDoesNotTakeItsFormerObjectsOver:
    """The new resource is created before the old one is deleted, which would then remove it."""

    @pytest.mark.parametrize("deletion", ["delete", "retain"])
    def test_it_is_refused_before_a_preview_looks_harmless(
        self, redeployed: StackIn, deletion: str
    ):
        stack = redeployed(change=rename_sender, deletion=deletion)
        before = stack.tenant.snapshot()

        for result in (stack.preview(), stack.up()):
            assert not result.succeeded
            assert f"{MAILBOX} is of the sender notifications" in result.output
            assert "Write notifications; displayName" in result.output
            assert [step for step in result.steps if step.operation != "same"] == []

        assert stack.tenant.snapshot() == before

    def test_with_addresses_of_its_own_it_takes_their_place(self, redeployed: StackIn):
        stack = redeployed(change=rename_all_of_it)
        number = len(stack.tenant.snapshot()["mailboxes"])

        succeeded(stack.up())

        snapshot = stack.tenant.snapshot()
        assert len(snapshot["mailboxes"]) == number
        (removed,) = snapshot["softDeletedMailboxes"].values()
        assert removed["addresses"][0] == MAILBOX
        assert stack.tenant.violations() == []


def without_control_mailbox(sender: Configuration) -> None:
    sender["controlMailbox"] = "nobody@contoso.com"


@pytest.fixture(scope="module")
def unproven_stack(tmp_path_factory: pytest.TempPathFactory) -> SimulatedStack:
    """A stack whose first `up` stopped at the proof: all is there but the grant."""
    stack = stack_in(tmp_path_factory.mktemp("unproven"), change=without_control_mailbox)
    assert "the control mailbox nobody@contoso.com cannot be read" in stack.up().output
    return stack


@pytest.fixture
def unproven(unproven_stack: SimulatedStack, tmp_path: Path) -> SimulatedStack:
    """A copy of it, with the mistake in its configuration mended."""
    shutil.copytree(unproven_stack.directory, tmp_path / "copy")
    return stack_in(tmp_path / "copy")


def granted(tenant: Tenant) -> list[str]:
    """Principal ids of the workflows' identities that hold an app role."""
    snapshot = tenant.snapshot()
    identities = {workflow["principalId"] for workflow in snapshot["workflows"].values()}
    holders = {held["principalId"] for held in snapshot["appRoleAssignments"].values()}
    return sorted(identities & holders)


@pytest.mark.long
class TestAPolicyOfSomebodyElse:
    @pytest.fixture
    def client_id(self, unproven: SimulatedStack) -> str:
        snapshot = unproven.tenant.snapshot()
        (identity,) = (
            principal["appId"]
            for principal in snapshot["servicePrincipals"].values()
            if principal["servicePrincipalType"] == "ManagedIdentity"
        )
        return str(identity)

    def policy(
        self, stack: SimulatedStack, app_id: str, access_right: str, scope: str
    ) -> dict[str, Any]:
        (policy,) = by_hand(
            stack.tenant,
            "New-ApplicationAccessPolicy",
            AppId=[app_id],
            AccessRight=access_right,
            PolicyScopeGroupId=scope,
        )
        return policy

    def test_that_widens_the_reach_is_named_and_nothing_is_granted(
        self, unproven: SimulatedStack, client_id: str
    ):
        policy = self.policy(unproven, client_id, "RestrictAccess", "BuildingAccess@contoso.com")

        result = unproven.up()

        assert not result.succeeded
        assert f"Remove-ApplicationAccessPolicy -Identity '{policy['Identity']}'" in result.output
        assert granted(unproven.tenant) == []
        by_hand(unproven.tenant, "Remove-ApplicationAccessPolicy", Identity=policy["Identity"])
        succeeded(unproven.up())
        assert len(granted(unproven.tenant)) == 1
        assert unproven.tenant.violations() == []

    @pytest.mark.parametrize("every_application", [False, True])
    def test_that_denies_the_sender_is_the_reason_and_nothing_is_granted(
        self, unproven: SimulatedStack, client_id: str, every_application: bool
    ):
        by_hand(
            unproven.tenant,
            "Add-DistributionGroupMember",
            Identity="BuildingAccess@contoso.com",
            Member=MAILBOX,
            BypassSecurityGroupManagerCheck=True,
        )
        app_id = "*" if every_application else client_id
        policy = self.policy(unproven, app_id, "DenyAccess", "BuildingAccess@contoso.com")

        result = unproven.up()

        assert not result.succeeded
        assert f"{MAILBOX} is Denied, expected Granted; the DenyAccess policy" in result.output
        assert policy["Identity"] in result.output
        assert granted(unproven.tenant) == []

    @pytest.mark.parametrize(
        ("app_id", "access_right", "said"),
        [
            ("", "DenyAccess", "denies this application the members of 'Building Access'"),
            ("*", "RestrictAccess", "lets every application, this one too, reach the members of"),
        ],
    )
    def test_that_is_none_of_these_is_a_warning(
        self,
        unproven: SimulatedStack,
        client_id: str,
        app_id: str,
        access_right: str,
        said: str,
    ):
        scope = "BuildingAccess@contoso.com"
        policy = self.policy(unproven, app_id or client_id, access_right, scope)

        result = succeeded(unproven.up())

        assert f"warning: the {access_right} policy {policy['Identity']} {said}" in result.output
        assert len(granted(unproven.tenant)) == 1
