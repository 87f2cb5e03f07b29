"""The workflows for GitHub: valid, pinned, with no more rights than they need, and runnable."""

import os
import re
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.clouds import ENDPOINTS, Cloud
from components.confined_mailbox_access import ConfinedMailboxAccess
from components.scoped_mail_sender import ScopedMailSender
from simulator.commands import _parser
from simulator.real_powershell import VARIABLE
from tests.cli import assert_pulumi_knows
from tests.schemas import schema_check
from tests.tools.executables import shell_program
from tools.__main__ import POWERSHELL, TASKS

ROOT = Path(__file__).resolve().parent.parent
GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
ACTIONS = sorted((GITHUB / "actions").glob("*/action.yml"))
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def by_name(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


each_workflow = pytest.mark.parametrize("path", WORKFLOWS, ids=by_name)
each_file = pytest.mark.parametrize("path", [*WORKFLOWS, *ACTIONS], ids=by_name)


# What a job may be given beyond reading the repository, and which ones are.
FURTHER_RIGHTS = {
    ("preview.yml", "preview"): {("id-token", "write")},
    ("preview.yml", "comment"): {("pull-requests", "write")},
    ("nightly.yml", "drift"): {("id-token", "write")},
    ("deploy.yml", "deploy"): {("id-token", "write"), ("actions", "read")},
    ("test-tenant.yml", "life"): {("id-token", "write")},
}


@cache
def parsed(path: Path) -> dict[str, Any]:
    # BaseLoader, or YAML 1.1 would read the key `on` as true.
    loaded: dict[str, Any] = yaml.load(path.read_text("utf-8"), yaml.BaseLoader)  # noqa: S506
    return loaded


def jobs(path: Path) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = parsed(path)["jobs"]
    return found


def steps(path: Path) -> list[dict[str, Any]]:
    if path in ACTIONS:
        return list(parsed(path)["runs"]["steps"])
    return [step for job in jobs(path).values() for step in job["steps"]]


def commands(program: str) -> list[tuple[str, str]]:
    """Each call of a program, with the file that it is in; lines that go on are joined."""
    return [
        (path.name, found[1].strip())
        for path in [*WORKFLOWS, *ACTIONS]
        for step in steps(path)
        for line in str(step.get("run", "")).replace("\\\n", " ").splitlines()
        if not line.lstrip().startswith("#")
        for found in re.finditer(rf"(?:^|[\s(]){program} ([^|)>]*)", line)
    ]


class TestTheyAreWhatGitHubTakes:
    def test_these_exist(self) -> None:
        assert {path.stem for path in WORKFLOWS} == {
            "deploy",
            "nightly",
            "preview",
            "pull-request",
            "test-tenant",
        }

    @pytest.mark.parametrize(
        ("schema", "paths"),
        [("vendor.github-workflows", WORKFLOWS), ("vendor.github-actions", ACTIONS)],
    )
    def test_by_its_schema(self, schema: str, paths: list[Path]) -> None:
        checked = schema_check(schema, paths)
        assert checked.returncode == 0, checked.stdout

    def test_the_schema_is_one_that_refuses(self, tmp_path: Path) -> None:
        wrong = tmp_path / "wrong.yml"
        wrong.write_text(WORKFLOWS[0].read_text("utf-8").replace("runs-on:", "run-on:"))
        assert schema_check("vendor.github-workflows", [wrong]).returncode == 1

    @each_file
    def test_each_script_is_one_for_bash(self, path: Path) -> None:
        for step in steps(path):
            if "run" in step:
                plain = re.sub(r"\$\{\{.*?\}\}", "x", step["run"])
                checked = subprocess.run(
                    ["bash", "-n", "-c", plain], capture_output=True, text=True, check=False
                )
                assert checked.returncode == 0, checked.stderr


class TestTheyRunWhatWasLookedAt:
    @each_file
    def test_each_action_is_pinned_by_its_commit_and_tells_its_version(self, path: Path) -> None:
        used = re.findall(r"uses: *(.*)", path.read_text("utf-8"))
        assert len(used) == len([step for step in steps(path) if "uses" in step])
        for action in used:
            assert (
                re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action)
                or (ROOT / action / "action.yml").exists()
            ), action

    def test_an_action_has_one_version(self) -> None:
        pins = {
            pin
            for path in [*WORKFLOWS, *ACTIONS]
            for pin in re.findall(r"uses: *([^.].*)", path.read_text("utf-8"))
        }
        assert len(pins) == len({pin.partition("@")[0] for pin in pins})

    @each_file
    def test_no_script_is_made_of_what_somebody_else_writes(self, path: Path) -> None:
        # An expression in a script is pasted into it: a branch named $(…) would be run.
        for step in steps(path):
            assert "${{" not in step.get("run", "")


