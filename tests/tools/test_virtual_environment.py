import os
import sys
from pathlib import Path

import pytest

from tests.tools.executables import Executable
from tools.progress import ToolError
from tools.virtual_environment import describe_pip, prepare, python

scripts_start_like_programs = pytest.mark.skipif(
    os.name == "nt", reason="Windows starts no script in place of python.exe"
)


STAMP = Path(".venv") / "requirements-dev.sha256"
WITHOUT_PIP = "without-pip"
"""A file that makes the creation of an environment fail after its Python is there."""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "requirements-dev.txt").write_text("pulumi==3.272.0\n")
    return tmp_path


@pytest.fixture
def environment(root: Path) -> Executable:
    """The Python of an environment that is there, and into which nothing was installed."""
    environment = Executable(python(root), "")
    (root / STAMP).touch()
    return environment


@pytest.fixture
def base(root: Path, monkeypatch: pytest.MonkeyPatch) -> Executable:
    """The Python that environments are made with."""
    base = Executable(
        root / "base",
        f"import os, shutil; os.makedirs({str(python(root).parent)!r}, exist_ok=True); "
        f"shutil.copy({str(root / 'base')!r}, {str(python(root))!r}); "
        f"sys.exit(os.path.exists({str(root / WITHOUT_PIP)!r}))",
    )
    monkeypatch.setattr(sys, "executable", str(base.path))
    return base


@scripts_start_like_programs
class TestDependenciesAreInstalledOnce:
    def test_only_what_the_file_pins_with_a_hash(self, root: Path, environment: Executable) -> None:
        prepare(root)
        (call,) = environment.calls()
        assert call.startswith("-m pip install")
        assert call.endswith(f"--require-hashes --requirement {root / 'requirements-dev.txt'}")

    def test_the_second_time_nothing_is_started(self, root: Path, environment: Executable) -> None:
        prepare(root)
        prepare(root)
        assert len(environment.calls()) == 1

    def test_again_when_the_file_has_changed(self, root: Path, environment: Executable) -> None:
        prepare(root)
        (root / "requirements-dev.txt").write_text("pulumi==3.273.0\n")
        prepare(root)
        assert len(environment.calls()) == 2

    def test_again_after_a_failure(self, root: Path, environment: Executable) -> None:
        Executable(python(root), "print('no such version'); sys.exit(1)")
        with pytest.raises(ToolError) as failed:
            prepare(root)
        assert "no such version" in str(failed.value)
        assert "delete the folder .venv and try again" in str(failed.value)
        mended = Executable(python(root), "")
        prepare(root)
        assert len(mended.calls()) == 2

    def test_again_where_the_file_is_put_back_after_a_failure(
        self, root: Path, environment: Executable
    ) -> None:
        prepare(root)
        (root / "requirements-dev.txt").write_text("pulumi==3.273.0\n")
        Executable(python(root), "sys.exit(1)")
        with pytest.raises(ToolError):
            prepare(root)
        (root / "requirements-dev.txt").write_text("pulumi==3.272.0\n")
        mended = Executable(python(root), "")
        prepare(root)
        assert len(mended.calls()) == 3

    def test_again_where_a_crash_has_spoiled_the_stamp(
        self, root: Path, environment: Executable
    ) -> None:
        prepare(root)
        (root / STAMP).write_bytes(b"\xff" * 64)
        prepare(root)
        assert len(environment.calls()) == 2


@scripts_start_like_programs
class TestAnEnvironmentIsCreated:
    def assert_created(self, root: Path, base: Executable) -> None:
        created, installed = base.calls()
        assert created == f"-m venv --clear {root / '.venv'}"
        assert installed.startswith("-m pip install")

    def test_where_there_is_none(self, root: Path, base: Executable) -> None:
        prepare(root)
        self.assert_created(root, base)

    def test_where_its_python_is_gone(
        self, root: Path, environment: Executable, base: Executable
    ) -> None:
        environment.path.unlink()
        prepare(root)
        self.assert_created(root, base)

    def test_anew_where_its_creation_was_cut_off(self, root: Path, base: Executable) -> None:
        cut_off = Executable(python(root), "print('No module named pip'); sys.exit(1)")
        prepare(root)
        assert cut_off.calls() == []
        self.assert_created(root, base)

    def test_anew_where_it_failed(self, root: Path, base: Executable) -> None:
        (root / WITHOUT_PIP).touch()
        with pytest.raises(ToolError):
            prepare(root)
        (failed,) = base.calls()
        (root / WITHOUT_PIP).unlink()
        prepare(root)
        assert base.calls()[1] == failed


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
