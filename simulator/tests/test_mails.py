"""What was sent, as a person would see it."""

from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console, RenderableType

from simulator.commands import main
from simulator.mails import mail_in_full, mail_table
from simulator.tenant import Mail

MAIL = Mail(
    datetime(2026, 11, 2, 12, 0, tzinfo=UTC),
    "notifications@contoso.com",
    "id",
    "app",
    {
        "subject": "[red]Stock[/red] is low",
        "body": {"contentType": "HTML", "content": "<p>Five are left.</p>"},
        "toRecipients": [{"emailAddress": {"address": "finance@contoso.com", "name": "Finance"}}],
        "bccRecipients": [{"emailAddress": {"address": "reception@contoso.com"}}],
        "importance": "high",
        "attachments": [{"name": "stock.csv", "contentBytes": "QUJD"}],
    },
    False,
)


def shown(what: RenderableType) -> str:
    text = StringIO()
    Console(file=text, width=160).print(what)
    return text.getvalue()


def test_a_line_for_each():
    (line,) = [line for line in shown(mail_table([MAIL])).splitlines() if "notifications@" in line]
    assert [cell.strip() for cell in line.strip("│\n").split("│")] == [
        "1",
        "2026-11-02 12:00:00",
        "notifications@contoso.com",
        "Finance <finance@contoso.com>, reception@contoso.com",
        "[red]Stock[/red] is low",
    ]


def test_one_in_full():
    assert shown(mail_in_full(MAIL)).splitlines() == [
        "time: 2026-11-02 12:00:00 UTC",
        "from: notifications@contoso.com",
        "to: Finance <finance@contoso.com>",
        "bcc: reception@contoso.com",
        "subject: [red]Stock[/red] is low",
        "importance: high",
        "kept in Sent Items: no",
        "attached: stock.csv (3 bytes)",
        "",
        "<p>Five are left.</p>",
    ]


def test_where_none_was_sent_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["mails", "--directory", str(tmp_path)]) == 1
    assert "no mail was sent" in capsys.readouterr().err
