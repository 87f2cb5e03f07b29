"""Local commands behave as those of pulumi-command."""

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from simulator.providers.command import Command
from simulator.providers.properties import UNKNOWN, Change
from simulator.providers.server import RefusalError, Resource
from simulator.tenant import Tenant

PYTHON = [sys.executable, "-c"]
INTERPRETER = {"interpreter": PYTHON}


@pytest.fixture
def lines() -> list[str]:
    return []


@pytest.fixture
def resource(lines: list[str]) -> Resource:
    return Resource(
        urn="urn:pulumi:local::p::command:local:Command::mailbox",
        type="command:local:Command",
        name="mailbox",
        report=lines.append,
        warn=lambda _: None,
    )


@pytest.fixture
def command(tmp_path: Path) -> Command:
    return Command(tmp_path, {**os.environ, "SIMULATED": "yes"})


def script(text: str, **inputs: Any) -> dict[str, Any]:
    return {"create": text, "interpreter": PYTHON, **inputs}


class TestCreate:
    def test_outputs_are_the_inputs_and_both_streams(self, command: Command, resource: Resource):
        inputs = script("import sys; print('out'); print('err', file=sys.stderr)")

        identifier, outputs = command.create(resource, inputs)

        assert identifier.startswith("mailbox")
        assert outputs == inputs | {"stdout": "out", "stderr": "err"}

    def test_only_one_newline_is_taken_off(self, command: Command, resource: Resource):
        _, outputs = command.create(resource, script("print('a\\n')"))

        assert outputs["stdout"] == "a\n"

    def test_nothing_runs_without_a_command(self, command: Command, resource: Resource):
        _, outputs = command.create(resource, {"delete": "exit 1"})

        assert (outputs["stdout"], outputs["stderr"]) == ("", "")

    def test_stdin_arrives(self, command: Command, resource: Resource):
        text = '{"address": "finance@contoso.com"}'

        _, outputs = command.create(
            resource, script("import sys; print(sys.stdin.read())", stdin=text)
        )

        assert outputs["stdout"] == text

    def test_stdin_is_empty_where_none_is_given(self, command: Command, resource: Resource):
        _, outputs = command.create(resource, script("import sys; print(repr(sys.stdin.read()))"))

        assert outputs["stdout"] == "''"

    def test_a_command_that_reads_no_stdin_succeeds(self, command: Command, resource: Resource):
        _, outputs = command.create(resource, script("pass", stdin="x" * 1_000_000))

        assert outputs["stdout"] == ""

    def test_it_runs_in_the_root_of_the_project(
        self, command: Command, resource: Resource, tmp_path: Path
    ):
        _, outputs = command.create(resource, script("import os; print(os.getcwd())"))

        assert Path(outputs["stdout"]) == tmp_path.resolve()

    def test_a_directory_is_relative_to_the_root(
        self, command: Command, resource: Resource, tmp_path: Path
    ):
        (tmp_path / "scripts").mkdir()

        _, outputs = command.create(
            resource, script("import os; print(os.getcwd())", dir="scripts")
        )

        assert Path(outputs["stdout"]) == (tmp_path / "scripts").resolve()

    def test_the_environment_is_the_providers_and_the_inputs(
        self, command: Command, resource: Resource
    ):
        code = "import os; print(os.environ['SIMULATED'], os.environ['OWN'])"

        _, outputs = command.create(resource, script(code, environment={"OWN": "too"}))

        assert outputs["stdout"] == "yes too"

    def test_characters_outside_of_ascii_survive(self, command: Command, resource: Resource):
        code = "import sys; sys.stdout.buffer.write('Grüße'.encode())"

        _, outputs = command.create(resource, script(code))

        assert outputs["stdout"] == "Grüße"