class TestTheyMayNoMoreThanTheyNeed:
    @each_workflow
    def test_each_job_has_the_rights_that_are_written_here(self, path: Path) -> None:
        by_default = parsed(path)["permissions"]
        assert by_default in ({}, {"contents": "read"})
        for name, job in jobs(path).items():
            rights = set(job.get("permissions", by_default).items()) - {("contents", "read")}
            assert rights == FURTHER_RIGHTS.get((path.name, name), set())

    @each_workflow
    def test_no_secret_is_stored_for_any(self, path: Path) -> None:
        text = path.read_text("utf-8")
        assert "secrets." not in text
        assert "secrets: inherit" not in text

    @each_workflow
    def test_none_runs_a_fork_s_code_with_rights_of_the_repository(self, path: Path) -> None:
        assert set(parsed(path)["on"]) <= {"pull_request", "push", "schedule", "workflow_dispatch"}

    @each_workflow
    def test_no_checkout_leaves_its_token_behind(self, path: Path) -> None:
        for step in steps(path):
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] == "false"

    def test_a_pull_request_of_a_fork_has_no_environment(self) -> None:
        for job in jobs(GITHUB / "workflows" / "pull-request.yml").values():
            assert "environment" not in job

    def test_what_deploys_does_not_run_for_a_pull_request(self) -> None:
        for name in ("deploy.yml", "test-tenant.yml", "nightly.yml"):
            assert "pull_request" not in parsed(GITHUB / "workflows" / name)["on"]

    @pytest.mark.parametrize("name", ["preview.yml", "nightly.yml"])
    def test_what_only_looks_has_the_identity_that_reads(self, name: str) -> None:
        for job in jobs(GITHUB / "workflows" / name).values():
            if "id-token" in job["permissions"]:
                assert job["environment"] == "${{ matrix.stack }}-preview"
                assert not re.search(r"pulumi (up|destroy|import|refresh)", str(job["steps"]))

    def test_what_writes_comments_runs_nothing_of_the_pull_request(self) -> None:
        comment = jobs(GITHUB / "workflows" / "preview.yml")["comment"]
        assert not re.search(r"checkout|\./", str([s.get("uses") for s in comment["steps"]]))


class TestTheSignInKnowsTheClouds:
    SCRIPT = next(step["run"] for step in steps(ACTIONS[0]) if step.get("name") == "Sign in")

    def sign_in(self, tmp_path: Path, cloud: str) -> subprocess.CompletedProcess[str]:
        """Runs the script with programs that only say what they were asked."""
        programs = tmp_path / "programs"
        for name, text in (
            ("az", 'echo "az $*" >> "$ASKED"'),
            ("curl", 'echo \'{"value": "token"}\''),
            ("jq", "cat > /dev/null; echo token"),
            # The loop that fetches new tokens ends at once.
            ("sleep", "exit 1"),
        ):
            shell_program(programs / name, text)
        return subprocess.run(
            ["bash", "-c", self.SCRIPT],
            env={
                "PATH": f"{programs}:{os.environ['PATH']}",
                "ASKED": str(tmp_path / "asked"),
                "RUNNER_TEMP": str(tmp_path),
                "GITHUB_ENV": str(tmp_path / "variables"),
                "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "request",
                "ACTIONS_ID_TOKEN_REQUEST_URL": "https://contoso.com/token?v=1",
                "CLIENT_ID": "client",
                "TENANT_ID": "tenant",
                "SUBSCRIPTION_ID": "subscription",
                "STATE": "azblob://state",
                "CLOUD": cloud,
            },
            capture_output=True,
            text=True,
            check=False,
        )

    @pytest.mark.parametrize("cloud", ["", *Cloud])
    def test_each_has_its_own_addresses(self, tmp_path: Path, cloud: str) -> None:
        done = self.sign_in(tmp_path, cloud)
        assert done.returncode == 0, done.stderr
        asked = (tmp_path / "asked").read_text().splitlines()
        assert [line.split()[1] for line in asked] == ["cloud", "login"]
        variables = (tmp_path / "variables").read_text()
        authority = ENDPOINTS[Cloud(cloud or "public")].authority
        assert f"AZURE_AUTHORITY_HOST=https://{authority}/\n" in variables

    def test_one_that_does_not_exist_is_named(self, tmp_path: Path) -> None:
        done = self.sign_in(tmp_path, "germany")
        assert done.returncode == 1
        assert "'germany', and none of public, usGovernmentL4" in done.stdout
        assert not (tmp_path / "asked").exists()


