"""The environment that leads to the simulated tenant."""

import os
import shutil
from importlib.metadata import version
from pathlib import Path

import pytest

from simulator.environment import installed_command_plugin, simulated_environment
from simulator.real_powershell import VARIABLE
from simulator.tenant import ORGANIZATION, Tenant

EXECUTABLE = "pulumi-resource-command" + (".exe" if os.name == "nt" else "")


@pytest.fixture(autouse=True)
def no_plugin(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Hides a plugin, and a PowerShell, that the machine may have."""
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.setenv("PATH", str(empty))
    monkeypatch.setenv("PULUMI_HOME", str(empty))
    monkeypatch.delenv(VARIABLE, raising=False)


def install(folder: Path) -> Path:
    folder.mkdir(parents=True)
    plugin = folder / EXECUTABLE
    plugin.write_text("")
    plugin.chmod(0o755)
    return plugin


class TestTheInstalledPlugin:
    def test_is_none_where_there_is_none(self):
        assert installed_command_plugin(os.environ) is None

    def test_is_found_on_path(self, tmp_path: Path):
        plugin = install(tmp_path / "bin")

        assert installed_command_plugin({"PATH": str(plugin.parent)}) == plugin

    def test_is_found_in_pulumis_home_in_the_version_of_the_sdk(self, tmp_path: Path):
        release = f"resource-command-v{version('pulumi-command')}"
        plugin = install(tmp_path / "home" / "plugins" / release)

        found = installed_command_plugin({"PULUMI_HOME": str(tmp_path / "home"), "PATH": ""})

        assert found == plugin

    def test_is_passed_over_in_another_version(self, tmp_path: Path):
        install(tmp_path / "home" / "plugins" / "resource-command-v0.0.1")

        assert installed_command_plugin({"PULUMI_HOME": str(tmp_path / "home"), "PATH": ""}) is None


class TestTheEnvironment:
    @pytest.fixture
    def directory(self, tmp_path: Path) -> Path:
        return tmp_path / "simulated"

    @pytest.fixture
    def cli(self, tmp_path: Path) -> Path:
        return tmp_path / "cli" / "pulumi"

    def test_attaches_all_three_providers(self, directory: Path, cli: Path):
        with simulated_environment(directory, cli) as environment:
            attached = environment["PULUMI_DEBUG_PROVIDERS"].split(",")

        assert {entry.partition(":")[0] for entry in attached} == {
            "azure-native",
            "azuread",
            "command",
        }

    def test_leaves_commands_to_the_plugin_where_it_is_installed(
        self, directory: Path, cli: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        plugin = install(tmp_path / "bin")
        monkeypatch.setenv("PATH", str(plugin.parent))

        with simulated_environment(directory, cli) as environment:
            assert "command:" not in environment["PULUMI_DEBUG_PROVIDERS"]
            assert shutil.which(EXECUTABLE, path=environment["PATH"]) == str(plugin)

    def test_signs_the_scripts_in_to_the_tenant(self, directory: Path, cli: Path):
        with simulated_environment(directory, cli) as environment:
            tenant = Tenant(environment["SIMULATED_TENANT"])
            session = tenant.exchange.connect(
                token=environment["EXCHANGE_ACCESS_TOKEN"], organization=ORGANIZATION
            )

        assert session.invoke("Get-Mailbox", {"Identity": "finance@contoso.com"})

    def test_leaves_no_other_way_to_sign_in(
        self, directory: Path, cli: Path, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setenv("EXCHANGE_CERTIFICATE_PATH", "deployment.pfx")

        with simulated_environment(directory, cli) as environment:
            ways = {name for name in environment if name.startswith("EXCHANGE_")}
            given = {name for name in ways if environment[name]}

        assert given == {"EXCHANGE_ACCESS_TOKEN"}

    def test_puts_its_own_pwsh_first(
        self, directory: Path, cli: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        real = tmp_path / "real"
        real.mkdir()
        (real / "pwsh").write_text("")
        (real / "pwsh").chmod(0o755)
        monkeypatch.setenv("PATH", str(real))

        with simulated_environment(directory, cli) as environment:
            found = shutil.which("pwsh", path=environment["PATH"])

        assert found is not None
        assert Path(found).is_relative_to(directory)

    def test_keeps_away_from_the_persons_own_pulumi_home(self, directory: Path, cli: Path):
        with simulated_environment(directory, cli) as environment:
            assert Path(environment["PULUMI_HOME"]).is_relative_to(directory)
            assert environment["PULUMI_BACKEND_URL"].startswith("file://")

    def test_leaves_the_engine_no_folder_for_a_log_of_all_it_does(self, directory: Path, cli: Path):
        with simulated_environment(directory, cli) as environment:
            assert (Path(environment["PULUMI_HOME"]) / "logs").is_file()
