"""Writes the reference in docs/configuration.md anew: ``.venv/bin/python -m tools.reference``.

Each key's title and docstring in ``configuration/`` is the one place where it is described.
"""

import json
from pathlib import Path

from pydantic.fields import FieldInfo
from pydantic_core import to_jsonable_python

from configuration.keys import (
    Access,
    Alerts,
    Group,
    HttpRequestTrigger,
    Mailbox,
    RecurrenceTrigger,
    Schedule,
    Sender,
    StackConfiguration,
)
from configuration.messages import Attachment, Body, Message, Parameter, Recipient
from configuration.values import Keys
from tools.virtual_environment import ROOT

DOCUMENT = ROOT / "docs" / "configuration.md"
MARKER = "<!-- What follows is written by tools/reference.py. -->\n"
GROUPS: dict[str, type[Keys]] = {
    "A stack": StackConfiguration,
    "`senders[]`": Sender,
    "`senders[].mailbox`": Mailbox,
    "`senders[].group` and `access[].group`": Group,
    "`senders[].trigger` of type httpRequest": HttpRequestTrigger,
    "`senders[].trigger` of type recurrence": RecurrenceTrigger,
    "`senders[].trigger.schedule`": Schedule,
    "`senders[].alerts`": Alerts,
    "`senders[].message`": Message,
    "`senders[].message.body`": Body,
    "Each recipient": Recipient,
    "Each attachment": Attachment,
    "Each parameter": Parameter,
    "`access[]`": Access,
}


def reference() -> str:
    """All keys, a table for each group of them."""
    return "".join(_table(heading, group) for heading, group in GROUPS.items())


def _table(heading: str, group: type[Keys]) -> str:
    rows = "".join(_row(key, field) for key, field in group.by_key().items())
    about = " ".join((group.__doc__ or "").split("\n\n")[0].split())
    head = "| key | what to write | meaning |\n| --- | --- | --- |\n"
    return f"\n## {heading}\n\n{about}\n\n{head}{rows}"


def _row(key: str, field: FieldInfo) -> str:
    title, _, follows = (field.title or "").partition(" (default: ")
    default = follows.removesuffix(")") if follows else _default(field)
    meaning = " ".join((field.description or "").replace("``", "`").split())
    if default:
        meaning += f" Default: {default}."
    required = " (required)" if field.is_required() and not follows else ""
    return f"| `{key}`{required} | {title} | {meaning} |\n"


def _default(field: FieldInfo) -> str:
    """The default as it is written in YAML, nothing where it is that nothing is there."""
    plain = None if field.is_required() else to_jsonable_python(field.default)
    if plain in (None, [], {}):
        return ""
    return f"`{json.dumps(plain)}`".replace('"', "")


def document(path: Path = DOCUMENT) -> str:
    """The document with its reference as it ought to be."""
    return path.read_text("utf-8").partition(MARKER)[0] + MARKER + reference()


if __name__ == "__main__":
    DOCUMENT.write_text(document(), "utf-8", newline="\n")
