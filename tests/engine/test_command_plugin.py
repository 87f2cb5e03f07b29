"""Where the real command provider is installed, the engine uses it instead of ours."""

import os
import sys
from pathlib import Path

import pulumi
import pytest
from pulumi_command import local

from simulator.engine import SimulatedStack
from simulator.environment import ROOT
from tests.engine.conftest import succeeded

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(os.name == "nt", reason="a plugin on Windows is an .exe, not a script"),
]

# Stands for the real plugin: started by the engine, it says where and serves local commands.
PLUGIN = """#!{python}
import os, sys, threading
from pathlib import Path

sys.path.insert(0, {root!r})
from simulator.providers.command import Command
from simulator.providers.server import served

Path({marker!r}).write_text(os.getcwd())
with served([Command(Path.cwd(), os.environ)]) as ports:
    print(ports["command"], flush=True)
    threading.Event().wait()
"""


def program() -> None:
    command = local.Command(
        "show",
        interpreter=[sys.executable, "-c"],
        create="import os; print(os.path.basename(os.environ['SIMULATED_TENANT']))",
    )
    pulumi.export("shown", command.stdout)


@pytest.fixture
def stack(tmp_path: Path) -> SimulatedStack:
    project = tmp_path / "project"
    project.mkdir()
    (project / "Pulumi.yaml").write_text(f"name: probe\nruntime: python\nmain: {ROOT.as_posix()}\n")
    return SimulatedStack(tmp_path / "stack", work_dir=project, program=program)


class TestTheInstalledPluginIsPreferred:
    def test_the_engine_starts_it_in_the_project_with_our_environment(
        self, stack: SimulatedStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        marker, folder = tmp_path / "started-in", tmp_path / "plugins"
        folder.mkdir()
        plugin = folder / "pulumi-resource-command"
        plugin.write_text(PLUGIN.format(python=sys.executable, root=str(ROOT), marker=str(marker)))
        plugin.chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

        succeeded(stack.up())

        assert Path(marker.read_text()) == ROOT
        assert stack.outputs() == {"shown": "tenant.sqlite"}

    def test_without_it_ours_is_attached(self, stack: SimulatedStack):
        succeeded(stack.up())

        assert stack.outputs() == {"shown": "tenant.sqlite"}
