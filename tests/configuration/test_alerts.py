"""Who is notified of a failed run, and where the run history goes."""

from typing import Any

import pytest

from configuration import load_configuration
from tests.configuration.happy_path import assert_refused, only_mistake, put

GROUP = "/subscriptions/00000000-0000-4000-8000-000000000000/resourceGroups/rg/providers"
ACTION_GROUP = f"{GROUP}/Microsoft.Insights/actionGroups/operations"
WORKSPACE = f"{GROUP}/microsoft.operationalinsights/workspaces/log-mail"


def test_addresses_or_an_action_group_and_a_workspace(values: dict[str, Any]) -> None:
    put(values, "senders[0].alerts", {"addresses": ["it@contoso.com"]})
    put(values, "senders[0].diagnostics", WORKSPACE)
    put(values, "senders[1].alerts", {"actionGroup": ACTION_GROUP})
    first, second = load_configuration(values).senders
    assert first.alerts is not None
    assert second.alerts is not None
    assert (first.alerts.addresses, first.alerts.action_group) == (("it@contoso.com",), None)
    assert (second.alerts.addresses, second.alerts.action_group) == ((), ACTION_GROUP)
    assert (first.diagnostics, second.diagnostics) == (WORKSPACE, None)


@pytest.mark.parametrize(
    ("alerts", "problem"),
    [
        ({}, "It has neither addresses nor an actionGroup"),
        ({"addresses": ["it@contoso.com"], "actionGroup": ACTION_GROUP}, "It has both"),
    ],
)
def test_one_of_the_two(values: dict[str, Any], alerts: dict[str, Any], problem: str) -> None:
    mistake = only_mistake(put(values, "senders[0].alerts", alerts))
    assert mistake.heading.endswith("senders[0].alerts")
    assert problem in mistake.problem


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        ("alerts", {"addresses": ["it"]}, "is not a mail address"),
        ("alerts", {"actionGroup": "operations"}, "a Microsoft.Insights/actionGroups"),
        ("alerts", {"actionGroup": WORKSPACE}, "a Microsoft.Insights/actionGroups"),
        ("diagnostics", ACTION_GROUP, "a Microsoft.OperationalInsights/workspaces"),
    ],
)
def test_of_its_kind(values: dict[str, Any], path: str, value: Any, problem: str) -> None:
    assert problem in only_mistake(put(values, f"senders[0].{path}", value)).problem


def test_each_address_once(values: dict[str, Any]) -> None:
    put(values, "senders[0].alerts", {})
    twice = ["it@contoso.com", "it@contoso.com"]
    assert_refused(values, "senders[0].alerts.addresses", twice, "more than once", "only once")
