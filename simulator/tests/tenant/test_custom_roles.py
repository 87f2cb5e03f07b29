"""What Exchange refuses of roles that an organisation makes.

After https://learn.microsoft.com/powershell/module/exchangepowershell/new-managementrole and the
pages of the cmdlets about entries.
"""

import pytest

from simulator.testing.deployment import connect, refusal

CHILD, PARENT = "ours", "Role Management"


@pytest.fixture
def child(tenant):
    """A role with two cmdlets of its parent, which every domain controller knows."""

    def invoke(cmdlet, **parameters):
        return connect(tenant).invoke(cmdlet, parameters)

    enabled = ["Get-ManagementScope", "New-ManagementScope"]
    invoke("New-ManagementRole", Name=CHILD, Parent=PARENT, EnabledCmdlets=enabled)
    assert refusal(invoke, "Get-ManagementRoleEntry", Identity=f"{CHILD}\\*")
    tenant.clock.advance(tenant.lags["exchange"])
    return invoke


def names(child, role=CHILD):
    return {entry["Name"] for entry in child("Get-ManagementRoleEntry", Identity=f"{role}\\*")}


def test_it_has_what_was_enabled(child):
    assert names(child) == {"Get-ManagementScope", "New-ManagementScope"}
    [role] = child("Get-ManagementRole", Identity=CHILD)
    assert role["Parent"] == f"contoso.onmicrosoft.com\\{PARENT}"


def test_nothing_is_in_it_that_its_parent_has_not(child):
    for cmdlet, parameters in (
        ("Add-ManagementRoleEntry", {"Identity": f"{CHILD}\\New-Mailbox"}),
        (
            "Set-ManagementRoleEntry",
            {"Identity": f"{CHILD}\\New-ManagementScope", "Parameters": ["Database"]},
        ),
        (
            "New-ManagementRole",
            {"Name": "more", "Parent": CHILD, "EnabledCmdlets": ["Add-RoleGroupMember"]},
        ),
    ):
        assert "the parent role" in str(refusal(child, cmdlet, **parameters))
    assert names(child) == {"Get-ManagementScope", "New-ManagementScope"}


def test_a_built_in_role_stays_as_it_is(child):
    before = names(child, PARENT)
    for cmdlet in ("Add", "Set", "Remove"):
        identity = f"{PARENT}\\New-ManagementScope"
        said = str(refusal(child, f"{cmdlet}-ManagementRoleEntry", Identity=identity))
        assert "can't change the role entries of the built-in role" in said
    assert names(child, PARENT) == before


def test_names_that_are_taken_or_too_long(child):
    for name in (CHILD, PARENT):
        said = str(refusal(child, "New-ManagementRole", Name=name, Parent=PARENT))
        assert "already exists" in said
    said = str(refusal(child, "New-ManagementRole", Name="n" * 65, Parent=PARENT))
    assert "maximum length is 64" in said


def test_not_in_an_organisation_that_was_never_customised(tenant, child):
    tenant.set_organization_config("IsDehydrated", True)
    said = str(refusal(child, "New-ManagementRole", Name="another", Parent=PARENT))
    assert "InvalidOperationInDehydratedContextException" in said
