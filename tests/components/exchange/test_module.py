"""The modules' own rules: which errors are waited for, for how long, and which never."""

import shutil

import pytest

from components.exchange.exchange_command import SCRIPTS
from tests.components.exchange.conftest import Run, Scripts

NOT_FOUND = (
    "Ex6F9304|Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException|The "
    "operation couldn''t be performed because object ''x'' couldn''t be found on ''DC''."
)
AMBIGUOUS = (
    "Ex6F9304|Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException|The "
    "operation couldn''t be performed because ''IT Team'' matches multiple entries."
)


@pytest.fixture
def run(scripts: Scripts, tmp_path):
    """Runs a few lines against the module."""

    def run(lines: str) -> Run:
        for module in SCRIPTS.glob("*.psm1"):
            shutil.copy(module, tmp_path)
        (tmp_path / "lines.ps1").write_text(
            "Set-StrictMode -Version Latest\n"
            "$ErrorActionPreference = 'Stop'\n"
            'Import-Module -Name "$PSScriptRoot/Session.psm1" -Force\n'
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
            "You have reached the maximum number of concurrent requests per tenant. Please wait.",
            "|DualWrite.LocStrings.UnableToWriteToAadException|The failure may be transient.",
            "|Microsoft.Exchange.Data.Directory.ADServerSettingsChangedException|Others took over.",
            "|Microsoft.Exchange.Data.Directory.OverBudgetException|Der Server ist ausgelastet.",
            "Maximum retry count reached.",
            "An existing connection was forcibly closed by the remote host.",
            "Connection reset by peer",
            "The SSL connection could not be established, see inner exception.",
            "A task was canceled.",
            "The operation was canceled.",
            "An error occurred while sending the request.",
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

    def test_and_what_a_failed_attempt_put_out_goes_with_it(self, run):
        # Such as the first page of a list, which would then come twice.
        result = run(
            """$script = @{ attempts = 0 }
$answer = @(Invoke-WithRetry -Cmdlet 'Get-X' -Action {
    $script['attempts'] = $script['attempts'] + 1
    'first page'
    if ($script['attempts'] -lt 3) { throw 'The server is busy.' }
    'second page'
})
Write-Output ($answer -join ', ')
"""
        )
        assert (result.code, result.stdout) == (0, "first page, second page\n")

    @pytest.mark.parametrize(
        "message",
        [
            'The proxy address "smtp:x" is already being used by "y".',
            "Ex1|Microsoft.Exchange.Data.Directory.ADObjectAlreadyExistsException|CN=x existiert.",
            "Active Directory operation failed. The object ''CN=x'' already exists.",
        ],
    )
    def test_so_is_a_name_or_address_that_a_lost_answer_may_have_taken(self, run, message):
        result = run(failing(message).replace("'Get-X'", "'Get-X' -TakenIsTransient"))
        assert result.stderr.count("attempt\n") == 20
        assert run(failing(message)).stderr.count("attempt\n") == 1

    def test_any_error_of_connecting_is_tried_three_times(self, run, scripts):
        before = scripts.tenant.clock.now()
        result = run(
            failing("Module could not be correctly formed.").replace(
                "'Get-X'", "'Connect-ExchangeOnline' -AnyErrorIsTried"
            )
        )
        assert result.stderr.count("attempt\n") == 3
        assert (scripts.tenant.clock.now() - before).total_seconds() == 2 * 15

    def test_in_every_culture(self, run, scripts):
        """In a Turkish one "TIMED OUT" does not match "timed out". The runner has one culture."""
        scripts.environment = {"LANG": "tr_TR.UTF-8", "LC_ALL": "tr_TR.UTF-8"}
        result = run(failing("THE OPERATION HAS TIMED OUT."))
        assert result.stderr.count("attempt\n") == 20


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
            AMBIGUOUS,
        ],
    )
    def test_but_end_the_script(self, run, scripts, message):
        before = scripts.tenant.clock.now()
        result = run(failing(message))
        assert result.code == 1
        assert result.stderr.count("attempt\n") == 1
        assert scripts.tenant.clock.now() == before


