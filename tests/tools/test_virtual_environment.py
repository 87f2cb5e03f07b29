import os
import re
import sys
from pathlib import Path

import pytest

from tests.tools.executables import Executable
from tools.progress import ToolError
from tools.virtual_environment import ROOT, describe_pip, prepare, python

scripts_start_like_programs = pytest.mark.skipif(
    os.name == "nt", reason="Windows starts no script in place of python.exe"
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "requirements-dev.txt").write_text("pulumi==3.272.0\n")
    return tmp_path


@scripts_start_like_programs
class TestDependenciesAreInstalledOnce:
    def test_only_what_the_file_pins_with_a_hash(self, root: Path) -> None:
        environment = Executable(python(root), "")
        prepare(root)
        (call,) = environment.calls()
        assert call.startswith("-m pip install")
        assert call.endswith(f"--require-hashes --requirement {root / 'requirements-dev.txt'}")

    def test_the_second_time_nothing_is_started(self, root: Path) -> None:
        environment = Executable(python(root), "")
        prepare(root)
        prepare(root)
        assert len(environment.calls()) == 1

    def test_again_when_the_file_has_changed(self, root: Path) -> None:
        environment = Executable(python(root), "")
        prepare(root)
        (root / "requirements-dev.txt").write_text("pulumi==3.273.0\n")
        prepare(root)
        assert len(environment.calls()) == 2

    def test_again_after_a_failure(self, root: Path) -> None:
        Executable(python(root), "print('no such version'); sys.exit(1)")
        with pytest.raises(ToolError) as failed:
            prepare(root)
        assert "no such version" in str(failed.value)
        assert "delete the folder .venv and try again" in str(failed.value)
        environment = Executable(python(root), "")
        prepare(root)
        assert len(environment.calls()) == 2

    def test_an_environment_without_a_python_is_created(
        self, root: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        gone = Executable(python(root), "")
        prepare(root)
        gone.path.unlink()
        base = Executable(
            root / "base",
            f"import os, shutil; os.makedirs({str(python(root).parent)!r}, exist_ok=True); "
            f"shutil.copy({str(root / 'base')!r}, {str(python(root))!r})",
        )
        monkeypatch.setattr(sys, "executable", str(base.path))
        prepare(root)
        created, installed = base.calls()
        assert created == f"-m venv --clear {root / '.venv'}"
        assert installed.startswith("-m pip install")


@pytest.mark.parametrize(
    ("line", "state"),
    [
        ("Collecting pulumi==3.272.0 (from -r file (line 1))", "collecting pulumi==3.272.0"),
        ("  Downloading pulumi-3.272.0-py3-none-any.whl (1 kB)", "downloading pulumi-3.272.0-py3"),
        ("Installing collected packages: pulumi", "installing"),
        ("", "working"),
    ],
)
def test_the_progress_names_the_package(line: str, state: str) -> None:
    assert describe_pip(line).startswith(state)


def pins(file: str) -> dict[str, str]:
    lines = (ROOT / file).read_text("utf-8").splitlines()
    found = [re.match(r"([a-z0-9_.-]+)==([^ ;\\]+)", line) for line in lines]
    return {match[1]: match[2] for match in found if match}


class TestWhatIsInstalledIsPinned:
    @pytest.mark.parametrize("file", ["requirements.txt", "requirements-dev.txt"])
    def test_each_package_by_version_and_hash_and_without_an_index(self, file: str) -> None:
        text = (ROOT / file).read_text("utf-8")
        packages = re.findall(r"^[a-z].*(?:\n +--hash=sha256:[0-9a-f]{64}.*)*", text, re.MULTILINE)
        assert len(packages) == len(pins(file)) > 20
        assert all("--hash=" in package for package in packages)
        assert "://" not in text
        assert "--index" not in text

    def test_development_has_the_versions_that_the_program_has(self) -> None:
        assert pins("requirements.txt").items() <= pins("requirements-dev.txt").items()

    @pytest.mark.parametrize("name", ["requirements", "requirements-dev"])
    def test_what_is_asked_for_is_what_is_pinned(self, name: str) -> None:
        assert pins(f"{name}.in").items() <= pins(f"{name}.txt").items()
