"""What ``operations.recover`` says where it cannot even begin: one line, and an exit code."""

import json
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from pulumi import automation

from operations import recover as command
from operations.cloud_look_up import Found, Kind
from operations.recover import Remedy, _Creation, _taken_up, _with, main
from tests.tools.executables import Executable

Pulumi = Callable[..., None]


@pytest.fixture
def pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pulumi:
    """Puts a ``pulumi`` on PATH that writes a text for each of its commands."""

    def writes(texts: Mapping[str, str], error: str = "") -> None:
        known = {"version": "v3.259.0", "config": "{}", "stack export": "{}", **texts}
        source = (
            f"command = ' '.join(a for a in sys.argv[1:] if a != '--non-interactive')\n"
            f"for name, text in {known!r}.items():\n"
            f"    if command.startswith(name): sys.stdout.write(text)\n"
            f"if command.startswith('stack select') and {error!r}: sys.exit({error!r})"
        )
        Executable(tmp_path / "bin" / "pulumi", source)
        monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")

    return writes


def configured(cloud: Any) -> str:
    return json.dumps({"scoped-mail-sender:cloud": {"value": cloud, "secret": False}})


@pytest.mark.parametrize(
    ("texts", "error", "said"),
    [
        ({}, "error: no stack named 'test' found", "there is no stack test where pulumi is signed"),
        ({}, "error: get credentials: not logged in", "get credentials: not logged in"),
        ({"config": "v3.259.0"}, "", "does not write JSON where it is asked for JSON, but 'v3.259"),
        ({"config": configured("moon")}, "", "scoped-mail-sender:cloud is 'moon'"),
        ({"stack export": "<html>"}, "", "does not write JSON where it is asked for JSON, but '<h"),
        ({"stack export": "{}"}, "", "pulumi stack export of test writes no state, but '{}'"),
        ({"stack export": "[]"}, "", "pulumi stack export of test writes no state, but '[]'"),
    ],
)
def test_what_it_cannot_begin_with_is_one_line(
    pulumi: Pulumi,
    capsys: pytest.CaptureFixture[str],
    texts: dict[str, str],
    error: str,
    said: str,
):
    pulumi(texts, error)

    assert main(["--stack", "test", "--yes"]) == 1

    shown = capsys.readouterr().err
    assert shown.startswith("recover: ")
    assert said in shown
    assert shown.count("\n") == 1


def test_it_takes_over_only_where_it_is_told_to(monkeypatch: pytest.MonkeyPatch):
    class Stack:
        def get_all_config(self) -> dict[str, object]:
            return {}

    given: list[bool] = []
    monkeypatch.setattr(automation, "select_stack", lambda *_, **__: Stack())
    monkeypatch.setattr(shutil, "which", lambda _: "pulumi")
    monkeypatch.setattr(command, "Recovery", lambda *_, **options: given.append(options["adopt"]))
    monkeypatch.setattr(command, "recover", lambda *_, **__: 0)

    for adopting in ([], ["--adopt"]):
        assert main(["--stack", "test", "--yes", *adopting]) == 0

    assert given == [False, True]


def test_a_lost_stack_is_to_be_made_anew(pulumi: Pulumi, capsys: pytest.CaptureFixture[str]):
    pulumi({}, "error: no stack named 'test' found")
    main(["--stack", "test", "--yes"])
    assert "make the stack anew by pulumi stack init test" in capsys.readouterr().err


STACK = "urn:pulumi:test::project::"
PROVIDER = f"{STACK}pulumi:providers:azure-native::default"
OWNER = f"{STACK}logic-apps:index:LogicApp::n-workflow"
URNS = {kind: f"{STACK}{kind}::{kind.name}" for kind in Kind}


def resource(kind: Kind) -> dict[str, Any]:
    return {"urn": URNS[kind], "custom": True, "type": str(kind), "id": kind.name}


class TestWhatIsImported:
    def test_is_deleted_before_what_it_needs(self):
        kinds = [Kind.IDENTITY, Kind.WORKFLOW, Kind.GRANT]

        imported = _with([], {URNS[kind]: resource(kind) for kind in kinds})

        assert [r["dependencies"] for r in imported] == [
            [],
            [URNS[Kind.IDENTITY]],
            [URNS[Kind.IDENTITY], URNS[Kind.WORKFLOW]],
        ]

    def test_is_not_deleted_before_a_grant_that_the_state_holds(self):
        """Entra would not delete the grant of an identity that is gone."""
        held = [resource(Kind.RESOURCE_GROUP), resource(Kind.GRANT)]

        *_, workflow = _with(held, {URNS[Kind.WORKFLOW]: resource(Kind.WORKFLOW)})

        assert workflow["dependencies"] == [URNS[Kind.RESOURCE_GROUP]]

    def test_brings_along_what_it_belongs_to(self):
        creation = _Creation(URNS[Kind.WORKFLOW], {"a": 1}, OWNER, f"{PROVIDER}::unknown")
        planned = {
            STACK: {"urn": STACK},
            OWNER: {"urn": OWNER, "parent": STACK},
            PROVIDER: {"urn": PROVIDER, "id": "p"},
        }

        finding = _taken_up(creation, Found("w"), {STACK: {}}, planned)

        assert finding.remedy is Remedy.IMPORT
        assert [owner["urn"] for owner in finding.owners] == [OWNER, PROVIDER]
        assert finding.resource["provider"] == f"{PROVIDER}::p"

    @pytest.mark.parametrize("known", [OWNER, PROVIDER])
    def test_is_left_alone_where_nobody_knows_what_it_belongs_to(self, known: str):
        creation = _Creation(URNS[Kind.WORKFLOW], {}, OWNER, f"{PROVIDER}::unknown")
        finding = _taken_up(creation, Found("w"), {known: {}}, {})
        assert finding.remedy is Remedy.LEAVE
        assert "give back the configuration that made it" in finding.found
