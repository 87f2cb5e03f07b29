"""One sign-in of a person for all scripts: what is asked for, and where the token goes."""

import io
import sys

import pytest
from azure.core.credentials import AccessToken, TokenCredential
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import DeviceCodeCredential, InteractiveBrowserCredential

from components.clouds import ENDPOINTS, Cloud
from components.exchange.exchange_command import SCRIPTS
from operations.exchange_token import CLIENT_ID, credential_of, main

USER = "admin@contoso.onmicrosoft.com"


class SignedIn(TokenCredential):
    def get_token(self, *scopes: str, **_: object) -> AccessToken:
        return AccessToken(f"token for {scopes[0]}", 0)


class Refused(TokenCredential):
    def get_token(self, *scopes: str, **_: object) -> AccessToken:
        raise ClientAuthenticationError("AADSTS50105: not\nassigned.")


def test_the_token_is_the_only_thing_that_is_written(capsys):
    assert main(["--user", USER], sign_in=lambda *_, **__: SignedIn()) == 0
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("token for https://outlook.office365.com/.default\n", "")


def test_whoever_does_not_sign_in_is_told_in_one_line(capsys):
    assert main(["--user", USER], sign_in=lambda *_, **__: Refused()) == 1
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == (
        "",
        f"error: {USER} did not sign in: AADSTS50105: not assigned.\n",
    )


@pytest.mark.parametrize("arguments", [["--user", "admin"], []])
def test_a_name_that_is_none_is_refused(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        main(arguments, sign_in=lambda *_, **__: SignedIn())
    assert ended.value.code == 2


def test_no_token_is_written_to_a_terminal(monkeypatch, capsys):
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    with pytest.raises(SystemExit) as ended:
        main(["--user", USER], sign_in=lambda *_, **__: SignedIn())
    assert (ended.value.code, terminal.getvalue()) == (2, "")


def test_the_sign_in_is_by_the_client_of_microsofts_module():
    browser = credential_of(USER, Cloud.PUBLIC, device_code=False)
    code = credential_of(USER, Cloud.US_GOVERNMENT_L4, device_code=True)
    assert isinstance(browser, InteractiveBrowserCredential)
    assert isinstance(code, DeviceCodeCredential)
    for credential, cloud in ((browser, Cloud.PUBLIC), (code, Cloud.US_GOVERNMENT_L4)):
        assert credential._client_id == CLIENT_ID
        assert credential._tenant_id == "contoso.onmicrosoft.com"
        assert credential._authority == f"https://{ENDPOINTS[cloud].authority}"


def test_the_scripts_ask_for_tokens_of_the_same_audiences():
    session = (SCRIPTS / "Session.psm1").read_text(encoding="utf-8")
    for endpoints in ENDPOINTS.values():
        assert f"'{endpoints.exchange}'" in session
