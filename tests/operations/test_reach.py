"""The report of who can reach which mailboxes: Exchange's part, the whole, and the page."""

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import operations.reach
from operations.reach import SCRIPT, Access, Reach, as_json, reach_of, reached, remarks
from operations.reach_page import page
from simulator.commands import main
from simulator.tenant.identifiers import seeded_id
from tests.components.exchange.conftest import Scripts, empty_tenant, scripts
from tests.tools.executables import Executable

__all__ = ["empty_tenant", "scripts"]

PAYROLL_APP, PAYROLL_ID = seeded_id("Payroll Reports client"), seeded_id("Payroll Reports")
ARCHIVE_APP, ARCHIVE_ID = seeded_id("Archive Connector client"), seeded_id("Archive Connector")
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
SEND = "Application Mail.Send"


def grant(name: str, permission: str, app_id: str, principal_id: str) -> dict[str, str]:
    return {"id": principal_id, "name": name, "appId": app_id, "permission": permission}


PAYROLL = grant("Payroll Reports", "Mail.Send", PAYROLL_APP, PAYROLL_ID)
ARCHIVE = grant("Archive Connector", "full_access_as_app", ARCHIVE_APP, ARCHIVE_ID)


class Exchange:
    """What administrators set up, and what the script says of it."""

    def __init__(self, scripts: Scripts) -> None:
        self.scripts = scripts
        scripts.folder = SCRIPT.parent
        scripts.cmdlet("New-ServicePrincipal", AppId=ARCHIVE_APP, ObjectId=ARCHIVE_ID)
        scripts.pass_time()

    def assign(self, role: str, **scope: str) -> None:
        new = {"Name": f"archive {role}", "App": ARCHIVE_ID, "Role": role}
        self.scripts.cmdlet("New-ManagementRoleAssignment", **new, **scope)
        self.scripts.pass_time()

    def scope(self, name: str, text: str) -> None:
        self.scripts.cmdlet("New-ManagementScope", Name=name, RecipientRestrictionFilter=text)
        self.scripts.pass_time()

    def asked(self, shown: int = 50) -> dict[str, Any]:
        before = self.scripts.tenant.snapshot()
        run = self.scripts.run(SCRIPT.name, {"shown": shown})
        assert run.code == 0, run.stderr
        assert run.changes == []
        assert self.scripts.tenant.snapshot() == before
        return run.observed

    def report(self, *grants: Mapping[str, str]) -> Reach:
        in_entra = {
            p["appId"] for p in self.scripts.tenant.snapshot()["servicePrincipals"].values()
        }
        return reach_of("contoso.onmicrosoft.com", grants, self.asked(), in_entra.__contains__)


@pytest.fixture
def exchange(scripts: Scripts) -> Exchange:
    return Exchange(scripts)


def told(reach: Reach) -> list[tuple[str, str, str, str]]:
    return [(a.identity, a.permission, a.confined_by, reached(a)) for a in reach.accesses]


class TestAGrantInEntra:
    def test_is_confined_by_a_policy_of_its_application(self, exchange):
        assert told(exchange.report(PAYROLL)) == [
            (
                "Payroll Reports",
                "Mail.Send",
                "the policy on Payroll Reports Mailboxes",
                "payroll@contoso.com",
            )
        ]

    def test_without_one_is_confined_by_nothing_and_comes_first(self, exchange):
        assert told(exchange.report(PAYROLL, ARCHIVE))[0] == (
            "Archive Connector",
            "full_access_as_app",
            "",
            "every mailbox",
        )

    def test_that_policies_do_not_bear_on_is_confined_by_nothing(self, exchange):
        [told_of] = told(exchange.report(PAYROLL | {"permission": "MailboxItem.Read.All"}))
        assert told_of[2:] == ("", "every mailbox")

    def test_is_confined_by_nothing_once_the_policys_group_is_gone(self, exchange):
        exchange.scripts.cmdlet(
            "Remove-DistributionGroup",
            Identity="Payroll Reports Mailboxes",
            BypassSecurityGroupManagerCheck=True,
            Confirm=False,
        )
        reach = exchange.report(PAYROLL)
        assert told(reach)[0][2:] == ("", "every mailbox")
        assert f"The policy of {PAYROLL_APP} is on a group that is gone." in reach.left_over

    def test_that_lets_an_application_grant_itself_more_is_named(self, exchange):
        reach = exchange.report(PAYROLL | {"permission": "Exchange.ManageAsApp"})
        assert reach.accesses == []
        assert remarks(reach)[0] == (
            "Payroll Reports could grant itself more: it holds Exchange.ManageAsApp."
        )

    def test_counts_for_nothing_where_roles_are_enforced(self, exchange):
        exchange.scripts.tenant.set_organization_config("EnforceExoAppRbacPermissions", True)
        assert "EnforceExoAppRbacPermissions is set" in remarks(exchange.report(PAYROLL))[0]


