"""Every cmdlet that the scripts name, and every parameter, against Microsoft's own pages.

The scripts' runs bind what they pass on the branches that they take, splatted parameters included.
This reads the text, and so covers the branches that no run takes.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.exchange.exchange_command import SCRIPTS
from simulator.catalogue import Parameter, catalogue
from simulator.powershell.interface import Arguments, CommandError
from simulator.powershell.syntax import nodes
from simulator.powershell.syntax.source import Source, parse
from simulator.powershell.syntax.statements import ScriptReader
from simulator.tenant.exchange.roles import ROLES

IDENTITIES = Path(__file__).resolve().parents[3] / "identities"
OPERATIONS = Path(__file__).resolve().parents[3] / "operations"
GITHUB = Path(__file__).resolve().parents[3] / ".github"
FILES = sorted(
    [
        *SCRIPTS.glob("*.ps1"),
        *SCRIPTS.glob("*.psm1"),
        *IDENTITIES.glob("*.ps1"),
        *OPERATIONS.glob("*.ps1"),
        *GITHUB.glob("*.ps1"),
    ]
)
CALLED = re.compile(r"(?<![\w$-])[A-Z][a-z]+-[A-Z]\w+")
TEXTS = re.compile(r"(?s:<#.*?#>)|\"[^\"\n]*\"|'[^'\n]*'|#.*")
# What every script calls before it has loaded anything, or for every connection.
CONNECTING = {"connect-exchangeonline", "disconnect-exchangeonline", "get-accepteddomain"}
# Errors, reports and versions are no matter of cmdlets, and the look for drift has its modules call
# them.
CALLS_NONE = ("Report.psm1", "Retry.psm1", "find-drift.ps1", "list-modules.ps1")
# PowerShell's own, which every cmdlet takes.
COMMON = {"ErrorAction"}


def commands(path: Path) -> list[nodes.CommandCall]:
    reader = ScriptReader(parse(Source.read(path)), is_module=path.suffix == ".psm1")
    reader.file_body()
    return reader.commands


def exchange_calls(path: Path) -> Iterator[tuple[str, nodes.CommandCall]]:
    """The calls of Exchange cmdlets, with each one's name in lower case."""
    for call in commands(path):
        if isinstance(call.target, str) and call.target.lower() in catalogue():
            yield call.target.lower(), call


def bind(path: Path) -> int:
    """Binds each call that splats nothing; of the others, checks the names that are written.

    Returns:
        How many calls there were.

    Raises:
        CommandError: As PowerShell would, with the parameter's name.
    """
    calls = list(exchange_calls(path))
    for name, call in calls:
        definition = catalogue()[name]
        named: dict[str, object] = {}
        for token, following in zip(call.tokens, (*call.tokens[1:], None), strict=True):
            if isinstance(token, nodes.ParameterToken) and token.name not in COMMON:
                value = following.value if isinstance(following, nodes.ValueToken) else token.value
                named[token.name] = stand_in(definition.parameters.get(token.name.lower()), value)
        if any(isinstance(token, nodes.SplatToken) for token in call.tokens):
            unknown = [written for written in named if written.lower() not in definition.parameters]
            if unknown:
                raise CommandError(f"{definition.name} has no parameter {unknown[0]}")
        else:
            definition.bind(Arguments(named))
    return len(calls)


def loaded_by(path: Path) -> list[str]:
    """The cmdlets that a script has its connection load, besides the one of every connection."""
    source = path.read_text(encoding="utf-8")
    always = source.partition("-CommandName @(")[2].partition(")")[0]
    # Of some objects only.
    further = source.partition("-FurtherCommandName {")[2].partition("} -Action")[0]
    return re.findall(r"'([A-Z][a-z]+-\w+)'", always + further)


def functions() -> dict[str, str]:
    """The functions of the modules, each with its text."""
    found = {}
    for path in SCRIPTS.glob("*.psm1"):
        for part in path.read_text(encoding="utf-8").split("\nfunction ")[1:]:
            name, _, body = part.partition(" ")
            found[name.lower()] = body.partition("\n}\n")[0]
    return found


def reached(text: str) -> set[str]:
    """The cmdlets of Exchange that a text calls, also by the functions of the modules."""
    modules, seen, ahead = functions(), set[str](), [text]
    while ahead:
        code = TEXTS.sub("", ahead.pop())
        called = {name.lower() for name in CALLED.findall(code)} - seen
        seen |= called
        ahead += [modules[name] for name in called & modules.keys()]
    return seen & catalogue().keys()


def stand_in(parameter: Parameter | None, value: nodes.Expression | None) -> object:
    """What a parameter is given: the text's own constant, or any value that it would take."""
    if isinstance(value, nodes.Constant):
        return value.value
    if value is None or (parameter is not None and parameter.type == "Boolean"):
        return True
    return "text"