def removing(removal: str, remaining: str = "@()") -> str:
    return (
        f"Invoke-Removal -Cmdlet 'Remove-X' -Removal {{ {removal} }} -Remaining {{ {remaining} }}"
    )


class TestRemoval:
    @pytest.mark.parametrize("prefix", ["", "Get-Recipient: "])
    def test_of_what_is_gone_is_done(self, run, prefix):
        assert run(removing(f"throw '{prefix}{NOT_FOUND}'")).code == 0

    def test_that_is_refused_is_an_error(self, run):
        result = run(removing("throw 'Access is denied.'", "'x'"))
        assert result.code == 1
        assert "Access is denied." in result.stderr

    def test_is_not_done_where_two_of_the_name_were_found(self, run):
        result = run(removing(f"throw '{AMBIGUOUS}'"))
        assert result.code == 1
        # PowerShell breaks the lines of an error that nobody catches.
        assert "matches multiple entries" in " ".join(result.stderr.split())

    def test_is_tried_again_where_the_object_is_found_by_its_mark_after_all(self, run, scripts):
        # One domain controller did not know it yet.
        before = scripts.tenant.clock.now()
        result = run(
            "$script = @{ left = 3 }\n"
            + removing(
                "if ($script['left'] -gt 0) { $script['left'] = $script['left'] - 1; "
                f"throw '{NOT_FOUND}' }}",
                "'still there'",
            )
            + "\nWrite-Output $script['left']"
        )
        assert (result.code, result.stdout) == (0, "0\n"), result.stderr
        assert (scripts.tenant.clock.now() - before).total_seconds() == 3 * 15


class TestFailureIsOneLine:
    @pytest.mark.parametrize("outer", [False, True])
    def test_that_names_the_cmdlet_which_failed(self, run, outer):
        action = "Invoke-WithRetry -Cmdlet 'Get-X' -Action { ConvertFrom-Json -InputObject '{' }"
        if outer:
            action = removing(action)
        result = run(f"try {{ {action} }} catch {{ Write-Failure -Subject 's' -ErrorRecord $_ }}")
        assert result.stderr.startswith("error: s: Get-X: ")
        assert result.stderr.endswith(" Mend what it names, and run the deployment again.\n")

    def test_that_names_no_cmdlet_where_the_script_itself_says_no(self, run):
        stop = "Stop-Convergence -Reason 'The name is taken.'"
        action = f"Invoke-WithRetry -Cmdlet 'New-X' -Action {{ {stop} }}"
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

    @pytest.mark.parametrize("text", ["UnAuthorized", "AADSTS700016: Application was not found."])
    def test_that_names_cmdlet_and_remedy_where_the_module_only_throws_a_text(self, run, text):
        action = f"Invoke-WithRetry -Cmdlet 'Connect-ExchangeOnline' -Action {{ throw '{text}' }}"
        result = run(f"try {{ {action} }} catch {{ Write-Failure -Subject 's' -ErrorRecord $_ }}")
        assert result.stderr.startswith(f"error: s: Connect-ExchangeOnline: {text} ")
        assert "Mend what it names" not in result.stderr

    @pytest.mark.parametrize("before", ["", "Ex6F9304", "Error executing cmdlet: "])
    def test_without_the_type_in_front(self, run, before):
        result = run(
            f"try {{ throw '{before}|Microsoft.Exchange.X.SomeException|The text.' }}\n"
            "catch { Write-Failure -Subject 's' -ErrorRecord $_ }"
        )
        assert "|" not in result.stderr
        assert result.stderr.endswith("The text.\n")


class TestWhatIsWritten:
    def test_is_ascii_from_which_the_characters_can_be_read(self, run):
        result = run("Write-Step -Message 'the mailbox \"L\u00f6hne \U0001f600\" of C:\\x'")
        assert result.stderr == 'the mailbox "L\\u00f6hne \\ud83d\\ude00" of C:\\x\n'

    def test_is_cut_long_before_the_provider_hangs(self, run):
        result = run(f"Write-Step -Message '{'x' * 100_000}'")
        assert len(result.stderr) < 5_000
        assert result.stderr.endswith("... (cut)\n")
