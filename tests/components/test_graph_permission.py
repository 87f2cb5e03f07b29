"""One Graph permission by itself: its role is found by name, and it waits for what is named."""

import pulumi
import pytest
from pulumi_command import local

from components.graph_permission import GRAPH_CLIENT_ID, GraphPermission, GraphPermissionArgs
from tests.components.recording import GRAPH_PRINCIPAL_ID, Recording, record

ROLES = {"Mail.Read": "read-id", "Mail.ReadWrite": "read-write-id"}


def permission(
    name: str = "Mail.Read", opts: pulumi.ResourceOptions | None = None
) -> GraphPermission:
    args = GraphPermissionArgs(permission=name, principal_id="principal")
    return GraphPermission("grant", args, opts)


class TestGraphPermission:
    @pytest.mark.parametrize(("name", "role_id"), ROLES.items())
    def test_assigns_the_role_of_exactly_that_name_in_this_tenant(self, name, role_id):
        recording: Recording = record(lambda: permission(name), roles=ROLES)
        assert recording.resources["grant"].inputs == {
            "appRoleId": role_id,
            "principalObjectId": "principal",
            "resourceObjectId": GRAPH_PRINCIPAL_ID,
        }
        # By the id that is the same everywhere: the name "Microsoft Graph" may be anybody's.
        assert [dict(call.args) for call in recording.calls] == [{"clientId": GRAPH_CLIENT_ID}]

    @pytest.mark.parametrize("name", ["Mail.Reed", "mail.read", ""])
    def test_that_does_not_exist_is_refused_by_name(self, name):
        with pytest.raises(pulumi.RunError, match=f"no application permission '{name}'"):
            record(lambda: permission(name), roles=ROLES)

    def test_waits_for_each_resource_that_is_named_directly(self):
        def program() -> None:
            first = local.Command("first")
            second = local.Command("second", opts=pulumi.ResourceOptions(depends_on=[first]))
            permission(opts=pulumi.ResourceOptions(depends_on=[first, second]))

        recording = record(program, roles=ROLES)
        assert recording.resources["grant"].dependencies == {"first", "second"}
