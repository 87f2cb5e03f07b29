"""What the README tells people to type exists, and what it shows is what happens."""

import re
from pathlib import Path

import pytest
import yaml

from components.exchange.exchange_command import PACKAGE
from configuration.values import Keys
from tests.components.recording import record
from tools import reference

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
CONFIGURATION = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")


COMPONENTS = (ROOT / "docs" / "components.md").read_text(encoding="utf-8")


def python_blocks(text: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


class TestExampleOfReuse:
    def test_runs_and_proves_before_it_grants(self):
        [example] = python_blocks(COMPONENTS)
        # Nothing is installed here; tests/engine/test_installed_package.py does that.
        example = example.replace(f"from {PACKAGE}.", "from components.")
        recording = record(
            lambda: exec(compile(example, "docs/components.md", "exec"), {}),  # noqa: S102
            roles={"Mail.Read": "810c84a8-4a9e-49e6-bf7d-12d183f40d01"},
        )
        grant = "report-reader-access-mail-read"
        assert recording.resources[grant].inputs["appRoleId"].startswith("810c84a8")
        assert "report-reader-access-proof" in recording.resources[grant].dependencies
        assert "report-mailboxes" in recording.resources["report-reader"].dependencies


class TestWhatItSaysOfTheProject:
    def test_its_version_is_that_of_the_changelog(self):
        [version] = re.findall(r"^\*Status: (\S+)\. ", README, re.MULTILINE)
        changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
        assert re.findall(r"^## (\S+)", changelog, re.MULTILINE)[0] == version

    def test_nothing_that_deploys_uses_what_may_be_deleted(self):
        [line] = [line for line in README.splitlines() if line.startswith("Who adopts the program")]
        folders = re.findall(r"`(\w+)/`", line)
        assert folders == ["simulator", "tests", "benchmarks"]
        deploying = [ROOT / "__main__.py"]
        for folder in ("components", "configuration", "operations", "policy", "identities"):
            deploying += sorted((ROOT / folder).rglob("*.py"))
        assert len(deploying) > 30
        for path in deploying:
            text = path.read_text(encoding="utf-8")
            assert not re.search(rf"^\s*(?:from|import) (?:{'|'.join(folders)})\b", text, re.M), (
                path
            )


class TestConfigurationReference:
    def test_is_what_the_keys_say_of_themselves(self):
        # Otherwise run: .venv/bin/python -m tools.reference
        assert reference.document() == CONFIGURATION

    def test_has_every_key_with_what_it_means(self):
        groups = [*reference.GROUPS.values()]
        assert reference.reference().count("\n| `") == sum(len(group.by_key()) for group in groups)
        assert {*Keys.__subclasses__()} == {*groups}
        for group in groups:
            assert [key for key, field in group.by_key().items() if not field.description] == []

    @pytest.mark.parametrize(
        "row",
        [
            "| `settle` | a duration, e.g. PT1H | How long",
            " Default: `PT1H`. |",
            " Default: `[Mail.Send]`. |",
            " Default: `retain`. |",
            "| `drift` | true or false | true looks",
            " Default: `false`. |",
            "| `alias` | the alias | 1 to 64 of A to Z, a to z, 0 to 9 and `. _ -`. Default: name "
            "without spaces. |",
            "| `organization` (required) | the tenant's initial domain",
        ],
    )
    def test_says_what_is_required_and_what_is_meant_otherwise(self, row: str):
        assert row in CONFIGURATION

    def test_message_for_mistakes_is_the_real_one(self):
        from configuration import ConfigurationError, load_configuration

        written = yaml.safe_load((ROOT / "Pulumi.local.yaml").read_text(encoding="utf-8"))
        values = {key.partition(":")[2]: value for key, value in written["config"].items()}
        values["senders"][0]["mailbox"]["adress"] = values["senders"][0]["mailbox"].pop("address")
        values["senders"][0]["permissions"] = ["Mail.Send", "MailboxItem.Read.All"]
        values["senders"][1]["controlMailbox"] = "daily-reminder@contoso.com"
        with pytest.raises(ConfigurationError) as refused:
            load_configuration(values)
        assert str(refused.value).strip() in CONFIGURATION
