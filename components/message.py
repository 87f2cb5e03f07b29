"""A mail as Microsoft Graph has it: https://learn.microsoft.com/graph/api/user-sendmail."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class BodyType(StrEnum):
    """What a mail's body is."""

    TEXT = "Text"
    HTML = "HTML"


class Importance(StrEnum):
    """How important a mail is."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"


class ParameterType(StrEnum):
    """What a value is, in the words of JSON Schema."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    FILE = "file"
    """An object of ``name``, ``contentType`` and ``contentBytes``, in base64."""


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """A value that the caller of an HTTP trigger supplies.

    Attributes:
        type: What it is. In a mail a Boolean reads ``true`` or ``false``, and a file is attached.
        default: What stands for it where a call leaves it out; ``None`` where none may.
        max_length: Characters that a text may have; ``None`` for as many as the service takes.
        description: What it is for, for who makes the calls.
    """

    type: ParameterType = ParameterType.STRING
    default: Any = None
    max_length: int | None = None
    description: str | None = None


@dataclass(frozen=True, kw_only=True)
class Recipient:
    """Whom a mail is sent to, or answers to it.

    Attributes:
        address: Mail address.
        name: The name that is shown beside it.
    """

    address: str
    name: str | None = None


@dataclass(frozen=True, kw_only=True)
class Body:
    """The text of a mail.

    Attributes:
        content: The text.
        content_type: Plain text or HTML.
    """

    content: str
    content_type: BodyType = BodyType.TEXT


@dataclass(frozen=True, kw_only=True)
class Attachment:
    """A file that each mail has attached.

    Attributes:
        path: Where it is, from the folder that the program runs in.
        content_type: What it is, e.g. ``application/pdf``.
        name: What it is called in the mail; ``None`` for its own name.
    """

    path: str
    content_type: str
    name: str | None = None


@dataclass(frozen=True, kw_only=True)
class Message:
    """A mail, and whether the mailbox keeps a copy.

    There is no ``from``: an application may send only as the mailbox in the address of the request.

    Attributes:
        subject: Subject line.
        body: The text.
        to_recipients: Whom it goes to.
        cc_recipients: Copies.
        bcc_recipients: Blind copies.
        reply_to: Where answers go.
        importance: How important it is; ``normal`` is Graph's default, too.
        save_to_sent_items: Whether the mailbox keeps a copy; Graph's default is that it does.
        attachments: Files that it has attached.
        parameters: By name, what stands in for ``{{name}}`` in subject, body, names and addresses.
            Without any, ``{{name}}`` is text as any other.
        allowed_recipients: Addresses and domains that a recipient whose address has a placeholder
            must be among. It does not limit ``reply_to``, to which nothing is sent.
    """

    subject: str
    body: Body
    to_recipients: Sequence[Recipient] = ()
    cc_recipients: Sequence[Recipient] = ()
    bcc_recipients: Sequence[Recipient] = ()
    reply_to: Sequence[Recipient] = ()
    importance: Importance = Importance.NORMAL
    save_to_sent_items: bool = True
    attachments: Sequence[Attachment] = ()
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    allowed_recipients: Sequence[str] = ()

    def as_graph_has_it(self) -> dict[str, Any]:
        """The ``message`` of sendMail, without attachments; empty lists are left out."""
        message: dict[str, Any] = {
            "subject": self.subject,
            "body": {"contentType": self.body.content_type, "content": self.body.content},
        }
        lists = {
            "toRecipients": self.to_recipients,
            "ccRecipients": self.cc_recipients,
            "bccRecipients": self.bcc_recipients,
            "replyTo": self.reply_to,
        }
        for key, recipients in lists.items():
            if recipients:
                message[key] = [{"emailAddress": _email_address(each)} for each in recipients]
        message["importance"] = self.importance
        return message


def _email_address(recipient: Recipient) -> dict[str, str]:
    name = {} if recipient.name is None else {"name": recipient.name}
    return {"address": recipient.address, **name}