class TestAFailure:
    def test_has_exit_status_command_and_both_streams(self, command: Command, resource: Resource):
        code = "import sys; print('no such mailbox', file=sys.stderr); sys.exit(3)"

        with pytest.raises(RefusalError) as raised:
            command.create(resource, script(code))

        assert str(raised.value).startswith('exit status 3: running "import sys; print(')
        assert str(raised.value).endswith("no such mailbox\n")

    def test_a_missing_program(self, command: Command, resource: Resource):
        with pytest.raises(
            RefusalError, match='exec: "pwhs": executable file not found in \\$PATH'
        ):
            command.create(resource, {"create": "x.ps1", "interpreter": ["pwhs", "-File"]})

    def test_a_missing_directory(self, command: Command, resource: Resource):
        with pytest.raises(RefusalError, match="chdir nowhere: no such file or directory"):
            command.create(resource, script("pass", dir="nowhere"))


INVALID = "import sys; open('made', 'w'); sys.{}.buffer.write(b'Gr\\xfc\\xdfe\\n')"
MARSHALING = "grpc: error while marshaling: string field contains invalid UTF-8"


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
class TestBytesThatAreNoUtf8:
    def test_fail_what_has_run(
        self, command: Command, resource: Resource, tmp_path: Path, stream: str
    ):
        code = script(INVALID.format(stream))
        for run in (
            lambda: command.create(resource, code),
            lambda: command.update(resource, "id", {}, code),
            lambda: command.invoke(
                "command:local:run", {"command": code["create"], "logging": "none"} | INTERPRETER
            ),
        ):
            with pytest.raises(RefusalError) as raised:
                run()

            assert str(raised.value) == MARSHALING
            (tmp_path / "made").unlink()

    def test_fail_no_deletion_whose_output_nobody_gets(
        self, command: Command, resource: Resource, tmp_path: Path, stream: str
    ):
        command.delete(resource, "id", script("pass", delete=INVALID.format(stream)))

        assert (tmp_path / "made").exists()

    def test_are_replaced_in_the_text_of_a_failure(
        self, command: Command, resource: Resource, stream: str
    ):
        with pytest.raises(RefusalError, match=r"exit status 3: running .*\n.*Gr��e"):
            command.create(resource, script(INVALID.format(stream) + "; sys.exit(3)"))


class TestALineThatIsShown:
    # With its newline, the longest that fits the buffer of the real provider.
    LONGEST = 64 * 1024 - 1

    def test_may_fill_the_buffer(self, command: Command, resource: Resource, lines: list[str]):
        command.create(resource, script(f"print('x' * {self.LONGEST})"))

        assert [len(line) for line in lines] == [self.LONGEST]

    @pytest.mark.parametrize("stream", ["stdout", "stderr"])
    def test_and_not_more_since_the_real_provider_would_hang(
        self, command: Command, resource: Resource, stream: str
    ):
        code = (
            f"import sys, time; print('x' * {self.LONGEST + 1}, file=sys.{stream}, flush=True); "
            "time.sleep(600)"
        )

        with pytest.raises(RefusalError, match=f"more than 64 KiB on {stream}.* waits for ever"):
            command.create(resource, script(code, logging=stream))

    def test_unless_it_is_not_shown(self, command: Command, resource: Resource):
        _, outputs = command.create(
            resource, script(f"print('x' * {2 * self.LONGEST})", logging="stderr")
        )

        assert len(outputs["stdout"]) == 2 * self.LONGEST


class TestTheInterpreter:
    @pytest.mark.skipif(os.name == "nt", reason="a file is a program by its mode")
    def test_is_found_on_the_path_of_the_provider_and_not_of_the_command(
        self, tmp_path: Path, resource: Resource
    ):
        for folder in ("ours", "theirs"):
            (tmp_path / folder).mkdir()
            program = tmp_path / folder / "interpreter"
            program.write_text(f"#!/bin/sh\necho {folder}\n")
            program.chmod(0o755)
        command = Command(tmp_path, os.environ | {"PATH": str(tmp_path / "ours")})

        _, outputs = command.create(
            resource,
            {
                "create": "x",
                "interpreter": ["interpreter"],
                "environment": {"PATH": str(tmp_path / "theirs")},
            },
        )

        assert outputs["stdout"] == "ours"


