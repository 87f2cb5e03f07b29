"""The pipelines for Azure DevOps: valid, the same jobs as GitHub's, and signed in by no secret."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.clouds import ENDPOINTS, Cloud
from tests import test_workflows as github
from tests.schemas import schema_check
from tests.tools.executables import Executable, shell_program

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "azure-pipelines"
TEMPLATE = FOLDER / "signed-in.yml"
PIPELINES = sorted(path for path in FOLDER.glob("*.yml") if path != TEMPLATE)
SIGN_IN = FOLDER / "sign-in.sh"

CALL = re.compile(
    r"(?:^|[\s(])((?:pulumi (?:up|preview|destroy|stack export)|make|\S*python -m) [^|)>]*)"
)

each_pipeline = pytest.mark.parametrize("path", PIPELINES, ids=lambda path: path.stem)


def loaded(path: Path) -> dict[str, Any]:
    # BaseLoader, as Azure DevOps reads it: every value is text.
    found: dict[str, Any] = yaml.load(path.read_text("utf-8"), yaml.BaseLoader)  # noqa: S506
    return found


def expanded(value: Any, names: dict[str, Any]) -> Any:
    """What Azure DevOps makes of a pipeline: loops unrolled, names and templates filled in."""
    if isinstance(value, str):
        return re.sub(
            r"\$\{\{ (?:parameters\.)?(\w+) \}\}", lambda name: str(names[name[1]]), value
        )
    if isinstance(value, dict):
        return {key: expanded(entry, names) for key, entry in value.items()}
    if not isinstance(value, list):
        return value
    found: list[Any] = []
    for entry in value:
        first = next(iter(entry)) if isinstance(entry, dict) else ""
        if loop := re.fullmatch(r"\$\{\{ each (\w+) in parameters\.(\w+) \}\}", first):
            for item in names[loop[2]]:
                found += expanded(entry[first], names | {loop[1]: item})
        elif first == "template":
            template = loaded(FOLDER / entry["template"])
            given = {each["name"]: each.get("default") for each in template["parameters"]}
            found += expanded(template["steps"], given | expanded(entry["parameters"], names))
        else:
            found.append(expanded(entry, names))
    return found


def pipeline(path: Path) -> dict[str, Any]:
    whole = loaded(path)
    defaults = {each["name"]: each["default"] for each in whole.pop("parameters", [])}
    found: dict[str, Any] = expanded(whole, defaults)
    return found


def jobs(path: Path) -> list[dict[str, Any]]:
    whole = pipeline(path)
    stages = whole.get("stages", [whole])
    return [job for stage in stages for job in stage["jobs"]]


def steps(job: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (
        job["strategy"]["runOnce"]["deploy"]["steps"] if "deployment" in job else job["steps"]
    )
    return found


def signed_in_of(job: dict[str, Any]) -> list[dict[str, Any]]:
    return [step for step in steps(job) if step.get("task") == "AzureCLI@2"]


def signed_in(path: Path) -> list[dict[str, Any]]:
    return [step for job in jobs(path) for step in signed_in_of(job)]


def scripts(path: Path) -> list[str]:
    return [
        step.get("bash") or step["inputs"]["inlineScript"]
        for job in jobs(path)
        for step in steps(job)
        if "bash" in step or step.get("task") == "AzureCLI@2"
    ]


def commands(texts: list[str]) -> set[str]:
    """What is run of this project and of Pulumi; the stack's name is left out."""
    calls = set()
    for text in texts:
        for line in text.replace("\\\n", " ").splitlines():
            if found := CALL.search(line.partition("2>&1")[0]):
                call = re.sub(r"--stack (\S+)", "--stack STACK", found[1])
                calls.add(" ".join(call.split()))
    return calls


