"""Each component has the shape that Pulumi can read, and make a package for other languages of."""

import importlib
import inspect
import pkgutil

import pulumi
import pytest
from pulumi.provider.experimental.analyzer import Analyzer

import components

COMPONENTS = sorted(
    {
        value
        for module in pkgutil.walk_packages(components.__path__, "components.")
        for value in vars(importlib.import_module(module.name)).values()
        if inspect.isclass(value)
        and issubclass(value, pulumi.ComponentResource)
        and value.__module__.startswith("components.")
    },
    key=lambda component: component.__name__,
)


def test_pulumis_analyzer_accepts_them_all():
    found = Analyzer("scoped-mail-sender").analyze(COMPONENTS)["component_definitions"]

    assert "ScopedMailSender" in found
    assert found.keys() == {component.__name__ for component in COMPONENTS}


@pytest.mark.parametrize("component", COMPONENTS)
def test_takes_name_args_and_opts(component: type[pulumi.ComponentResource]):
    parameters = list(inspect.signature(component.__init__).parameters.values())

    assert [p.name for p in parameters if p.kind is not p.KEYWORD_ONLY] == [
        "self",
        "name",
        "args",
        "opts",
    ]
    assert parameters[2].annotation.__name__ == f"{component.__name__}Args"