class TestUpdate:
    def test_runs_the_update_command(self, command: Command, resource: Resource):
        outputs = command.update(resource, "id", {}, script("print(1)", update="print(2)"))

        assert outputs["stdout"] == "2"

    def test_runs_the_create_command_where_there_is_no_other(
        self, command: Command, resource: Resource
    ):
        outputs = command.update(resource, "id", {}, script("print(1)"))

        assert outputs["stdout"] == "1"

    def test_keeps_the_former_streams_where_nothing_runs(
        self, command: Command, resource: Resource
    ):
        outputs = command.update(resource, "id", {"stdout": "a", "stderr": "b"}, {"delete": "x"})

        assert (outputs["stdout"], outputs["stderr"]) == ("a", "b")

    CODE = "import os; print(os.environ.get('PULUMI_COMMAND_STDOUT'))"

    def test_the_former_output_is_in_the_environment(self, command: Command, resource: Resource):
        outputs = command.update(resource, "id", {"stdout": "before"}, script(self.CODE))

        assert outputs["stdout"] == "before"

    def test_but_not_where_it_is_switched_off(self, command: Command, resource: Resource):
        outputs = command.update(
            resource,
            "id",
            {"stdout": "before"},
            script(self.CODE, addPreviousOutputInEnv=False),
        )

        assert outputs["stdout"] == "None"


class TestDelete:
    def test_runs_the_delete_command_of_the_state(
        self, command: Command, resource: Resource, tmp_path: Path
    ):
        state = script("pass", delete="import sys; open('gone', 'w').write(sys.stdin.read())")

        command.delete(resource, "id", state | {"stdin": "desired", "stdout": "", "stderr": ""})

        assert (tmp_path / "gone").read_text() == "desired"

    def test_has_the_former_output_in_the_environment(
        self, command: Command, resource: Resource, tmp_path: Path
    ):
        code = "import os; open('gone', 'w').write(os.environ['PULUMI_COMMAND_STDOUT'])"

        command.delete(resource, "id", script("pass", delete=code) | {"stdout": "before"})

        assert (tmp_path / "gone").read_text() == "before"

    def test_does_nothing_without_one(self, command: Command, resource: Resource, tmp_path: Path):
        command.delete(resource, "id", script("open('made', 'w')"))

        assert list(tmp_path.iterdir()) == []


class TestProgress:
    CODE = "import sys; print('out'); print('err', file=sys.stderr)"

    @pytest.mark.parametrize(
        ("logging", "shown"),
        [("none", set()), ("stdout", {"out"}), ("stderr", {"err"}), (None, {"out", "err"})],
    )
    def test_shows_the_chosen_streams(
        self,
        command: Command,
        resource: Resource,
        lines: list[str],
        logging: str | None,
        shown: set[str],
    ):
        chosen = {} if logging is None else {"logging": logging}

        command.create(resource, script(self.CODE, **chosen))

        assert set(lines) == shown


class TestPreviews:
    def test_before_creation_both_streams_are_unknown(self, command: Command, resource: Resource):
        inputs = script("print(1)")

        assert command.preview_create(resource, inputs) == inputs | {
            "stdout": UNKNOWN,
            "stderr": UNKNOWN,
        }

    def test_before_an_update_too(self, command: Command, resource: Resource):
        before = {"stdout": "1", "stderr": ""}

        outputs = command.preview_update(resource, before, script("print(2)"))

        assert (outputs["stdout"], outputs["stderr"]) == (UNKNOWN, UNKNOWN)

    def test_nothing_runs(self, command: Command, resource: Resource, tmp_path: Path):
        command.preview_create(resource, script("open('made', 'w')"))
        command.preview_update(resource, {}, script("open('made', 'w')"))

        assert list(tmp_path.iterdir()) == []


