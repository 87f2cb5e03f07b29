"""Each component has the shape that Pulumi can read, and make a package for other languages of.

What consists of one resource is that resource itself, and takes its arguments as a component does.
"""

import importlib
import inspect
import pkgutil

import pulumi
import pytest
from pulumi.provider.experimental.analyzer import Analyzer

import components
from components.exchange.exchange_command import ExchangeCommand

PUBLIC = sorted(
    {
        value
        for module in pkgutil.walk_packages(components.__path__, "components.")
        for value in vars(importlib.import_module(module.name)).values()
        if inspect.isclass(value)
        and issubclass(value, pulumi.Resource)
        and value is not ExchangeCommand
        and value.__module__.startswith("components.")
    },
    key=lambda public: public.__name__,
)
COMPONENTS = [public for public in PUBLIC if issubclass(public, pulumi.ComponentResource)]


def test_pulumis_analyzer_accepts_them_all():
    found = Analyzer("scoped-mail-sender").analyze(COMPONENTS)["component_definitions"]

    assert "ScopedMailSender" in found
    assert found.keys() == {component.__name__ for component in COMPONENTS}


@pytest.mark.parametrize("public", PUBLIC)
def test_takes_name_args_and_opts(public: type[pulumi.Resource]):
    parameters = list(inspect.signature(public.__init__).parameters.values())

    assert [p.name for p in parameters if p.kind is not p.KEYWORD_ONLY] == [
        "self",
        "name",
        "args",
        "opts",
    ]
    assert parameters[2].annotation.__name__ == f"{public.__name__}Args"
