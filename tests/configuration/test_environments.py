"""The files of the environments agree with the rules."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml

from configuration import (
    NAMESPACE,
    ConfigurationError,
    Deletion,
    HttpRequestTrigger,
    load_configuration,
    require_environment,
)
from tests.configuration.happy_path import ROOT, STACKS, stack_file


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    if isinstance(value, dict):
        for key, entry in value.items():
            yield from leaves(entry, (*path, key))
    else:
        yield path, value


class TestAnEnvironmentThatDoesNotExist:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        for name in ("dev", "prod"):
            (tmp_path / f"Pulumi.{name}.yaml").write_text(f"config:\n  {NAMESPACE}:cloud: public\n")
        (tmp_path / "Pulumi.yaml").write_text("name: scoped-mail-sender\nconfig: {cloud: public}\n")
        return tmp_path

    def test_is_refused_with_those_that_do(self, folder: Path) -> None:
        with pytest.raises(ConfigurationError) as refused:
            require_environment("prd", folder)
        assert str(refused.value) == (
            "There is no environment prd: the file Pulumi.prd.yaml is missing. "
            "There are: dev, prod. Did you mean prod?\n"
            "Nothing has been done. For a new environment, write what stands under config: in the "
            "file of the one that is most like it into Pulumi.prd.yaml, and change what differs."
        )

    @pytest.mark.parametrize(
        "left", ["encryptionsalt: v1:abc=:v1:def\n", "config: {}\n", "config:\n  # none\n", ""]
    )
    def test_is_not_there_because_pulumi_left_a_file_of_its_name(
        self, folder: Path, left: str
    ) -> None:
        (folder / "Pulumi.prd.yaml").write_text(left)
        with pytest.raises(ConfigurationError) as refused:
            require_environment("contoso/scoped-mail-sender/prd", folder)
        assert str(refused.value).startswith(
            "There is no environment prd: the file Pulumi.prd.yaml configures nothing. "
            "There are: dev, prod. Did you mean prod?\n"
        )
        assert str(refused.value).endswith(" If the name is misspelt, pulumi stack rm prd.")

    @pytest.mark.parametrize(
        "content",
        [
            b"config: [\n",
            b"config: " + b"[" * 1000 + b"]" * 1000,
            b"config: {a: 2020-13-45}\n",
            b"config: {a: \xe4}\n",
        ],
        ids=["no end", "1000 levels", "no such day", "not UTF-8"],
    )
    def test_a_file_that_cannot_be_read_is_left_to_pulumi(
        self, folder: Path, content: bytes
    ) -> None:
        (folder / "Pulumi.prod.yaml").write_bytes(content)
        require_environment("prod", folder)

    @pytest.mark.parametrize("stack", [*STACKS, "contoso/scoped-mail-sender/prod"])
    def test_any_other_is_not(self, stack: str) -> None:
        require_environment(stack)

    def test_where_there_is_none_it_says_so(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigurationError, match="There is none yet"):
            require_environment("dev", tmp_path)

    def test_the_program_names_it_before_the_keys_that_it_lacks(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(pulumi, "get_stack", lambda: "stagin")
        pulumi.runtime.set_all_config({f"{NAMESPACE}:cloud": "public"})
        with pytest.raises(ConfigurationError, match="There is no environment stagin"):
            load_configuration(pulumi.Config(NAMESPACE))


class TestTheFilesAgreeWithTheRules:
    @pytest.mark.parametrize("stack", STACKS)
    def test_each_environment_is_accepted(self, stack: str) -> None:
        load_configuration(stack_file(stack))

    @pytest.mark.parametrize("stack", ["dev", "local", "prod", "test"])
    def test_the_examples_show_both_triggers(self, stack: str) -> None:
        triggers = {sender.trigger.type for sender in load_configuration(stack_file(stack)).senders}
        assert triggers == {"httpRequest", "recurrence"}

    @pytest.mark.parametrize("stack", ["dev", "prod", "test"])
    def test_an_environment_writes_nothing_that_is_shared(self, stack: str) -> None:
        values = stack_file(stack)
        for sender in values["senders"]:
            shared = dict(leaves(values["senderDefaults"][sender["name"]]))
            same = {path for path, value in leaves(sender) if shared.get(path) == value}
            assert same == set()

    def test_production_is_kept_and_watched(self) -> None:
        prod = load_configuration(stack_file("prod"))
        assert (prod.deletion, prod.drift) == (Deletion.RETAIN, True)
        assert prod.settle == timedelta(hours=1)
        assert not prod.allow_open_triggers

    def test_the_test_tenant_keeps_nothing(self) -> None:
        test = load_configuration(stack_file("test"))
        assert (test.deletion, test.purge_mailboxes) == (Deletion.DELETE, True)
        assert test.settle == timedelta(hours=1)

    @pytest.mark.parametrize("stack", STACKS)
    def test_an_open_trigger_is_meant_to_be(self, stack: str) -> None:
        configuration = load_configuration(stack_file(stack))
        assert configuration.allow_open_triggers or all(
            sender.trigger.allowed_callers is not None
            for sender in configuration.senders
            if isinstance(sender.trigger, HttpRequestTrigger)
        )

    def test_no_two_environments_share_an_object_of_exchange(self) -> None:
        addresses = [
            recipient.address
            for stack in STACKS
            if stack != "local"
            for sender in load_configuration(stack_file(stack)).senders
            for recipient in (sender.mailbox, sender.group)
            if recipient is not None
        ]
        assert len(addresses) == len(set(addresses)) >= 12

    @pytest.mark.parametrize("stack", STACKS)
    def test_no_file_holds_a_secret(self, stack: str) -> None:
        assert "secure:" not in (ROOT / f"Pulumi.{stack}.yaml").read_text("utf-8")

    def test_dev_is_the_example_of_the_manual_procedure(self) -> None:
        configuration = load_configuration(stack_file("dev"))
        sender = configuration.senders[0]
        assert sender.mailbox.name == sender.mailbox.display_name == "Logic App Notifications"
        assert sender.mailbox.alias == "LogicAppNotifications"
        assert sender.group is not None
        assert sender.group.name == "DL Graph Scope Group WL Mailsender LogicApp"
        assert sender.group.alias == "DLGraphScopeGroupWLMailsenderLogicApp"
        assert sender.group.policy_description == (
            "Restrict this app's permissions to members of distribution group "
            f"{sender.group.address}"
        )
        assert sender.message.subject == "Graph test mail"
        assert sender.message.body.content_type == "Text"
        assert sender.message.body.content == "Does this work?"
        assert not sender.message.save_to_sent_items
        assert configuration.settle == timedelta(hours=1)

    def test_local_does_not_wait(self) -> None:
        assert load_configuration(stack_file("local")).settle == timedelta(0)

    def test_the_project_states_nothing_that_the_program_says_better(self) -> None:
        # A default would stand twice, and a key with a type be checked by Pulumi, one a run.
        project = yaml.safe_load((ROOT / "Pulumi.yaml").read_text("utf-8"))
        assert {key: declared.keys() for key, declared in project["config"].items()} == {
            "senderDefaults": {"description", "value"}
        }

    def test_the_project_has_the_namespace(self) -> None:
        assert yaml.safe_load((ROOT / "Pulumi.yaml").read_text("utf-8"))["name"] == NAMESPACE
