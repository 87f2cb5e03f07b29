"""What was sent in the simulated tenant, as a person would see it."""

import base64
from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from simulator.tenant import Mail

_LISTS = {
    "to": "toRecipients",
    "cc": "ccRecipients",
    "bcc": "bccRecipients",
    "answers to": "replyTo",
}


def mail_table(mails: Sequence[Mail]) -> Table:
    """A line for each mail."""
    table = Table(title="Mails", title_justify="left")
    for heading in ("", "time (UTC)", "from", "to", "subject"):
        table.add_column(heading, overflow="fold")
    for number, mail in enumerate(mails, 1):
        recipients = [each for name in ("to", "cc", "bcc") for each in _recipients(mail, name)]
        # A subject is not markup, whatever brackets it has.
        table.add_row(
            str(number),
            f"{mail.time:%Y-%m-%d %H:%M:%S}",
            mail.mailbox,
            Text(", ".join(recipients)),
            Text(mail.message.get("subject", "")),
        )
    return table


def mail_in_full(mail: Mail) -> Text:
    """Its head and its text; HTML is shown as it was written."""
    lines = [f"time: {mail.time:%Y-%m-%d %H:%M:%S} UTC", f"from: {mail.mailbox}"]
    lines += [
        f"{name}: {', '.join(found)}" for name in _LISTS if (found := _recipients(mail, name))
    ]
    lines.append(f"subject: {mail.message.get('subject', '')}")
    lines.append(f"importance: {mail.message.get('importance', 'normal')}")
    lines.append(f"kept in Sent Items: {'yes' if mail.save_to_sent_items else 'no'}")
    lines += [
        f"attached: {each['name']} ({len(base64.b64decode(each['contentBytes'])):,} bytes)"
        for each in mail.message.get("attachments", [])
    ]
    body = mail.message.get("body", {})
    return Text("\n".join([*lines, "", body.get("content", "")]))


def _recipients(mail: Mail, name: str) -> list[str]:
    addresses = [each["emailAddress"] for each in mail.message.get(_LISTS[name], [])]
    return [
        f"{each['name']} <{each['address']}>" if each.get("name") else each["address"]
        for each in addresses
    ]
