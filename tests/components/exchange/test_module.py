"""The shared module's own rules: which errors are waited for, for how long, and which never."""

import pytest

from components.exchange.exchange_command import SCRIPTS
from tests.components.exchange.conftest import Run, Scripts

NOT_FOUND = (
    "Ex6F9304|Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException|The "
    "operation couldn''t be performed because object ''x'' couldn''t be found on ''DC''."
)


@pytest.fixture
def run(scripts: Scripts, tmp_path):
    """Runs a few lines against the module."""

    def run(lines: str) -> Run:
        (tmp_path / "ExchangeObject.psm1").write_bytes(
            (SCRIPTS / "ExchangeObject.psm1").read_bytes()
        )
        (tmp_path / "lines.ps1").write_text(
            "Set-StrictMode -Version Latest\n"
            "$ErrorActionPreference = 'Stop'\n"
            'Import-Module -Name "$PSScriptRoot/ExchangeObject.psm1" -Force\n'
            # In real PowerShell its stand-in has the Start-Sleep that moves the clock.
            "Import-Module -Name 'ExchangeOnlineManagement' -Global\n"
            f"{lines}\n",
            encoding="utf-8",
        )
        scripts.folder = tmp_path
        return scripts.run("lines.ps1", "")

    return run


def failing(message: str) -> str:
    return f"""Invoke-WithRetry -Cmdlet 'Get-X' -Action {{
    Write-Step -Message 'attempt'
    throw '{message}'
}}"""


class TestPassingErrorsAreWaitedFor:
    @pytest.mark.parametrize(
        "message",
        [
            "The server is busy. Try again.",
            "Error 429: too many requests",
            "The remote server returned an error: (503) Server Unavailable.",
            "Response status code does not indicate success: 503 (Service Unavailable).",
            "The operation has timed out.",
            "You have been subjected to throttling. Micro delay applied.",
            "The underlying connection was closed.",
            "The service is temporarily unavailable.",
            "Ex1|Microsoft.Exchange.Data.Directory.ADTransientException|It is away.",
            "HttpStatusCode=500: a server side error has occurred.",
        ],
    )
    def test_for_five_minutes_at_most(self, run, scripts, message):
        before = scripts.tenant.clock.now()
        result = run(failing(message))
        assert result.code == 1
        assert result.stderr.count("attempt\n") == 20
        assert (scripts.tenant.clock.now() - before).total_seconds() == 19 * 15

    def test_and_end_when_the_action_succeeds(self, run):
        result = run(
            """$script = @{ attempts = 0 }
$answer = Invoke-WithRetry -Cmdlet 'Get-X' -Action {
    $script['attempts'] = $script['attempts'] + 1
    if ($script['attempts'] -lt 3) { throw 'The server is busy.' }
    'done'
}
Write-Output "$answer after $($script['attempts'])"
"""
        )
        assert (result.code, result.stdout) == (0, "done after 3\n")

    def test_and_not_once_more_by_whoever_called_it(self, run, scripts):
        before = scripts.tenant.clock.now()
        result = run(
            """Invoke-WithRetry -Cmdlet 'New-X' -Action {
    Invoke-WithRetry -Cmdlet 'Get-X' -Action {
        Write-Error -Message 'The server is busy.' -ErrorAction Stop
    }
}"""
        )
        assert result.code == 1
        assert "Get-X: The server is busy." in result.stderr
        assert (scripts.tenant.clock.now() - before).total_seconds() == 19 * 15


class TestOtherErrorsAreNeverWaitedFor:
    @pytest.mark.parametrize(
        "message",
        [
            'The proxy address "smtp:x" is already being used by y.',
            "The total size of App Access Policies exceeded the limit.",
            "Access is denied.",
            # Says so, and is the sign of a cmdlet that an application cannot run.
            "Failed to retrieve executing user. Please try again later.",
            "A mailbox named Room 503 exists.",
            NOT_FOUND,
        ],
    )
    def test_but_end_the_script(self, run, scripts, message):
        before = scripts.tenant.clock.now()
        result = run(failing(message))
        assert result.code == 1
        assert result.stderr.count("attempt\n") == 1
        assert scripts.tenant.clock.now() == before


class TestRemoval:
    def test_of_what_is_gone_is_done(self, run):
        assert (
            run(f"Invoke-Removal -Cmdlet 'Remove-X' -Removal {{ throw '{NOT_FOUND}' }}").code == 0
        )

    def test_that_is_refused_is_an_error(self, run):
        result = run("Invoke-Removal -Cmdlet 'Remove-X' -Removal { throw 'Access is denied.' }")
        assert result.code == 1
        assert "Access is denied." in result.stderr


class TestFailureIsOneLine:
    @pytest.mark.parametrize("outer", [False, True])
    def test_that_names_the_cmdlet_which_failed(self, run, outer):
        action = "Invoke-WithRetry -Cmdlet 'Get-X' -Action { ConvertFrom-Json -InputObject '{' }"
        if outer:
            action = f"Invoke-Removal -Cmdlet 'Remove-X' -Removal {{ {action} }}"
        result = run(f"try {{ {action} }} catch {{ Write-Failure -Subject 's' -ErrorRecord $_ }}")
        assert result.stderr.startswith("error: s: Get-X: ")
        assert result.stderr.endswith(" Mend what it names, and run the deployment again.\n")

    def test_that_names_no_cmdlet_where_the_script_itself_says_no(self, run):
        action = "Invoke-WithRetry -Cmdlet 'New-X' -Action { throw 'The name is taken.' }"
        result = run(f"try {{ {action} }} catch {{ Write-Failure -Subject 's' -ErrorRecord $_ }}")
        assert result.stderr == "error: s: The name is taken.\n"

    def test_without_exchanges_codes_and_line_breaks(self, run):
        result = run(
            """try {
    throw "ExABC123|Microsoft.Exchange.Some.Exception|First line`nsecond line"
}
catch {
    Write-Failure -Subject 'shared mailbox x' -ErrorRecord $_
}"""
        )
        assert result.stderr == "error: shared mailbox x: First line second line\n"
