"""The mail: its keys, and the rules for its texts."""

import json
import re
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, StrictBool, StrictInt, StrictStr, model_validator

from components import message
from components.expressions import literal
from components.message import BodyType, Importance, ParameterType
from configuration.mistakes import refuse, show_value
from configuration.values import (
    EACH_ONCE,
    ONE_LINE,
    WHOLE_CHARACTERS,
    AllowedRecipient,
    DisplayName,
    Keys,
    RecipientAddress,
    text,
)


def _sent(text: str) -> str:
    """A text of the mail, which the workflow must not take for an expression."""
    try:
        literal(text)
    except ValueError as error:
        refuse(
            str(error),
            "Put another character between or before them; in a body with contentType HTML, write "
            "&#64; instead of @.",
        )
    return text


# What Exchange keeps of a subject by its schema for EWS. What sendMail makes of a longer one is not
# on record.
LONGEST_SUBJECT = 255
_A_SUBJECT = text(
    f".{{0,{LONGEST_SUBJECT}}}",
    f"has {{length}} characters, and Exchange keeps {LONGEST_SUBJECT} of a subject",
    "Shorten it, and say the rest in the body.",
)
_A_BODY = text(
    r"[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*",
    "holds a control character other than a tab or a line break",
    "Leave it out: a mail cannot show it.",
)
_SENT = AfterValidator(_sent)


class Body(Keys, message.Body, frozen=True):
    """A mail's text."""

    content_type: BodyType = Field(title="Text or HTML")
    """How ``content`` is to be read."""
    content: Annotated[StrictStr, _A_BODY, WHOLE_CHARACTERS, _SENT] = Field(title="the mail's text")
    """Sent as it is written: an expression of Logic Apps in it stays text. In HTML a value that a
    caller supplies is escaped."""


class Attachment(Keys, message.Attachment, frozen=True):
    """A file that each mail has attached."""

    path: Annotated[
        StrictStr,
        text(
            r"(?![/~]|.*[\\:\x00-\x1f]).+",
            "is no path from the project's folder with / between its parts",
            "Write for example attachments/terms.pdf: an absolute path is another one elsewhere.",
        ),
    ] = Field(title="a path from the project's folder, e.g. attachments/terms.pdf")
    """What the file holds stands in the workflow and in the stack's state, for whoever may read
    these. The next ``pulumi up`` takes up what it holds then."""
    content_type: Annotated[
        StrictStr,
        text(
            r"[A-Za-z0-9][\w.+-]*/[A-Za-z0-9][\w.+-]*",
            "is not the type of a file's content",
            "Write for example application/pdf or text/csv.",
        ),
    ] = Field(title="what it is, e.g. application/pdf")
    """As in a mail's own header."""
    name: Annotated[
        Annotated[DisplayName, _SENT] | None, Field(title="what it is called in the mail")
    ]
    """Default: the file's own name."""


class Parameter(Keys, message.Parameter, frozen=True):
    """A value that whoever calls the HTTP trigger supplies.

    ``{{name}}`` stands for it in subject, body, names and addresses. The body of a call is a JSON
    object of such values and no others; any other call gets a 400, and sends nothing.
    """

    type: ParameterType = Field(title="string, integer, number, boolean or file")
    """A boolean reads ``true`` or ``false`` in the mail. In subject and names, line breaks become
    blanks. A file is attached: a call has ``name``, ``contentType`` and ``contentBytes`` of it, the
    last in base64. Each call has it, and all files of a mail together may have 3 MB."""
    default: Annotated[Any, Field(title="a value of that type")]
    """What stands for it where a call leaves it out. Without one each call has to have it; a
    recurrence, which nobody calls, needs one."""
    max_length: Annotated[
        Annotated[StrictInt, Field(ge=1)] | None, Field(title="a whole number of characters")
    ]
    """Of a string. One that stands in the subject needs it."""
    description: Annotated[
        Annotated[StrictStr, WHOLE_CHARACTERS, _SENT] | None,
        Field(title="what it is, for who makes the calls"),
    ]
    """Stands in the schema of the trigger."""


def _parameters(parameters: dict[str, Parameter]) -> dict[str, Parameter]:
    for name in parameters:
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,79}", name):
            refuse(
                f"has a parameter {show_value(name)}, which is no name for one",
                "Write letters A to Z, digits and _, a letter first, 80 at most.",
            )
    return parameters


class Recipient(Keys, message.Recipient, frozen=True):
    """Whom a mail is sent to, or answers to it."""

    address: RecipientAddress = Field(title="a mail address, e.g. finance@contoso.com")
    """Of whom, or of a distribution group. With a placeholder it needs ``allowedRecipients``,
    except in ``replyTo``."""
    name: Annotated[
        Annotated[DisplayName, _SENT] | None, Field(title="the name shown with the address")
    ]
    """Up to 256 characters."""


# Source: https://learn.microsoft.com/graph/api/user-sendmail and
# https://github.com/microsoftgraph/microsoft-graph-docs-contrib/issues/682. How characters beyond
# ASCII are counted is not said: here as \u and four digits, which is how JSON may write them.
LONGEST_REQUEST = 4 * 1024 * 1024


class Message(Keys, message.Message, frozen=True):
    """The mail."""

    subject: Annotated[StrictStr, ONE_LINE, WHOLE_CHARACTERS, _SENT, _A_SUBJECT] = Field(
        title="the mail's subject"
    )
    """Up to 255 characters, on one line."""
    body: Body = Field(title="contentType (Text or HTML) and content")
    """The mail's text."""
    to_recipients: Annotated[tuple[Recipient, ...], Field(title="a list of recipients")]
    """At least one recipient in all, and at most 500 (a distribution group counts as one)."""
    cc_recipients: Annotated[tuple[Recipient, ...], Field(title="a list of recipients")]
    """As ``toRecipients``."""
    bcc_recipients: Annotated[tuple[Recipient, ...], Field(title="a list of recipients")]
    """As ``toRecipients``."""
    reply_to: Annotated[tuple[Recipient, ...], Field(title="a list of recipients")]
    """To whom answers go, instead of the mailbox."""
    importance: Annotated[Importance, Field(title="low, normal or high")]
    """What the mail is marked with."""
    save_to_sent_items: Annotated[StrictBool, Field(title="true or false")]
    """Keeps a copy in the mailbox."""
    attachments: Annotated[tuple[Attachment, ...], Field(title="a list of files")]
    """Files that each mail has attached, of at most 700,000 bytes together."""
    parameters: Annotated[dict[str, Parameter], AfterValidator(_parameters)] = Field(
        {}, title="a name a line, and below each its type"
    )
    """What whoever calls the HTTP trigger supplies: by name, what ``{{name}}`` stands for. In YAML
    a text that begins with it needs quotes. Without parameters ``{{name}}`` is sent as it is."""
    allowed_recipients: Annotated[
        tuple[AllowedRecipient, ...],
        EACH_ONCE,
        Field(title="a list of addresses and domains, e.g. contoso.com"),
    ]
    """Whom a caller may have the mail sent to, where the address of a recipient has a placeholder.
    A call with another one sends nothing: its run fails with ``RecipientNotAllowed``. A domain
    does not include those below it; upper and lower case are the same."""

    @model_validator(mode="after")
    def _fits_into_a_request(self) -> Self:
        size = len(json.dumps({"message": self.as_graph_has_it(), "saveToSentItems": False}))
        if size > LONGEST_REQUEST:
            refuse(
                f"makes a request of {size:,} bytes, and Graph takes {LONGEST_REQUEST:,} (4 MB)",
                "Shorten body.content: pictures that are written into it count as well.",
            )
        return self