class TestARoleInExchange:
    def test_without_a_scope_is_confined_by_nothing(self, exchange):
        exchange.assign("Application Mail Full Access")
        assert told(exchange.report()) == [
            ("Archive Connector", "Application Mail Full Access", "", "every mailbox")
        ]

    def test_is_confined_by_a_management_scope(self, exchange):
        exchange.scope("one", f"ExternalDirectoryObjectId -eq '{seeded_id('finance')}'")
        exchange.assign(SEND, CustomResourceScope="one")
        assert told(exchange.report())[0][2:] == ("the scope one", "finance@contoso.com")

    def test_is_confined_by_a_group_whose_groups_do_not_count(self, exchange):
        exchange.assign(SEND, RecipientGroupScope="Building Access")
        assert told(exchange.report())[0][2:] == (
            "the group Building Access",
            "reception@contoso.com",
        )

    def test_is_confined_by_an_administrative_unit(self, exchange):
        unit = exchange.scripts.tenant.add_administrative_unit("Front", ["finance@contoso.com"])
        exchange.assign(SEND, RecipientAdministrativeUnitScope=unit)
        assert told(exchange.report())[0][2:] == (
            f"the administrative unit {unit}",
            "those of the unit",
        )

    def test_is_confined_by_nothing_once_its_group_is_gone(self, exchange):
        exchange.assign(SEND, RecipientGroupScope="Building Access")
        exchange.scripts.cmdlet(
            "Remove-DistributionGroup",
            Identity="Building Access",
            BypassSecurityGroupManagerCheck=True,
            Confirm=False,
        )
        reach = exchange.report()
        assert told(reach)[0][2:] == ("", "every mailbox")
        assert reach.left_over == [
            f"The role assignment 'archive {SEND}' ({SEND}) is bound to a scope that is gone."
        ]

    def test_that_only_lets_others_have_it_is_left_out(self, exchange):
        exchange.assign(SEND, Delegating=True)
        exchange.assign("View-Only Recipients")
        assert exchange.report().accesses == []


class TestWhatIsLeftOver:
    def test_a_pointer_without_a_principal_and_a_policy_without_an_application(self, exchange):
        tenant = exchange.scripts.tenant
        tenant.set_lag("pointer", 3600)
        tenant.entra.remove_service_principal(ARCHIVE_ID)
        tenant.entra.remove_service_principal(PAYROLL_ID)
        assert exchange.report().left_over == [
            f"Exchange's service principal 'Archive Connector' ({ARCHIVE_APP}) points to none in "
            "Entra.",
            "The policy on 'Payroll Reports Mailboxes' is for an application that is not in this "
            f"tenant: {PAYROLL_APP}.",
        ]

    def test_the_room_for_policies(self, exchange):
        assert (
            "1 application access policies; room for about 299 more"
            in remarks(exchange.report())[-1]
        )


def test_of_a_large_scope_some_mailboxes_are_named_and_all_are_counted(exchange):
    exchange.scope("all", "Alias -eq 'finance' -or Alias -eq 'reception'")
    exchange.assign(SEND, CustomResourceScope="all")
    [assignment] = exchange.asked(shown=1)["assignments"]
    assert assignment["scope"]["mailboxes"] == ["finance@contoso.com"]
    assert assignment["scope"]["count"] == 2


