"""The mail: its keys, and the rules for its texts."""

import json
import unicodedata
from typing import Annotated, Self

from pydantic import AfterValidator, BeforeValidator, Field, StrictBool, StrictStr, model_validator

from components import message
from components.message import BodyType, Importance
from components.workflow_definition import literal
from configuration.mistakes import refuse
from configuration.values import Address, DisplayName, Keys, one_line, one_of, whole_characters


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


def _subject(text: str) -> str:
    if len(text) > LONGEST_SUBJECT:
        refuse(
            f"has {len(text)} characters, and Exchange keeps {LONGEST_SUBJECT} of a subject",
            "Shorten it, and say the rest in the body.",
        )
    return text


def _mail_text(text: str) -> str:
    if any(
        unicodedata.category(character) == "Cc" and character not in "\t\r\n" for character in text
    ):
        refuse(
            "holds a control character other than a tab or a line break",
            "Leave it out: a mail cannot show it.",
        )
    return whole_characters(text)


class Body(Keys, message.Body):
    """A mail's text."""

    content_type: Annotated[
        BodyType, BeforeValidator(one_of(BodyType, "is not a type of text that Graph knows"))
    ] = Field(description="Text or HTML")
    content: Annotated[StrictStr, AfterValidator(_mail_text), AfterValidator(_sent)] = Field(
        description="the mail's text"
    )


class Recipient(Keys, message.Recipient):
    """Whom a mail is sent to, or answers to it."""

    address: Address = Field(description="a mail address, e.g. finance@contoso.com")
    name: Annotated[
        Annotated[DisplayName, AfterValidator(_sent)] | None,
        Field(description="the name shown with the address"),
    ]


Recipients = Annotated[tuple[Recipient, ...], Field(description="a list of recipients")]

# Source: https://learn.microsoft.com/graph/api/user-sendmail and
# https://github.com/microsoftgraph/microsoft-graph-docs-contrib/issues/682. How characters beyond
# ASCII are counted is not said: here as \u and four digits, which is how JSON may write them.
LONGEST_REQUEST = 4 * 1024 * 1024


class Message(Keys, message.Message):
    """The mail."""

    subject: Annotated[
        StrictStr, AfterValidator(one_line), AfterValidator(_sent), AfterValidator(_subject)
    ] = Field(description="the mail's subject")
    body: Body = Field(description="contentType (Text or HTML) and content")
    to_recipients: Recipients
    cc_recipients: Recipients
    bcc_recipients: Recipients
    reply_to: Recipients
    importance: Annotated[
        Importance,
        BeforeValidator(one_of(Importance, "is not an importance that Graph knows")),
        Field(description="low, normal or high"),
    ]
    save_to_sent_items: Annotated[StrictBool, Field(description="true or false")]

    @model_validator(mode="after")
    def _fits_into_a_request(self) -> Self:
        size = len(json.dumps({"message": self.as_graph_has_it(), "saveToSentItems": False}))
        if size > LONGEST_REQUEST:
            refuse(
                f"makes a request of {size:,} bytes, and Graph takes {LONGEST_REQUEST:,} (4 MB)",
                "Shorten body.content: pictures that are written into it count as well.",
            )
        return self
