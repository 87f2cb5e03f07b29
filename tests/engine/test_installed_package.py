"""The components as an installed package, in the project that ``pulumi new`` makes of template/."""

import importlib
import json
import os
import pkgutil
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import Distribution
from pathlib import Path

import pulumi
import pytest
import yaml

from components.exchange.exchange_command import COPIED_SCRIPTS, PACKAGE, SCRIPTS
from simulator.engine import SimulatedStack
from simulator.environment import ROOT
from simulator.sending import pass_policy_lag, send_as
from tests.engine.conftest import ENCRYPTION_SALT, succeeded
from tests.engine.test_destroy import GROUP_STAYS
from tools.pulumi_cli import find_or_install

pytestmark = pytest.mark.engine

TEMPLATE = ROOT / "template"
CONFIGURATION = {
    "azure-native:location": "westeurope",
    "resourceGroup": "rg-mail-sender",
    "organization": "contoso.onmicrosoft.com",
    "mailbox": "notifications@contoso.com",
    "controlMailbox": "control.mailbox@contoso.com",
    "recipient": "reception@contoso.com",
}


def install(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of packages into which this project was installed, as pip does it."""
    source = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "LICENSE"):
        shutil.copy(ROOT / name, source)
    # Building leaves files beside the sources.
    shutil.copytree(ROOT / "components", source / "components")
    folder = tmp_path_factory.mktemp("site-packages")
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet"]
    subprocess.run(
        [sys.executable, "-m", "pip", "install", *options, "--target", folder, source], check=True
    )
    return folder


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install(tmp_path_factory)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project that Pulumi makes of the template."""
    folder, home = (tmp_path_factory.mktemp(name) for name in ("project", "home"))
    made = subprocess.run(
        [find_or_install(), "new", TEMPLATE, "--generate-only", "--yes", "--name", "mail"],
        cwd=folder,
        env={**os.environ, "PULUMI_HOME": str(home), "PULUMI_BACKEND_URL": home.as_uri()},
        capture_output=True,
        text=True,
        # In the end it fails where there is no language host, for which it has no use here.
        check=False,
    )
    assert "Created project 'mail'" in made.stdout, made.stderr
    values = {key if ":" in key else f"mail:{key}": value for key, value in CONFIGURATION.items()}
    (folder / "Pulumi.dev.yaml").write_text(
        json.dumps({"encryptionsalt": ENCRYPTION_SALT, "config": values}), encoding="utf-8"
    )
    return folder


@contextmanager
def in_project(project: Path, packages: Path) -> Iterator[None]:
    """As a run of the project's program: its folder, and the package that is installed there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project)
        patch.syspath_prepend(packages)
        yield
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        del sys.modules[name]


def commands(stack: SimulatedStack) -> list[dict[str, str]]:
    return [
        resource["inputs"]
        for resource in stack.exported_state()["resources"]
        if resource["type"] == "command:local:Command"
    ]


def test_the_template_asks_for_what_its_program_reads(project: Path) -> None:
    asked = yaml.safe_load((TEMPLATE / "Pulumi.yaml").read_text("utf-8"))["template"]["config"]
    assert asked.keys() == CONFIGURATION.keys()
    assert yaml.safe_load((project / "Pulumi.yaml").read_text("utf-8"))["name"] == "mail"


def test_the_package_has_what_it_needs(installed: Path) -> None:
    [information] = installed.glob("*.dist-info")
    package = Distribution.at(information)
    [requirement] = [
        line
        for line in (TEMPLATE / "requirements.txt").read_text("utf-8").splitlines()
        if not line.startswith("#")
    ]
    assert requirement.split()[0] == package.metadata["Name"]
    assert requirement.endswith(f"@v{package.version}")
    names = {re.split("[<>]", needed)[0] for needed in package.requires or ()}
    ours = {"pulumi", "pulumi-azure-native", "pulumi-azuread", "pulumi-command"}
    assert names == ours | {"httpx"}


def test_each_module_finds_what_it_needs_by_the_name_of_the_package(
    project: Path, installed: Path
) -> None:
    with in_project(project, installed):
        package = importlib.import_module(PACKAGE)
        for module in pkgutil.walk_packages(package.__path__, f"{PACKAGE}."):
            importlib.import_module(module.name)
    sources = sorted((installed / PACKAGE).rglob("*.py"))
    assert len(sources) > 20
    for source in sources:
        # In a checkout of this project, and nowhere else, this would be found.
        absolute = r"^\s*(from|import) components\b"
        assert not re.search(absolute, source.read_text("utf-8"), re.MULTILINE), source.name


def test_a_project_of_the_template_is_deployed_sends_and_goes(
    project: Path, installed: Path, tmp_path: Path
) -> None:
    stack = SimulatedStack(tmp_path, work_dir=project, stack="dev", project=project)
    before = stack.tenant.snapshot()
    with in_project(project, installed):
        succeeded(stack.up())

    scripts = project / COPIED_SCRIPTS
    assert {path.name: path.read_bytes() for path in scripts.iterdir()} == {
        path.name: path.read_bytes() for path in SCRIPTS.glob("*.ps*1")
    }
    for command in commands(stack):
        assert Path(command["create"]).parent == Path(COPIED_SCRIPTS)
    pass_policy_lag(stack.tenant)
    workflow = stack.outputs()["senders"]["notifications"]["workflowId"]
    assert send_as(stack.tenant, workflow, CONFIGURATION["mailbox"]).accepted
    assert send_as(stack.tenant, workflow, CONFIGURATION["controlMailbox"]).status == 403
    assert stack.tenant.violations() == []

    # On another machine, where the package is elsewhere and the folder has a script of an older
    # version, nothing has changed.
    elsewhere = shutil.copytree(installed, tmp_path / "Lib" / "site-packages")
    (scripts / "of-an-older-version.ps1").touch()
    (scripts / "Session.psm1").write_text("of another version", encoding="utf-8")
    with in_project(project, elsewhere):
        assert succeeded(stack.up()).changes == []
    assert (scripts / "of-an-older-version.ps1").is_file()
    assert (scripts / "Session.psm1").read_bytes() == (SCRIPTS / "Session.psm1").read_bytes()

    # From the state and a checkout alone: the package is not there.
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project)
        succeeded(stack.destroy())
    left = stack.tenant.snapshot() | GROUP_STAYS
    assert left | {"softDeletedMailboxes": {}} == before


def test_scripts_that_cannot_be_copied_are_an_error_with_a_remedy(
    installed: Path, tmp_path: Path
) -> None:
    (tmp_path / COPIED_SCRIPTS).touch()
    with in_project(tmp_path, installed):
        module = importlib.import_module(f"{PACKAGE}.exchange.exchange_command")
        with pytest.raises(pulumi.RunError, match=r"could not be copied to .*: File exists\."):
            module.script_path("find-drift.ps1")
