"""What a company looks at before it adopts a project: licence, versions, pins, how to take part."""

import hashlib
import re
import tomllib
from importlib.metadata import distributions
from pathlib import Path

import pytest

from tests.schemas import schema_check

ROOT = Path(__file__).resolve().parent.parent
GITHUB = ROOT / ".github"
FORMS = sorted((GITHUB / "ISSUE_TEMPLATE").glob("*.yml"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
COMPILED = ("requirements.txt", "requirements-dev.txt")


def text(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def pins(name: str) -> dict[str, str]:
    """What a compiled file pins: each requirement with all lines that belong to it."""
    found = {}
    for entry in re.split(r"\n(?=[A-Za-z0-9])", text(name)):
        match = re.match(r"([A-Za-z0-9._-]+)(?:\[[a-z0-9,]+\])?==(\S+)", entry)
        assert match is not None, entry.splitlines()[0]
        found[match[1]] = entry
    return found


def version(entry: str) -> str:
    return entry.split()[0].partition("==")[2]


def wanted(name: str) -> dict[str, str]:
    """What a person wrote into a file that is compiled."""
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)$", text(name), re.MULTILINE))


class TestLicence:
    def test_is_apache_s_own_text(self) -> None:
        # The hash of https://www.apache.org/licenses/LICENSE-2.0.txt.
        assert hashlib.sha256((ROOT / "LICENSE").read_bytes()).hexdigest() == (
            "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"
        )

    def test_is_the_one_that_the_project_names(self) -> None:
        assert PROJECT["license"] == "Apache-2.0"
        assert PROJECT["license-files"] == ["LICENSE"]


class TestVersion:
    def test_has_the_first_section_of_the_changelog(self) -> None:
        sections = re.findall(r"^## (\S+)", text("CHANGELOG.md"), re.MULTILINE)
        assert sections[0] == PROJECT["version"]
        assert len(sections) == len(set(sections))


class TestPins:
    @pytest.mark.parametrize(
        ("written", "compiled"),
        [
            ("requirements.in", "requirements.txt"),
            ("requirements.in", "requirements-dev.txt"),
            ("requirements-dev.in", "requirements-dev.txt"),
        ],
    )
    def test_are_those_that_were_asked_for(self, written: str, compiled: str) -> None:
        found = pins(compiled)
        assert wanted(written)
        assert {name: version(found[name]) for name in wanted(written)} == wanted(written)

    @pytest.mark.parametrize("name", COMPILED)
    def test_have_a_hash_each(self, name: str) -> None:
        found = pins(name)
        assert len(found) > 20
        for entry in found.values():
            assert re.search(r"^ +--hash=sha256:[0-9a-f]{64}", entry, re.MULTILINE), entry

    def test_are_the_same_for_who_develops_as_for_who_deploys(self) -> None:
        deployed, developed = (pins(name) for name in COMPILED)
        assert {name: version(developed[name]) for name in deployed} == {
            name: version(entry) for name, entry in deployed.items()
        }

    def test_are_for_every_system(self) -> None:
        # A file that was compiled for one system has no markers, and misses what another needs.
        assert "sys_platform == 'win32'" in pins("requirements-dev.txt")["colorama"].splitlines()[0]

    def test_have_the_extras_that_others_ask_for(self) -> None:
        # Pip takes the newest release for what is asked for with an extra and pinned without it,
        # and then refuses that, as it has no hash.
        found = pins("requirements-dev.txt")
        asked = {
            (match[1].lower(), match[2])
            for distribution in distributions()
            for requirement in distribution.requires or ()
            if (match := re.match(r"([\w.-]+)\[(\w+)\]", requirement))
            and "extra ==" not in requirement
        }
        assert ("coverage", "toml") in asked
        for name, extra in asked:
            assert found[name].startswith(f"{name}[{extra}]=="), name

    def test_name_no_registry(self) -> None:
        for name in COMPILED:
            assert "://" not in text(name)
            assert "--index" not in text(name)


class TestWhatGitHubReads:
    @pytest.mark.parametrize(
        ("schema", "paths"),
        [
            ("vendor.dependabot", [GITHUB / "dependabot.yml"]),
            ("vendor.github-issue-forms", FORMS),
        ],
    )
    def test_is_what_its_schema_takes(self, schema: str, paths: list[Path]) -> None:
        assert paths
        checked = schema_check(schema, paths)
        assert checked.returncode == 0, checked.stdout

    def test_the_schemas_are_ones_that_refuse(self, tmp_path: Path) -> None:
        wrong = tmp_path / "wrong.yml"
        wrong.write_text(FORMS[0].read_text("utf-8").replace("attributes:", "attribute:"))
        assert schema_check("vendor.github-issue-forms", [wrong]).returncode == 1

    def test_each_folder_that_is_kept_up_to_date_exists(self) -> None:
        folders = re.findall(
            r"^ +(?:- |directory: )/(\S*)$", text(".github/dependabot.yml"), re.MULTILINE
        )
        assert len(folders) == 4
        for folder in folders:
            assert list(ROOT.glob(folder or "*")), folder

    def test_no_owner_is_named_who_does_not_exist(self) -> None:
        assert all(line.startswith("#") for line in text(".github/CODEOWNERS").splitlines() if line)

    def test_each_path_of_the_owners_exists(self) -> None:
        paths = re.findall(r"^# (/\S+)", text(".github/CODEOWNERS"), re.MULTILINE)
        assert paths
        for path in paths:
            assert (ROOT / path.strip("/")).exists(), path