class Page(HTMLParser):
    """What stands in a page: its tags, the texts of its cells, and what it would fetch."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.fetched: list[str] = []
        self.scopes: list[str] = []
        self.rows: list[list[str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        given = dict(attrs)
        self.fetched += [given[name] or "" for name in ("src", "href", "action") if name in given]
        if tag == "tr":
            self.rows.append([])
        if tag in ("th", "td"):
            self.rows[-1].append("")
        if tag == "th":
            self.scopes.append(given.get("scope") or "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "table":
            self.rows.append([])

    def handle_data(self, data: str) -> None:
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += data


class TestThePage:
    REACH = Reach(
        "contoso.onmicrosoft.com",
        [
            Access("<script>alert(1)</script>", ARCHIVE_APP, "full_access_as_app", "Entra", ""),
            Access(
                "Payroll",
                PAYROLL_APP,
                "Mail.Send",
                "Entra",
                "the policy on P",
                ("payroll@contoso.com",),
                1,
            ),
        ],
        left_over=["<b>left</b>"],
    )

    @pytest.fixture
    def text(self) -> str:
        return page(self.REACH, remarks(self.REACH), reached)

    def test_is_a_matrix_of_identities_and_mailboxes(self, text):
        rows = Page(text).rows
        assert rows[0] == ["identity", "every mailbox", "payroll@contoso.com"]
        assert [row[1:] for row in rows[1:3]] == [["yes", "yes"], ["no", "yes"]]
        assert "nothing confines 1 of them" in text

    def test_shows_what_others_named_and_runs_nothing_of_it(self, text):
        shown = Page(text)
        assert "script" not in shown.tags
        assert "b" not in shown.tags
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text

    def test_fetches_nothing_and_forbids_it(self, text):
        assert Page(text).fetched == []
        assert "default-src 'none'" in text
        assert "url(" not in text

    def test_can_be_read_aloud_and_printed(self, text):
        shown = Page(text)
        assert '<html lang="en">' in text
        assert shown.tags.count("caption") == shown.tags.count("table") == 2
        assert set(shown.scopes) == {"row", "col"}
        assert "@media print" in text
        # The colour of what nothing confines is said in words as well.
        assert [row[2] for row in shown.rows if "<script>" in str(row) and len(row) == 4] == [
            "nothing"
        ]

    @pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")
    def test_a_browser_shows_it_and_prints_it(self, text, tmp_path):
        file, printed = tmp_path / "reach.html", tmp_path / "reach.pdf"
        file.write_text(text, encoding="utf-8")
        # Whoever runs tests as root gets no sandbox.
        browser = [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", file.as_uri()]

        shown = subprocess.run(
            [*browser, "--dump-dom"], capture_output=True, encoding="utf-8", check=True
        ).stdout
        subprocess.run([*browser, f"--print-to-pdf={printed}"], capture_output=True, check=True)

        assert Page(shown).rows == Page(text).rows
        assert "script" not in Page(shown).tags
        assert printed.read_bytes().startswith(b"%PDF")


def test_for_programs_every_mailbox_is_null():
    told_of = json.loads(as_json(TestThePage.REACH))
    assert told_of["unconfined"] == 1
    assert [access["count"] for access in told_of["accesses"]] == [None, 1]


def test_the_whole_of_the_simulated_tenant_as_a_person_starts_it(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    html = tmp_path / "reach.html"
    command = ["-m", "operations.reach", "--organization", "contoso.onmicrosoft.com"]
    arguments = ["exec", "--directory", str(tmp_path / "s"), "--", sys.executable, *command]
    assert main([*arguments, "--json", "--html", str(html)]) == 0
    told_of = json.loads(capfd.readouterr().out)
    assert [(a["identity"], a["confined_by"]) for a in told_of["accesses"]] == [
        ("Archive Connector", ""),
        ("Payroll Reports", "the policy on Payroll Reports Mailboxes"),
    ]
    assert "Archive Connector" in html.read_text(encoding="utf-8")

    assert main([*arguments[:-1], "fabrikam.onmicrosoft.com"]) == 1
    assert "error: access to mailboxes in fabrikam.onmicrosoft.com" in capfd.readouterr().err
    assert main([*arguments, "--html", str(tmp_path / "no" / "x.html")]) == 1
    assert "x.html cannot be written: No such file" in capfd.readouterr().err


class TestExchangeThatCannotBeAsked:
    @pytest.mark.parametrize(
        ("code", "stdout", "stderr", "said"),
        [
            (1, "", "warning: x\nerror: access: the role is missing\n", "access: the role"),
            (64, "", "The argument '-File' is not recognized", "exit code 64: The argument"),
            (0, "proven", "", "list-mailbox-access.ps1 succeeded and did not write"),
            (0, "{", "", "list-mailbox-access.ps1 succeeded and did not write"),
        ],
    )
    def test_ends_the_report_in_one_line(
        self, tmp_path, monkeypatch, capsys, code, stdout, stderr, said
    ):
        ends = f"sys.stdout.write({stdout!r}); sys.stderr.write({stderr!r}); sys.exit({code})"
        Executable(tmp_path / "pwsh", ends)
        monkeypatch.setenv("PATH", str(tmp_path))
        monkeypatch.setattr(operations.reach, "granted_in_entra", lambda clouds: [])

        assert operations.reach.main(["--organization", "contoso.onmicrosoft.com"]) == 1

        shown = capsys.readouterr().err
        assert shown.startswith("error: ")
        assert said in shown
        assert shown.count("\n") == 1