class TestTheyAreWhatAzureDevOpsTakes:
    def check(self, document: Any, folder: Path) -> subprocess.CompletedProcess[str]:
        file = folder / "pipeline.json"
        # The schema wants what a task takes as true or false to be that, and all else to be text.
        text = re.sub(r'(?<="addSpnToEnvironment": )"(true)"', r"\1", json.dumps(document))
        file.write_text(text)
        return schema_check("vendor.azure-pipelines", [file], "--regex-variant", "python")

    @each_pipeline
    def test_by_its_schema(self, path: Path, tmp_path: Path) -> None:
        checked = self.check(pipeline(path), tmp_path)
        assert checked.returncode == 0, checked.stdout

    def test_the_schema_is_one_that_refuses(self, tmp_path: Path) -> None:
        wrong = pipeline(FOLDER / "nightly.yml")
        steps(wrong["jobs"][0])[-1]["inputs"]["scriptTypo"] = "bash"
        assert self.check(wrong, tmp_path).returncode == 1

    @each_pipeline
    def test_each_script_is_one_for_bash(self, path: Path) -> None:
        for script in [*scripts(path), SIGN_IN.read_text("utf-8")]:
            checked = subprocess.run(
                ["bash", "-n", "-c", script], capture_output=True, text=True, check=False
            )
            assert checked.returncode == 0, checked.stderr


class TestTheyDoWhatGitHubsDo:
    @each_pipeline
    def test_command_by_command(self, path: Path) -> None:
        there = github.GITHUB / "workflows" / path.name
        of_github = commands([str(step.get("run", "")) for step in github.steps(there)])
        # The simulated deployment with the official CLI is in GitHub's pull requests alone.
        of_github = {call for call in of_github if "simulator" not in call}
        assert commands(scripts(path)) == of_github
        assert of_github

    def test_every_one_of_them(self) -> None:
        assert {path.stem for path in PIPELINES} == {path.stem for path in github.WORKFLOWS}

    @pytest.mark.parametrize("name", ["deploy", "preview", "nightly"])
    def test_for_the_same_environments(self, name: str) -> None:
        [of_github] = [
            job["strategy"]["matrix"]["stack"]
            for job in github.jobs(github.GITHUB / "workflows" / f"{name}.yml").values()
            if "strategy" in job
        ]
        found = [
            step["inputs"]["azureSubscription"].removeprefix("scoped-mail-sender-")
            for step in signed_in(FOLDER / f"{name}.yml")
        ]
        assert found == [each if name == "deploy" else f"{each}-preview" for each in of_github]


class TestTheyMayNoMoreThanTheyNeed:
    @each_pipeline
    def test_what_only_looks_has_the_connection_that_reads(self, path: Path) -> None:
        for step in signed_in(path):
            script = step["inputs"]["inlineScript"]
            writes = bool(re.search(r"pulumi (up|destroy|import|refresh)", script))
            assert writes != step["inputs"]["azureSubscription"].endswith("-preview")

    @each_pipeline
    def test_what_writes_has_an_environment_with_its_approvals_and_is_not_cut_off(
        self, path: Path
    ) -> None:
        for job in jobs(path):
            connections = {step["inputs"]["azureSubscription"] for step in signed_in_of(job)}
            if any(not name.endswith("-preview") for name in connections):
                assert connections == {f"scoped-mail-sender-{job['environment']}"}
                assert pipeline(path)["lockBehavior"] == "sequential"

    @each_pipeline
    def test_no_pipeline_starts_by_a_pull_request_of_a_fork(self, path: Path) -> None:
        assert pipeline(path)["pr"] == "none"

    @each_pipeline
    def test_no_checkout_leaves_its_token_behind(self, path: Path) -> None:
        for job in jobs(path):
            checkouts = [step for step in steps(job) if "checkout" in step]
            assert checkouts
            for step in checkouts:
                assert step["checkout"] == "none" or step["persistCredentials"] == "false"

    def test_a_document_deploys_nothing(self) -> None:
        left_out = pipeline(FOLDER / "deploy.yml")["trigger"]["paths"]["exclude"]
        assert {"*.md", "docs"} <= set(left_out)


@pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not installed")
class TestTheCommentOfAPreview:
    """What it says is GitHub's; where it is written, that of Azure DevOps."""

    OWN = "11111111-0000-4000-8000-000000000001"
    THREADS = (
        "https://dev.azure.com/contoso/project/_apis/git/repositories/repository/pullRequests/7/"
        "threads"
    )
    # Answers by address, and notes what is written.
    CURL = """
url = next(argument for argument in sys.argv if argument.startswith("https://"))
if "connectionData" in url:
    print(json.dumps({"authenticatedUser": {"id": OWN}}))
elif "--request" not in sys.argv:
    print(json.dumps({"value": THREADS}))
elif REFUSES:
    print('{"message": "TF401027: You need the Git PullRequestContribute permission"}')
    sys.exit(22)
else:
    verb = sys.argv[sys.argv.index("--request") + 1]
    written = json.load(open("request.json"))
    json.dump([verb, url, written, sys.argv], open("written.json", "w"))
"""

    def job(self) -> dict[str, Any]:
        [found] = [job for job in jobs(FOLDER / "preview.yml") if job["job"] == "comment"]
        return found

    def write(
        self, tmp_path: Path, threads: list[Any] | None = None, *, refuses: bool = False
    ) -> tuple[str, Any]:
        """Runs the script; what it prints, and what it writes into the pull request."""
        for stack, code in (("dev", 0), ("prod", 255)):
            artifact = tmp_path / "workspace" / f"preview-{stack}"
            artifact.mkdir(parents=True)
            (artifact / f"{stack}.txt").write_text("x\n" * (20_000 if code else 1))
            (artifact / f"{stack}.code").write_text(f"{code}\n")
        given = {"OWN": self.OWN, "THREADS": threads or [], "REFUSES": refuses}
        constants = "".join(f"{name} = {value!r}\n" for name, value in given.items())
        Executable(tmp_path / "programs" / "curl", f"import json\n{constants}{self.CURL}")
        done = subprocess.run(
            ["bash", "-c", self.job()["steps"][-1]["bash"]],
            cwd=tmp_path,
            env={
                "PATH": f"{tmp_path / 'programs'}:{os.environ['PATH']}",
                "PIPELINE_WORKSPACE": str(tmp_path / "workspace"),
                "SYSTEM_ACCESSTOKEN": "job-token",
                "SYSTEM_COLLECTIONURI": "https://dev.azure.com/contoso/",
                "SYSTEM_TEAMPROJECTID": "project",
                "BUILD_REPOSITORY_ID": "repository",
                "BUILD_BUILDID": "42",
                "SYSTEM_PULLREQUEST_PULLREQUESTID": "7",
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        written = tmp_path / "written.json"
        return done.stdout, json.loads(written.read_text()) if written.exists() else None

    def test_says_what_github_s_says(self) -> None:
        def composed(script: str) -> str:
            return script.partition("shopt -s nullglob\n")[2].partition("} > comment.md\n")[0]

        comment = github.jobs(github.GITHUB / "workflows" / "preview.yml")["comment"]
        own = composed(self.job()["steps"][-1]["bash"])
        assert own == composed(comment["steps"][-1]["run"]) != ""

    def test_is_a_thread_that_nobody_has_to_resolve(self, tmp_path: Path) -> None:
        others = [{"id": 1, "comments": [{"id": 1, "author": {"id": "x"}, "content": None}]}]
        _, (verb, url, body, arguments) = self.write(tmp_path, others)
        assert (verb, url) == ("POST", f"{self.THREADS}?api-version=7.1")
        assert body["status"] == "closed"
        [comment] = body["comments"]
        lines = comment["content"].splitlines()
        assert lines[0] == "<!-- preview of the environments -->"
        assert "| prod | | **the preview failed**: see its end below |" in lines
        assert "project/_build/results?buildId=42)" in comment["content"]
        assert "Authorization: Bearer job-token" in arguments

    def test_is_edited_the_next_time_and_nobody_elses_is(self, tmp_path: Path) -> None:
        marked = "<!-- preview of the environments --> old"

        def thread(number: int, author: str) -> dict[str, Any]:
            comment = {"id": number + 1, "author": {"id": author}, "content": marked}
            return {"id": number, "comments": [comment]}

        threads = [thread(3, "somebody"), thread(5, self.OWN)]
        _, (verb, url, body, _) = self.write(tmp_path, threads)
        assert (verb, url) == ("PATCH", f"{self.THREADS}/5/comments/6?api-version=7.1")
        assert body["content"].startswith("<!-- preview of the environments -->\n| stack")

    def test_that_may_not_be_written_is_a_warning(self, tmp_path: Path) -> None:
        shown, written = self.write(tmp_path, refuses=True)
        assert written is None
        [line] = [line for line in shown.splitlines() if line.startswith("##vso")]
        assert line.startswith("##vso[task.logissue type=warning]The previews are in the summary")
        assert "TF401027" in line

    def test_comes_after_all_previews_and_runs_nothing_of_the_pull_request(self) -> None:
        job = self.job()
        previews = [each["job"] for each in jobs(FOLDER / "preview.yml")]
        assert [*job["dependsOn"], "comment"] == previews
        assert "always()" in job["condition"]
        assert [step["checkout"] for step in steps(job) if "checkout" in step] == ["none"]
        assert not signed_in_of(job)


class TestTheSignIn:
    def sign_in(self, tmp_path: Path, cloud: str) -> subprocess.CompletedProcess[str]:
        """Sources the script with programs that only say what they were asked."""
        programs = tmp_path / "programs"
        for name, text in (
            ("az", "echo subscription"),
            ("curl", 'echo "$*" > "$ASKED"; echo \'{"oidcToken": "token"}\''),
            ("jq", "cat > /dev/null; echo token"),
            # The loop that fetches new tokens ends at once.
            ("sleep", "exit 1"),
        ):
            shell_program(programs / name, text)
        return subprocess.run(
            ["bash", "-c", f'source "{SIGN_IN}"; env'],
            env={
                "PATH": f"{programs}:{os.environ['PATH']}",
                "ASKED": str(tmp_path / "asked"),
                "AGENT_TEMPDIRECTORY": str(tmp_path),
                "SYSTEM_ACCESSTOKEN": "request",
                "SYSTEM_OIDCREQUESTURI": "https://contoso.com/oidctoken",
                "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID": "connection",
                "servicePrincipalId": "client",
                "tenantId": "tenant",
                "STATE": "azblob://state",
                "CLOUD": cloud,
            },
            capture_output=True,
            text=True,
            check=False,
        )

    @pytest.mark.parametrize("cloud", ["", *Cloud])
    def test_gives_the_variables_that_github_s_gives(self, tmp_path: Path, cloud: str) -> None:
        done = self.sign_in(tmp_path, cloud)
        assert done.returncode == 0, done.stderr
        found = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
        of_github = re.findall(r'echo "([A-Z_]+)=', github.TestTheSignInKnowsTheClouds.SCRIPT)
        assert set(of_github) <= found.keys()
        authority = ENDPOINTS[Cloud(cloud or "public")].authority
        assert found["AZURE_AUTHORITY_HOST"] == f"https://{authority}/"
        assert found["ARM_CLIENT_ID"] == found["EXCHANGE_APP_ID"] == "client"
        assert Path(found["EXCHANGE_FEDERATED_TOKEN_FILE"]).read_text() == "token\n"
        assert Path(found["EXCHANGE_FEDERATED_TOKEN_FILE"]).stat().st_mode & 0o077 == 0
        # The providers find GitHub's request for tokens by themselves, and this one by its file.
        assert found["ARM_OIDC_TOKEN_FILE_PATH"] == found["AZURE_FEDERATED_TOKEN_FILE"]
        asked = (tmp_path / "asked").read_text()
        assert "serviceConnectionId=connection" in asked
        assert "Authorization: Bearer request" in asked

    def test_names_a_cloud_that_does_not_exist(self, tmp_path: Path) -> None:
        done = self.sign_in(tmp_path, "germany")
        assert done.returncode == 1
        assert "'germany', and none of public, usGovernmentL4" in done.stdout
        assert not (tmp_path / "asked").exists()
