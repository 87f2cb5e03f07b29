"""What ``.ci/run`` starts, in which PowerShell."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.tools.executables import shell_program
from tools.virtual_environment import ROOT

pytestmark = pytest.mark.skipif(os.name == "nt", reason="it is a script for bash")

IN_THE_RUNNER = ["runner lint", "runner test", "runner test-all", "runner local"]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with the script, on a machine whose make only notes how it was called."""
    folder = tmp_path / "a project"
    (folder / ".ci").mkdir(parents=True)
    shutil.copy(ROOT / ".ci" / "run", folder / ".ci")
    shell_program(
        tmp_path / "bin" / "make",
        f'echo "$SIMULATOR_POWERSHELL $1" >>"{tmp_path}/made"; test "$1" != "$FAILING"',
    )
    shell_program(tmp_path / "bin" / "git", "")
    for name in ("bash", "dirname"):
        found = shutil.which(name)
        assert found is not None
        (tmp_path / "bin" / name).symlink_to(found)
    return folder


def run(project: Path, failing: str = "") -> tuple[int, str, list[str]]:
    """Exit code, standard output, and the calls of make with the PowerShell of each."""
    parent = project.parent
    done = subprocess.run(
        [project / ".ci" / "run"],
        env={"PATH": str(parent / "bin"), "FAILING": failing},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, (parent / "made").read_text().splitlines()


def test_the_pwsh_on_path_comes_first(project: Path) -> None:
    found = shell_program(project.parent / "bin" / "pwsh", "")
    shell_program(project.parent / "shared" / "powershell" / "pwsh", "")
    code, output, made = run(project)
    assert code == 0
    assert made == [*IN_THE_RUNNER, f"{found} powershell"]
    assert f"in {found}\n" in output


def test_then_the_one_beside_the_project(project: Path) -> None:
    shell_program(project.parent / "shared" / "powershell" / "pwsh", "")
    code, output, made = run(project)
    assert code == 0
    assert made == [*IN_THE_RUNNER, "../shared/powershell/pwsh powershell"]
    assert "in ../shared/powershell/pwsh\n" in output


def test_where_there_is_none_it_says_so(project: Path) -> None:
    code, output, made = run(project)
    assert code == 0
    assert made == IN_THE_RUNNER
    assert "There is no pwsh here" in output


@pytest.mark.parametrize("task", ["lint", "test", "test-all", "local", "powershell"])
def test_a_failure_is_a_failure(project: Path, task: str) -> None:
    shell_program(project.parent / "bin" / "pwsh", "")
    code, output, made = run(project, failing=task)
    assert code != 0
    assert made[-1].endswith(f" {task}")
    assert "nothing left behind" not in output
