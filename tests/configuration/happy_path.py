"""A happy path, and how a test makes one mutation of it and reads what is said."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml

from configuration import (
    NAMESPACE,
    ConfigurationError,
    environments,
    load_configuration,
)

ROOT = Path(__file__).parents[2]
STACKS = environments()

HAPPY_PATH: dict[str, Any] = {
    "resourceGroup": "rg-mail-sender-test",
    "location": "westeurope",
    "organization": "contoso.onmicrosoft.com",
    "senders": [
        {
            "name": "notifications",
            "mailbox": {
                "name": "Logic App Notifications",
                "address": "logicappnotifications@contoso.com",
            },
            "group": {
                "name": "DL Graph Scope Group",
                "address": "graphscope@contoso.com",
            },
            "controlMailbox": "control.mailbox@contoso.com",
            "trigger": {"type": "httpRequest"},
            "message": {
                "subject": "Graph test mail",
                "body": {"contentType": "Text", "content": "Does this work?"},
                "toRecipients": [{"address": "reception@contoso.com"}],
            },
        },
        {
            "name": "report",
            "mailbox": {"name": "Report", "address": "report@contoso.com"},
            "group": {
                "name": "Report Scope",
                "address": "report-scope@contoso.onmicrosoft.com",
            },
            "controlMailbox": "control.mailbox@contoso.com",
            "trigger": {
                "type": "recurrence",
                "frequency": "Week",
                "interval": 1,
                "timeZone": "W. Europe Standard Time",
                "schedule": {"weekDays": ["Monday"], "hours": [8], "minutes": [30]},
            },
            "message": {
                "subject": "Report",
                "body": {"contentType": "HTML", "content": "<p>Ready.</p>"},
                "bccRecipients": [{"address": "finance@contoso.com", "name": "Finance"}],
            },
        },
    ],
}


def steps(path: str) -> list[str | int]:
    return [int(step) if step.isdigit() else step for step in re.findall(r"[^.\[\]]+", path)]


def put(values: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    *parents, last = steps(path)
    target: Any = values
    for step in parents:
        target = target[step]
    target[last] = value
    return values


def drop(values: dict[str, Any], path: str) -> dict[str, Any]:
    *parents, last = steps(path)
    target: Any = values
    for step in parents:
        target = target[step]
    del target[last]
    return values


@dataclass(frozen=True)
class Reported:
    heading: str
    problem: str
    remedy: str


def mistakes(config: pulumi.Config | dict[str, Any]) -> list[Reported]:
    with pytest.raises(ConfigurationError) as refused:
        load_configuration(config)
    return [
        Reported(*(line.strip() for line in block.splitlines()))
        for block in str(refused.value).split("\n\n")[1:]
    ]


def only_mistake(config: pulumi.Config | dict[str, Any]) -> Reported:
    (mistake,) = mistakes(config)
    return mistake


def assert_refused(
    values: dict[str, Any], path: str, value: object, problem: str, remedy: str
) -> None:
    """The value is the only mistake, and the message names key, value, and what to write."""
    mistake = only_mistake(put(values, path, value))
    assert mistake.heading == f"{NAMESPACE}:{path} = {json.dumps(value, ensure_ascii=False)}"
    assert problem in mistake.problem
    assert remedy in mistake.remedy


def stack_file(stack: str) -> dict[str, Any]:
    """A stack's own values, and what its project has for all of them."""
    config = yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text("utf-8"))["config"]
    project = yaml.safe_load((ROOT / "Pulumi.yaml").read_text("utf-8"))["config"]
    shared = {key: declared["value"] for key, declared in project.items() if "value" in declared}
    return shared | {key.partition(":")[2]: value for key, value in config.items()}
