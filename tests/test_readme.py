"""What the README tells people to type exists, and what it shows is what happens."""

import re
from pathlib import Path

import pytest
import yaml

from configuration import Group, Mailbox, Message, Sender, StackConfiguration
from tests.components.recording import record

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """The fenced blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


class TestExampleOfReuse:
    def test_runs_and_proves_before_it_grants(self):
        [example] = blocks("python")
        recording = record(
            lambda: exec(compile(example, "README.md", "exec"), {}),  # noqa: S102
            roles={"Mail.Read": "810c84a8-4a9e-49e6-bf7d-12d183f40d01"},
        )
        grant = "report-reader-access-mail-read"
        assert recording.resources[grant].inputs["appRoleId"].startswith("810c84a8")
        assert "report-reader-access-proof" in recording.resources[grant].dependencies
        assert "report-mailboxes" in recording.resources["report-reader"].dependencies


class TestConfigurationReference:
    """README and Pulumi.yaml name every key that the configuration knows."""

    @pytest.mark.parametrize("document", ["README.md", "Pulumi.yaml"])
    @pytest.mark.parametrize(
        "key",
        sorted(
            {
                *StackConfiguration.keys(),
                *Sender.keys(),
                *Mailbox.keys(),
                *Group.keys(),
                *Message.keys(),
                "exportCallbackUrl",
                "allowedCallers",
                "entraPolicies",
                "frequency",
                "interval",
                "startTime",
                "timeZone",
                "schedule",
            }
        ),
    )
    def test_names(self, document, key):
        assert re.search(rf"\b{key}\b", (ROOT / document).read_text(encoding="utf-8"))

    def test_message_for_mistakes_is_the_real_one(self):
        from configuration import ConfigurationError, load_configuration

        written = yaml.safe_load((ROOT / "Pulumi.local.yaml").read_text(encoding="utf-8"))
        values = {key.partition(":")[2]: value for key, value in written["config"].items()}
        values["senders"][0]["mailbox"]["adress"] = values["senders"][0]["mailbox"].pop("address")
        values["senders"][0]["permissions"] = ["Mail.Send", "MailboxItem.Read.All"]
        values["senders"][1]["controlMailbox"] = "daily-reminder@contoso.com"
        with pytest.raises(ConfigurationError) as refused:
            load_configuration(values)
        assert str(refused.value).strip() in README
