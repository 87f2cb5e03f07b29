import json
import os
import re
from pathlib import Path

import pytest

from tests.tools.executables import Executable
from tools import pulumi_cli
from tools.progress import ToolError

pytestmark = pytest.mark.skipif(
    os.name == "nt", reason="Windows starts no script in place of pulumi.exe"
)

BUILD = """
from pathlib import Path
target = Path(sys.argv[sys.argv.index("-o") + 1])
target.parent.mkdir(parents=True)
target.write_text("#!/bin/sh\\necho v3.259.0\\n")
target.chmod(0o755)
print("go: downloading github.com/pulumi/pulumi/pkg/v3 v3.259.0", file=sys.stderr)
"""
DOWNLOAD = """
from pathlib import Path
target = Path(sys.argv[-1], "bin", "pulumi")
target.parent.mkdir(parents=True)
target.write_text("#!/bin/sh\\necho v3.272.0\\n")
target.chmod(0o755)
"""
NO_INTERNET = "print('Traceback'); print('URLError: unreachable'); sys.exit(1)"


class Machine:
    """A machine with an empty PATH, nothing set up, and no internet."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path = folder / "path"
        self.set_up = folder / "tools" / "pulumi"
        self.path.mkdir()
        monkeypatch.setenv("PATH", str(self.path))
        monkeypatch.setattr(pulumi_cli, "FOLDER", self.set_up)
        self.python = Executable(folder / "venv" / "python", NO_INTERNET)
        monkeypatch.setattr(pulumi_cli, "python", lambda: self.python.path)

    def has_internet(self) -> None:
        self.python = Executable(self.python.path, DOWNLOAD)

    def has_go(self, source: str = BUILD) -> Executable:
        return Executable(self.path / "go", source)

    def has_pulumi(self, version: str) -> Executable:
        return Executable(self.path / "pulumi", f"print({version!r})")

    def has_set_up(self, folder: str, version: str) -> Executable:
        return Executable(self.set_up / folder / "bin" / "pulumi", f"print({version!r})")


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(tmp_path, monkeypatch)


class TestOnlyASuitableCliIsUsed:
    @pytest.mark.parametrize(
        ("printed", "version"),
        [
            ("v3.259.0\n", (3, 259, 0)),
            ("3.300.1", (3, 300, 1)),
            ("v3.260.0-alpha.1+dirty", (3, 260, 0)),
            ("pulumi: command not found", None),
            ("", None),
        ],
    )
    def test_the_version_is_read_from_what_a_cli_prints(
        self, printed: str, version: tuple[int, int, int] | None
    ) -> None:
        assert pulumi_cli.parse_version(printed) == version

    @pytest.mark.parametrize(
        ("version", "suitable"),
        [
            ((3, 218, 9), False),
            ((3, 219, 0), True),
            ((3, 1000, 0), True),
            ((2, 999, 0), False),
            ((4, 0, 0), False),
            (None, False),
        ],
    )
    def test_it_is_neither_older_than_error_hooks_nor_of_another_major_version(
        self, version: tuple[int, int, int] | None, suitable: bool
    ) -> None:
        assert pulumi_cli.is_suitable(version) is suitable

    def test_the_one_on_path_is_used_first(self, machine: Machine) -> None:
        on_path = machine.has_pulumi("v3.219.0")
        machine.has_set_up(f"v{pulumi_cli.module_version()}", "v3.259.0")
        assert pulumi_cli.find() == on_path.path

    @pytest.mark.parametrize("version", ["v3.218.0", "v4.0.0", "unknown"])
    def test_one_on_path_that_does_not_suit_is_passed_over(
        self, machine: Machine, version: str
    ) -> None:
        machine.has_pulumi(version)
        assert pulumi_cli.find() is None
        set_up = machine.has_set_up(f"v{pulumi_cli.module_version()}", "v3.259.0")
        assert pulumi_cli.find() == set_up.path

    def test_one_that_does_not_run_is_passed_over(self, machine: Machine) -> None:
        Executable(machine.path / "pulumi", "print('v3.259.0'); sys.exit(1)")
        assert pulumi_cli.find() is None

    def test_the_official_one_is_preferred_to_the_one_that_was_built(
        self, machine: Machine
    ) -> None:
        machine.has_set_up(f"v{pulumi_cli.module_version()}", "v3.259.0")
        official = machine.has_set_up(f"v{pulumi_cli.sdk_version()}", "v3.272.0")
        assert pulumi_cli.find() == official.path

    def test_without_any_there_is_none(self, machine: Machine) -> None:
        assert pulumi_cli.find() is None


class TestACliIsStartedOnlyToLearnItsVersion:
    def test_the_second_time_it_is_not_started(self, machine: Machine) -> None:
        on_path = machine.has_pulumi("v3.259.0")
        assert pulumi_cli.find_or_install() == pulumi_cli.find_or_install() == on_path.path
        assert on_path.calls() == ["version"]

    def test_one_that_is_too_old_is_not_started_again_either(self, machine: Machine) -> None:
        on_path = machine.has_pulumi("v3.100.0")
        assert pulumi_cli.find() is pulumi_cli.find() is None
        assert on_path.calls() == ["version"]

    @pytest.mark.parametrize(
        "kept", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"KEY": null}', b'{"KEY": 3}']
    )
    def test_what_was_kept_and_cannot_be_read_is_asked_for_again(
        self, machine: Machine, kept: bytes
    ) -> None:
        on_path = machine.has_pulumi("v3.259.0")
        assert pulumi_cli.find() == on_path.path
        versions = machine.set_up / "versions.json"
        (key,) = json.loads(versions.read_text("utf-8"))
        versions.write_bytes(kept.replace(b"KEY", key.encode()))

        assert pulumi_cli.find() == on_path.path

        assert on_path.calls() == ["version", "version"]
        assert json.loads(versions.read_text("utf-8")) == {key: "v3.259.0"}

    def test_another_file_in_its_place_is_started(self, machine: Machine) -> None:
        machine.has_pulumi("v3.100.0")
        assert pulumi_cli.find() is None
        updated = machine.has_pulumi("v3.1000.0")
        assert pulumi_cli.find() == updated.path


class TestAMissingCliIsSetUpOnce:
    def test_the_official_one_is_downloaded_where_there_is_internet(self, machine: Machine) -> None:
        machine.has_internet()
        go = machine.has_go()
        found = pulumi_cli.find_or_install()
        assert found == machine.set_up / f"v{pulumi_cli.sdk_version()}" / "bin" / "pulumi"
        assert pulumi_cli.find_or_install() == found
        assert len(machine.python.calls()) == 1
        assert go.calls() == []

    def test_it_is_built_where_there_is_go(self, machine: Machine) -> None:
        go = machine.has_go()
        found = pulumi_cli.find_or_install()
        version = pulumi_cli.module_version()
        assert found == machine.set_up / f"v{version}" / "bin" / "pulumi"
        assert pulumi_cli.find_or_install() == found
        (call,) = go.calls()
        assert call.startswith("build ")
        assert "-trimpath" in call
        assert "-gcflags=all=-dwarf=false" in call
        # Of flags for packages the last that fits holds.
        assert call.index("-gcflags=all=-dwarf=false") < call.index(
            "-gcflags=github.com/aws/...=-l -dwarf=false"
        )
        assert f"version.Version=v{version} github.com/pulumi/pulumi/pkg/v3/cmd/pulumi" in call

    def test_an_older_one_in_its_place_is_replaced(self, machine: Machine) -> None:
        machine.has_go()
        version = pulumi_cli.module_version()
        machine.has_set_up(f"v{version}", "v3.100.0")
        assert pulumi_cli.version_of(pulumi_cli.find_or_install()) == (3, 259, 0)

    def test_nothing_half_done_is_left_behind(self, machine: Machine) -> None:
        machine.has_go(f"{BUILD}\nsys.exit(1)")
        with pytest.raises(ToolError):
            pulumi_cli.find_or_install()
        assert list(machine.set_up.iterdir()) == []


class TestWhereNoneCanBeHadThePersonIsToldWhatToDo:
    def test_without_internet_and_go(self, machine: Machine) -> None:
        with pytest.raises(ToolError) as failed:
            pulumi_cli.find_or_install()
        message = str(failed.value)
        assert "Download: URLError: unreachable" in message
        assert "Build with Go: there is no go on PATH" in message
        assert "install Pulumi 3.219.0 or newer" in message
        assert "install Go" in message

    def test_with_a_go_that_fails(self, machine: Machine) -> None:
        machine.has_go("print('go: go.mod requires go >= 1.25.11'); sys.exit(1)")
        with pytest.raises(ToolError, match=re.escape("go.mod requires go >= 1.25.11")):
            pulumi_cli.find_or_install()

    def test_with_one_that_was_set_up_and_does_not_run(self, machine: Machine) -> None:
        machine.has_go(BUILD.replace("echo v3.259.0", "exit 1"))
        with pytest.raises(ToolError, match="does not run, or is too old"):
            pulumi_cli.find_or_install()


class TestVersionsArePinnedOnce:
    def test_the_module_that_is_built_is_suitable(self) -> None:
        assert pulumi_cli.is_suitable(pulumi_cli.parse_version(pulumi_cli.module_version()))

    def test_the_sdk_is_the_pinned_one(self) -> None:
        assert pulumi_cli.is_suitable(pulumi_cli.parse_version(pulumi_cli.sdk_version()))

    def test_a_file_that_pins_none_is_named(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        (tmp_path / "requirements.txt").write_text("pulumi-command==1.2.1\n")
        monkeypatch.setattr(pulumi_cli, "ROOT", tmp_path)
        with pytest.raises(ToolError, match=r"requirements\.txt pins no version of Pulumi"):
            pulumi_cli.sdk_version()


class TestABuildTellsHowFarItIs:
    def test_modules_are_counted_and_then_packages(self) -> None:
        build = pulumi_cli.GoBuild()
        assert build.describe("go: downloading a.example/b v1.0.0") == "1 modules fetched"
        assert build.describe("go: downloading a.example/c v1.0.0") == "2 modules fetched"
        assert build.describe("internal/abi") == "1 of up to 1,700 packages compiled"
        assert build.describe("internal/cpu") == "2 of up to 1,700 packages compiled"