class TestNothingHappensBeforeItIsSwitchedOn:
    """Who copies the repository has no tenant yet: no run is to be red for that."""

    @each_workflow
    def test_in_a_tenant(self, path: Path) -> None:
        for job in jobs(path).values():
            if "environment" in job:
                assert job["if"].startswith("vars.DEPLOYMENTS == 'on'")

    def test_nor_in_a_pull_request(self) -> None:
        # A job that needs another one runs all the same where it says always().
        comment = jobs(GITHUB / "workflows" / "preview.yml")["comment"]
        assert "always() && vars.DEPLOYMENTS == 'on' && " in comment["if"]


class TestADeployment:
    PATH = GITHUB / "workflows" / "deploy.yml"

    def test_is_none_of_a_document(self) -> None:
        left_out = parsed(self.PATH)["on"]["push"]["paths-ignore"]
        assert {"**.md", "docs/**"} <= set(left_out)
        # What is deployed by: the program, the scripts, the configuration, the policies.
        assert not {"*.yaml", "*.py", "components/**", ".github/**"} & set(left_out)

    @pytest.mark.parametrize(
        ("answer", "since"),
        [
            ('[{"createdAt": "2026-11-26T08:00:00Z"}]', "2026-11-26T08:00:00Z"),
            ("[]", "1970-01-01T00:00:00Z"),
        ],
    )
    def test_is_proven_where_something_changed_since_the_last_proof_and_by_no_recipient(
        self, tmp_path: Path, answer: str, since: str
    ) -> None:
        script = jobs(self.PATH)["deploy"]["steps"][-1]["run"]
        programs = {
            # What gh does with --jq.
            "gh": f"""echo '{answer}' | jq --raw-output "$(echo "$@" | sed 's/.*--jq //')" """,
            ".venv/bin/python": 'echo "$*" > asked',
        }
        for name, text in programs.items():
            shell_program(tmp_path / name, text)
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=tmp_path,
            env={
                "PATH": f"{tmp_path}:{os.environ['PATH']}",
                "STACK": "prod",
                "REPOSITORY": "contoso/mail-senders",
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert (tmp_path / "asked").read_text().split() == [
            *("-m", "operations.prove", "--stack", "prod", "--only-probes", "--since", since)
        ]

    def test_no_workflow_writes_to_a_recipient(self) -> None:
        calls = [
            call for _, call in commands(r"\.venv/bin/python -m") if "operations.prove" in call
        ]
        assert len(calls) == 2
        assert all("--only-probes" in call for call in calls)


class TestTheCommentOfAPreview:
    """It begins with what a reviewer wants to know: what changes, of which sender."""

    URN = (
        "[urn=urn:pulumi:prod::scoped-mail-sender::scoped-mail-sender:index:"
        f"{ScopedMailSender.__name__}$"
    )
    APP = "logic-apps:index:LogicApp"
    ACCESS = f"exchange-online:index:{ConfinedMailboxAccess.__name__}"
    WORKFLOW = f"""Previewing update (prod):
  pulumi:pulumi:Stack: (same)
    [urn=urn:pulumi:prod::scoped-mail-sender::pulumi:pulumi:Stack::scoped-mail-sender-prod]
        + logic-apps:index:LogicApp: (create)
            {URN}{APP}::a-group-b-workflow]
            ~ azure-native:logic:Workflow: (update)
                [id=/subscriptions/s/resourceGroups/g/providers/Microsoft.Logic/workflows/w]
                {URN}{APP}$azure-native:logic:Workflow::a-group-b-workflow]
                [provider=urn:pulumi:prod::scoped-mail-sender::pulumi:providers:azure-native::x::y]
              ~ definition: {{
                  ~ subject: "a: (delete)" => "b"
                }}
            +-command:local:Command: (replace)
                {URN}{ACCESS}$command:local:Command::reports-access-mailbox-settings-read]
            + command:local:Command: (create)
                {URN}{APP}$command:local:Command::reports-mailbox-settings]
            + command:local:Command: (create)
                {URN}{APP}$command:local:Command::reports-mailbox]
    + azure-native:resources:ResourceGroup: (create)
        [urn=urn:pulumi:prod::scoped-mail-sender::azure-native:resources:ResourceGroup::resource-group]
Resources:
    + 1 to create
"""

    def comment(self, tmp_path: Path, **previews: tuple[str, int]) -> str:
        results = tmp_path / "results"
        results.mkdir()
        for stack, (text, code) in previews.items():
            (results / f"{stack}.txt").write_text(text)
            (results / f"{stack}.code").write_text(f"{code}\n")
        shell_program(tmp_path / "gh", "")
        script = jobs(GITHUB / "workflows" / "preview.yml")["comment"]["steps"][-1]["run"]
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=tmp_path,
            env={
                "PATH": f"{tmp_path}:{os.environ['PATH']}",
                "REPOSITORY": "contoso/mail-senders",
                "NUMBER": "7",
                "RUN": "https://github.com/contoso/mail-senders/actions/runs/1",
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return (tmp_path / "comment.md").read_text()

    def test_sums_up_by_sender(self, tmp_path: Path) -> None:
        comment = self.comment(tmp_path, prod=(self.WORKFLOW, 0), test=("Resources:\n", 0))
        assert comment.splitlines()[1:7] == [
            "| stack | sender | what would change |",
            "| --- | --- | --- |",
            "| prod | everything else | 1 create |",
            "| prod | a-group-b | 1 update |",
            "| prod | reports | 2 create, 1 replace |",
            "| test | | nothing |",
        ]

    def test_does_not_take_a_failure_for_nothing(self, tmp_path: Path) -> None:
        comment = self.comment(tmp_path, prod=("error: no\n", 255))
        assert "| prod | | **the preview failed**: see its end below |" in comment
        assert "nothing" not in comment

    def test_leads_to_the_whole_where_it_is_cut(self, tmp_path: Path) -> None:
        line = "x" * 79 + "\n"
        comment = self.comment(tmp_path, dev=(line, 0), prod=(line * 300, 0))
        assert comment.count("[artifacts of this run](https://github.com/contoso/") == 1
        assert comment.index("<summary>prod") < comment.index("artifacts of this run")

    def test_fits_into_what_github_takes(self, tmp_path: Path) -> None:
        stacks = jobs(GITHUB / "workflows" / "preview.yml")["preview"]["strategy"]["matrix"][
            "stack"
        ]
        comment = self.comment(tmp_path, **dict.fromkeys(stacks, ("x" * 99999, 0)))
        assert len(comment) < 65_536


class TestRealPowerShell:
    def test_is_what_a_job_of_each_pull_request_runs_in(self) -> None:
        job = jobs(GITHUB / "workflows" / "pull-request.yml")["powershell"]
        assert job["steps"][-1] == {"run": "make powershell"}
        assert POWERSHELL == VARIABLE

    def test_a_failure_in_it_is_a_failure(self) -> None:
        for path in WORKFLOWS:
            for name, job in jobs(path).items():
                assert "continue-on-error" not in str(job), (path.name, name)


class TestDeploymentsAreNotCutOff:
    @pytest.mark.parametrize(("name", "job"), [("deploy", "deploy"), ("test-tenant", "life")])
    def test_one_at_a_time_and_to_its_end(self, name: str, job: str) -> None:
        found = jobs(GITHUB / "workflows" / f"{name}.yml")[job]
        assert found["concurrency"]["cancel-in-progress"] == "false"
        assert found["concurrency"]["group"] in {"stack-${{ matrix.stack }}", "stack-test"}
        assert found["environment"] in {"${{ matrix.stack }}", "test"}

    def test_the_test_tenant_is_cleaned_up_whatever_came_before(self) -> None:
        found = jobs(GITHUB / "workflows" / "test-tenant.yml")["life"]["steps"]
        runs = [step.get("run", step.get("uses")) for step in found]
        destroy = next(i for i, run in enumerate(runs) if run.startswith("pulumi destroy"))
        assert [step.get("if") for step in found[destroy - 1 :]] == ["always()"] * 3

    @each_workflow
    def test_each_environment_that_is_named_has_a_file(self, path: Path) -> None:
        for job in jobs(path).values():
            for stack in job.get("strategy", {}).get("matrix", {}).get("stack", []):
                assert (ROOT / f"Pulumi.{stack}.yaml").exists()


class TestWhatTheyRunExists:
    def test_there_is_something_to_look_at(self) -> None:
        assert len(commands("make")) >= 4
        assert len(commands(r"\.venv/bin/python -m")) >= 5
        assert len(commands("pulumi")) >= 10

    @pytest.mark.parametrize(("name", "call"), commands("make"))
    def test_make(self, name: str, call: str) -> None:
        assert call in TASKS

    @pytest.mark.parametrize(("name", "call"), commands(r"\.venv/bin/python -m"))
    def test_python(self, name: str, call: str) -> None:
        module, *arguments = call.split()
        if module == "simulator":
            assert _parser().parse_args(arguments)
            return
        assert (ROOT / f"{module.replace('.', '/')}.py").exists()
        documented = "\n".join(path.read_text("utf-8") for path in DOCUMENTS)
        assert f"python -m {module} --stack" in documented

    @pytest.mark.engine
    @pytest.mark.parametrize(("name", "call"), commands("pulumi"))
    def test_pulumi_has_the_command_and_its_flags(self, name: str, call: str) -> None:
        assert_pulumi_knows(call.partition("2>&1")[0])

    @pytest.mark.parametrize("path", sorted(GITHUB.glob("*.ps1")), ids=lambda path: path.name)
    def test_a_script_is_run_by_a_workflow(self, path: Path) -> None:
        assert any(f"-File .github/{path.name}" in str(steps(each)) for each in WORKFLOWS)
