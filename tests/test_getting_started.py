"""What docs/getting-started.md has people type gives the identity what identities/ gives it."""

import importlib
import re
import sys
from pathlib import Path

import pytest
import yaml

from configuration import load_configuration
from simulator.tenant.identifiers import DIRECTORY_APP_ROLES, EXCHANGE_APP_ROLES

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "docs" / "getting-started.md").read_text(encoding="utf-8")
SHELLS = ["bash", "powershell"]


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


def making(shell: str) -> str:
    """The block in which the deploying identity is made."""
    [block] = [block for block in blocks(shell) if "az ad app create" in block]
    return block


@pytest.fixture
def permissions(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(ROOT / "identities"))
    pipeline_identity = importlib.import_module("pipeline_identity")
    yield pipeline_identity.permissions_of(pipeline_identity.Mode.DEPLOY)
    del sys.modules["pipeline_identity"]


@pytest.mark.parametrize("shell", SHELLS)
class TestTheDeployingIdentity:
    def test_gets_the_permissions_of_the_one_for_pipelines(self, shell, permissions):
        ids = DIRECTORY_APP_ROLES | EXCHANGE_APP_ROLES
        asked = re.findall(
            r"--api (\S+) --api-permissions\s+(?:\\\s+)?((?:\S+=Role\s*)+)", making(shell)
        )
        assert {api: set(re.findall(r"(\S+)=Role", roles)) for api, roles in asked} == {
            api: {ids[name] for name in names} for api, names in permissions.app_roles.items()
        }

    def test_gets_the_roles_in_exchange(self, shell, permissions):
        listed = re.search(r"roles\W+(\[|@\().*?[\])]", making(shell), re.DOTALL)
        assert listed is not None
        assert re.findall(r"['\"]([A-Z][A-Za-z -]+)['\"]", listed[0]) == permissions.exchange_roles

    def test_gets_the_roles_on_the_group_and_none_on_the_subscription(self, shell, permissions):
        assert len(re.findall(r"az role assignment create", making(shell))) == 1
        assert re.search(r"--scope \"?\$group\b", making(shell))
        roles = re.search(r"(?:for role in|foreach \(\$role in) ([^;)]*)", making(shell))
        assert roles is not None
        assert len(re.findall(r"['\"]([^'\"]+)['\"]", roles[1])) == len(permissions.group_roles)

    def test_is_what_signs_in(self, shell):
        [signing_in] = [block for block in blocks(shell) if "ARM_CLIENT_ID" in block]
        for variable in (
            "ARM_TENANT_ID",
            "ARM_SUBSCRIPTION_ID",
            "ARM_CLIENT_CERTIFICATE_PATH",
            "ARM_CLIENT_CERTIFICATE_PASSWORD",
            "EXCHANGE_APP_ID",
            "EXCHANGE_CERTIFICATE_PATH",
            "EXCHANGE_CERTIFICATE_PASSWORD",
            "AZURE_CLIENT_ID",
            "AZURE_TENANT_ID",
            "AZURE_CLIENT_CERTIFICATE_PATH",
        ):
            assert variable in signing_in


class TestTheFirstStack:
    def test_is_one_file_with_one_sender(self):
        [block] = blocks("yaml")
        written = yaml.safe_load(block)["config"]
        values = {key.partition(":")[2]: value for key, value in written.items()}
        shared = yaml.safe_load((ROOT / "Pulumi.yaml").read_text(encoding="utf-8"))["config"]
        values["senderDefaults"] = shared["senderDefaults"]["value"]

        [sender] = load_configuration(values).senders

        assert sender.probe
        # Nothing of it comes from the shared file.
        assert sender.name not in values["senderDefaults"]
        # The group that the roles are on.
        assert all(values["resourceGroup"] in making(shell) for shell in SHELLS)

    def test_is_deployed_and_proven_by_its_name(self):
        commands = "\n".join(blocks("bash"))
        assert "pulumi stack init first" in commands
        assert "operations.prove --stack first" in commands
