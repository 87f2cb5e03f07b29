"""The mail: its keys, and the rules for its texts."""

import json
from typing import Annotated, Self

from pydantic import AfterValidator, Field, StrictBool, StrictStr, model_validator

from components import message
from components.message import BodyType, Importance
from components.workflow_definition import literal
from configuration.mistakes import refuse
from configuration.values import ONE_LINE, WHOLE_CHARACTERS, Address, DisplayName, Keys, text


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
_A_SUBJECT = text(
    ".{0,255}",
    "has {length} characters, and Exchange keeps 255 of a subject",
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
    """Sent as it is written: an expression of Logic Apps in it stays text."""


class Recipient(Keys, message.Recipient, frozen=True):
    """Whom a mail is sent to, or answers to it."""

    address: Address = Field(title="a mail address, e.g. finance@contoso.com")
    """Of whom, or of a distribution group."""
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

    @model_validator(mode="after")
    def _fits_into_a_request(self) -> Self:
        size = len(json.dumps({"message": self.as_graph_has_it(), "saveToSentItems": False}))
        if size > LONGEST_REQUEST:
            refuse(
                f"makes a request of {size:,} bytes, and Graph takes {LONGEST_REQUEST:,} (4 MB)",
                "Shorten body.content: pictures that are written into it count as well.",
            )
        return self