class TestCmdletsAreThoseOfExchangeOnline:
    @pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
    def test_each_parameter_binds(self, path):
        assert bind(path) > 0 or path.name in CALLS_NONE

    @pytest.mark.parametrize(
        ("written", "broken", "message"),
        [
            # On-premises only, and the first thing that everybody tries.
            ("-DisplayName $Desired.mark", "-UserPrincipalName $Desired.mark", "UserPrincipalName"),
            ("-DisplayName $Desired.mark", "-DisplayedName $Desired.mark", "DisplayedName"),
            ("-Name $Desired.name ", "", "Name"),
            ("-Shared -Name", "-Shared -Room -Name", "cannot be used together"),
        ],
    )
    def test_a_broken_one_is_refused(self, tmp_path, written, broken, message):
        original = (SCRIPTS / "ensure-shared-mailbox.ps1").read_text(encoding="utf-8")
        assert written in original
        script = tmp_path / "broken.ps1"
        script.write_text(original.replace(written, broken), encoding="utf-8")
        with pytest.raises(CommandError, match=message):
            bind(script)

    @pytest.mark.parametrize(
        "path", [path for path in FILES if path.suffix == ".ps1"], ids=lambda path: path.name
    )
    def test_each_script_loads_the_cmdlets_that_it_calls(self, path):
        # What is not loaded is "not recognized", on the one branch that calls it.
        loaded = {name.lower() for name in loaded_by(path)} | CONNECTING
        assert reached(path.read_text(encoding="utf-8")) <= loaded

    @pytest.mark.parametrize(
        "path", [path for path in FILES if path.suffix == ".ps1"], ids=lambda path: path.name
    )
    def test_each_script_names_roles_that_hold_the_cmdlets_that_it_loads(self, path):
        # An administrator assigns what the head of a script asks for.
        source = path.read_text(encoding="utf-8")
        head = " ".join(source.partition("#>")[0].rpartition("Needs the Exchange")[2].split())
        roles = [role for role in ROLES if role in head]
        held = {cmdlet.lower() for role in roles for cmdlet in ROLES[role]}
        needed = {name.lower() for name in loaded_by(path)}
        needed |= {"get-accepteddomain"} if needed else set()
        assert needed <= held

    def test_each_parameter_of_a_change_is_checked_when_connecting(self):
        """What ``$UsedParameters`` names, against what the scripts write or splat."""
        table = (SCRIPTS / "Session.psm1").read_text(encoding="utf-8")
        checked = {
            cmdlet.lower(): set(re.findall(r"'(\w+)'", names))
            for cmdlet, names in re.findall(r"'((?:New|Set|Add|Remove)-\w+)'\s*= @\((.*)\)", table)
        }
        used: dict[str, set[str]] = {name: set() for name in checked}
        for path in [*SCRIPTS.glob("*.ps1"), *SCRIPTS.glob("*.psm1")]:
            for name, call in exchange_calls(path):
                if not name.startswith(("get-", "test-", "connect-", "disconnect-")):
                    used.setdefault(name, set()).update(
                        token.name
                        for token in call.tokens
                        if isinstance(token, nodes.ParameterToken)
                    )
        differences = (SCRIPTS / "Difference.psm1").read_text(encoding="utf-8")
        mailbox, _, group = differences.partition("function Get-GroupDifference")
        used["set-mailbox"] |= set(re.findall(r"-Property '(\w+)'", mailbox))
        used["set-mailbox"] ^= {"PrimarySmtpAddress", "WindowsEmailAddress"}
        used["set-distributiongroup"] |= set(re.findall(r"-Property '(\w+)'", group))
        used["set-distributiongroup"] ^= {"Description", "ManagedBy"}
        used["new-distributiongroup"] |= {"ManagedBy"}
        for name, parameters in used.items():
            asked = parameters - COMMON - {"Identity", "Confirm"}
            assert asked == checked.get(name, set()), name

    @pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
    def test_each_call_stops_at_its_error(self, path):
        # Without it a failed cmdlet writes its error and the script goes on.
        for name, call in exchange_calls(path):
            written = {
                token.name for token in call.tokens if isinstance(token, nodes.ParameterToken)
            }
            assert "ErrorAction" in written, f"{name} in {path.name}"


RETRIED = re.compile(r"Invoke-(?:WithRetry|Removal)\b(?P<options>[^\n{]*)-(?:Action|Removal) \{")


def retried(text: str) -> Iterator[tuple[str, str, str]]:
    """Of each call that is repeated while its error passes: options, block, what comes after."""
    for call in RETRIED.finditer(text):
        depth, end = 1, call.end()
        while depth:
            depth += {"{": 1, "}": -1}.get(text[end], 0)
            end += 1
        yield call["options"], TEXTS.sub("", text[call.end() : end]), text[end:].lstrip()


class TestTheCmdletThatAFailureNames:
    @pytest.mark.parametrize("path", sorted(SCRIPTS.glob("*.ps*1")), ids=lambda path: path.name)
    def test_is_the_one_that_is_called(self, path: Path) -> None:
        names = "|".join(definition.name for definition in catalogue().values())
        for options, block, _ in retried(path.read_text(encoding="utf-8")):
            if "$Cmdlet" in options:
                continue  # Invoke-Removal hands its own on.
            (named,) = re.findall(r"-Cmdlet '([\w-]+)'", options)
            assert set(re.findall(rf"(?<![\w-])(?:{names})(?![\w-])", block)) == {named}

    def test_is_named_in_most_scripts(self) -> None:
        text = "".join(path.read_text(encoding="utf-8") for path in SCRIPTS.glob("*.ps*1"))
        assert len(list(retried(text))) > 30


class TestWhatPowerShellDoesOtherwiseThanOneThinks:
    @pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
    def test_nothing_is_piped_out_of_what_is_repeated(self, path: Path) -> None:
        # An error thrown further down the pipeline would be caught by its catch, and waited for.
        for options, _, after in retried(path.read_text(encoding="utf-8")):
            assert not after.startswith("|"), options

    @pytest.mark.parametrize(
        "path", [path for path in FILES if path.suffix == ".ps1"], ids=lambda path: path.name
    )
    def test_a_script_has_no_variables_that_modules_would_see(self, path: Path) -> None:
        # `pwsh -File` runs a script in the global scope, which every module sees.
        text = path.read_text(encoding="utf-8")
        named = set(re.findall(r"^\$(\w+)\s*[+]?=", text, re.MULTILINE))
        assert named == {"ErrorActionPreference", "WarningPreference"}