class TestComparison:
    def test_a_changed_input_is_an_update(self, command: Command, resource: Resource):
        difference = command.compare(resource, {"stdin": "a"}, {"stdin": "b"})

        assert difference.changes == {"stdin": Change.UPDATE}
        assert difference.replacing == frozenset()

    @pytest.mark.parametrize("new", [{"triggers": [2]}, {}], ids=["changed", "removed"])
    def test_a_changed_trigger_is_a_replacement(
        self, command: Command, resource: Resource, new: dict[str, Any]
    ):
        difference = command.compare(resource, {"triggers": [1]}, new)

        assert difference.replacing == set(difference.changes) != set()
        assert not difference.delete_before_replace


class TestChecks:
    def test_what_is_not_simulated_is_refused(self, command: Command, resource: Resource):
        _, failures = command.check(resource, {}, {"create": "x", "assetPaths": ["*.txt"]})

        assert [failure.reason for failure in failures] == [
            "'assetPaths' is not simulated: install the plugin of pulumi-command"
        ]


class TestRun:
    """The function ``command:local:run``, which a program calls whenever it runs."""

    def run(self, command: Command, text: str, **arguments: Any) -> dict[str, Any]:
        outputs, failures = command.invoke(
            "command:local:run",
            {"command": text, "interpreter": PYTHON, "logging": "none", **arguments},
        )
        assert failures == []
        return outputs

    def test_results_are_the_arguments_and_both_streams(self, command: Command):
        text = "import sys; print(sys.stdin.read()); print('err', file=sys.stderr)"

        outputs = self.run(command, text, stdin="in", environment={"A": "b"})

        assert outputs == {
            "command": text,
            "interpreter": PYTHON,
            "logging": "none",
            "stdin": "in",
            "environment": {"A": "b"},
            "stdout": "in",
            "stderr": "err",
        }

    def test_it_gets_our_environment_and_its_own(self, command: Command):
        text = "import os; print(os.environ['SIMULATED'], os.environ['A'])"

        assert self.run(command, text, environment={"A": "b"})["stdout"] == "yes b"

    def test_a_failure_is_that_of_a_command(self, command: Command):
        with pytest.raises(RefusalError, match=r"exit status 3: running .*\n.*why"):
            self.run(command, "import sys; print('why', file=sys.stderr); sys.exit(3)")

    @pytest.mark.parametrize(
        ("arguments", "name"),
        [
            ({"logging": "none"}, "command"),
            ({"command": "pass", "logging": "none", "create": "pass"}, "create"),
            ({"command": "pass", "logging": "none", "cwd": "/"}, "cwd"),
            ({"command": "pass", "logging": "none", "assetPaths": ["*"]}, "assetPaths"),
            ({"command": "pass"}, "logging"),
        ],
    )
    def test_wrong_arguments_are_named(self, command: Command, arguments, name: str):
        outputs, failures = command.invoke("command:local:run", arguments)

        assert outputs == {}
        assert [failure.property for failure in failures] == [name]

    def test_another_function_is_refused(self, command: Command):
        with pytest.raises(RefusalError, match="no function command:remote:run"):
            command.invoke("command:remote:run", {})


class TestCancel:
    def test_ends_the_running_process(self, command: Command, resource: Resource):
        resource = Resource(
            urn=resource.urn,
            type=resource.type,
            name=resource.name,
            report=lambda _: command.cancel(),
            warn=resource.warn,
        )
        code = "import time; print('started', flush=True); time.sleep(600)"

        with pytest.raises(RefusalError):
            command.create(resource, script(code))


class TestInATenant:
    def test_a_process_works_from_when_it_is_asked_for_until_its_end(
        self, tmp_path: Path, resource: Resource
    ):
        tenant = Tenant(tmp_path / "tenant.sqlite")
        command = Command(tmp_path, os.environ, tenant.clock)
        look = (
            "import os, sqlite3\n"
            "works = sqlite3.connect('tenant.sqlite').execute('SELECT number FROM work')\n"
            "print((int(os.environ['SIMULATED_WORK']),) in works.fetchall())"
        )

        _, outputs = command.create(resource, script(look))

        assert outputs["stdout"] == "True"
        assert tenant._store.works() == []
