"""What sendMail accepts as its body (Graph v1.0, user: sendMail)."""

import base64
import binascii
import json
import re
from typing import Any

from simulator.tenant.graph import exceptions
from simulator.tenant.store import Document

RECIPIENT_LISTS = ("toRecipients", "ccRecipients", "bccRecipients", "replyTo")
PARAMETERS = ("message", "saveToSentItems")
IMPORTANCE = ("low", "normal", "high")
CONTENT_TYPES = ("text", "html")
# Of message's many properties those that make up a mail. The rest exist too, and are refused as
# not simulated rather than dropped.
OTHER_PROPERTIES = (
    "categories",
    "flag",
    "internetMessageHeaders",
    "isDeliveryReceiptRequested",
    "isReadReceiptRequested",
    "sender",
    "singleValueExtendedProperties",
    "multiValueExtendedProperties",
)
# Source: the Exchange Online limits, "Sending limits"; 500 unless the mailbox has another limit.
MOST_RECIPIENTS = 500
# How Graph counts characters beyond ASCII is not said; a message of 1.5 MB was refused as well:
# https://github.com/O365/python-o365/issues/308. So they count as JSON escapes.
LONGEST_REQUEST = 4 * 1024 * 1024
# "If the file size is under 3 MB": https://learn.microsoft.com/graph/outlook-large-attachments.
# What a larger one gets in a message that is sent is not said: refused, in our words.
TOO_LARGE_A_FILE = 3_000_000
_FILE = "#microsoft.graph.fileAttachment"
# What Exchange keeps of an item by its schema for EWS, https://github.com/demisto/content/pull/11937.
# What sendMail makes of a longer one is not on record: refused, in our words.
LONGEST_SUBJECT = 255
ADDRESS = re.compile(r"[^@\s<>]+@[^@\s<>]+\.[^@\s<>]+")


def _object(value: Any, type_name: str, properties: tuple[str, ...]) -> Document:
    """The value as an object of a Graph type that has these properties."""
    if not isinstance(value, dict):
        raise exceptions.unreadable(
            f"An unexpected node was found when reading from the JSON reader: a value of type "
            f"'{type_name}' was expected."
        )
    kind = value.get("@odata.type", f"#{type_name}")
    if kind != f"#{type_name}":
        raise exceptions.unreadable(f"A value of type '{kind}' is not one of type '#{type_name}'.")
    for name in value:
        if name not in (*properties, "@odata.type"):
            if type_name == "microsoft.graph.message" and name in OTHER_PROPERTIES:
                raise exceptions.not_simulated(
                    f"The simulated tenant sends no message with {name!r}."
                )
            raise exceptions.unreadable(
                f"The property '{name}' does not exist on type '{type_name}'. Make sure to only "
                "use property names that are defined by the type."
            )
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise exceptions.unreadable(
            f"Cannot convert the literal '{value}' to the expected type 'Edm.String'."
        )
    return value


def _one_of(value: Any, values: tuple[str, ...]) -> None:
    if _text(value).casefold() not in values:
        raise exceptions.unreadable(f"Requested value '{value}' was not found.")


def _recipient(value: Any) -> str:
    recipient = _object(value, "microsoft.graph.recipient", ("emailAddress",))
    email = _object(
        recipient.get("emailAddress"), "microsoft.graph.emailAddress", ("address", "name")
    )
    _text(email.get("name", ""))
    address = _text(email.get("address", ""))
    if not ADDRESS.fullmatch(address):
        raise exceptions.invalid_recipients(
            f"At least one recipient is not valid., Recipient '{address}' is not resolved. All "
            "recipients must be resolved before a message can be submitted.",
        )
    return address


def _check_attachment(value: Any) -> None:
    if not isinstance(value, dict) or "@odata.type" not in value:
        # The collection's type is abstract, so each says which it is.
        raise exceptions.unreadable(
            "An unexpected node was found when reading from the JSON reader: an attachment needs "
            "'@odata.type'."
        )
    if value["@odata.type"] != _FILE:
        raise exceptions.not_simulated(f"The simulated tenant attaches no {value['@odata.type']}.")
    attachment = _object(
        value, "microsoft.graph.fileAttachment", ("name", "contentType", "contentBytes")
    )
    _text(attachment.get("contentType", ""))
    for name in ("name", "contentBytes"):
        if not _text(attachment.get(name, "")):
            raise exceptions.invalid_request(f"Required property {name} is missing.")
    try:
        content = base64.b64decode(attachment["contentBytes"], validate=True)
    except binascii.Error:
        raise exceptions.unreadable(
            f"Cannot convert the literal '{attachment['contentBytes'][:40]}' to the expected type "
            "'Edm.Binary'."
        ) from None
    if len(content) >= TOO_LARGE_A_FILE:
        raise exceptions.invalid_request(
            f"The attachment {attachment['name']} has {len(content)} bytes: 3 MB and more need an "
            "upload session.",
        )


def check_length(body: Any) -> None:
    """Refuses a body beyond 4 MB, before anything is looked at."""
    if len(json.dumps(body)) > LONGEST_REQUEST:
        raise exceptions.request_too_long()


def _spelt(body: Any) -> Any:
    """The parameters of sendMail by their documented names.

    Microsoft's SDKs write Message and SaveToSentItems: parameters of actions count without regard
    to case, properties of types do not.
    """
    if not isinstance(body, dict):
        return body
    spelling = {name.casefold(): name for name in PARAMETERS}
    spelt = {spelling.get(name.casefold(), name): value for name, value in body.items()}
    if len(spelt) < len(body):
        raise exceptions.unreadable("A parameter of sendMail is given more than once.")
    return spelt


def checked_message(body: Any) -> tuple[Document, bool]:
    """The message exactly as received, and whether it goes to Sent Items.

    Raises:
        CloudError: 400 as Graph answers it.
    """
    parameters = _object(_spelt(body), "sendMail", PARAMETERS)
    if "message" not in parameters:
        raise exceptions.unreadable("The parameter 'message' in the request payload is missing.")
    message = _object(
        parameters["message"],
        "microsoft.graph.message",
        ("subject", "body", "importance", "from", "attachments", *RECIPIENT_LISTS),
    )
    if not isinstance(attachments := message.get("attachments", []), list):
        raise exceptions.unreadable("A collection was expected as the value of 'attachments'.")
    for attachment in attachments:
        _check_attachment(attachment)
    if len(_text(message.get("subject", ""))) > LONGEST_SUBJECT:
        raise exceptions.invalid_request(
            f"The subject has more than {LONGEST_SUBJECT} characters.",
        )
    if "body" in message:
        content = _object(message["body"], "microsoft.graph.itemBody", ("contentType", "content"))
        _one_of(content.get("contentType", "text"), CONTENT_TYPES)
        _text(content.get("content", ""))
    if "importance" in message:
        _one_of(message["importance"], IMPORTANCE)
    recipients: dict[str, list[str]] = {}
    for name in RECIPIENT_LISTS:
        values = message.get(name, [])
        if not isinstance(values, list):
            raise exceptions.unreadable(f"A collection was expected as the value of '{name}'.")
        recipients[name] = [_recipient(value) for value in values]
    if not any(recipients[name] for name in RECIPIENT_LISTS if name != "replyTo"):
        raise exceptions.invalid_recipients(
            "At least one recipient is not valid., A message can't be sent because it contains no "
            "recipients.",
        )
    if (
        sum(len(recipients[name]) for name in RECIPIENT_LISTS if name != "replyTo")
        > MOST_RECIPIENTS
    ):
        # Exchange Online says so in a non-delivery report, later on ("5.5.3 ... too many
        # recipients"). At once, it cannot be overlooked.
        raise exceptions.invalid_recipients(
            f"The message has more than {MOST_RECIPIENTS} recipients.",
        )
    save = parameters.get("saveToSentItems", True)
    # Graph's own example has "false" as a string, and so has the manual procedure.
    if isinstance(save, str) and save.casefold() in ("true", "false"):
        save = save.casefold() == "true"
    if not isinstance(save, bool):
        raise exceptions.unreadable(
            f"Cannot convert the literal '{save}' to the expected type 'Edm.Boolean'."
        )
    return message, save


def check_sender(message: Document, mailbox: Document) -> None:
    """Refuses ``from`` unless it is the mailbox that sends."""
    if "from" not in message:
        return
    address = _recipient(message["from"])
    if address.casefold() not in map(str.casefold, mailbox["addresses"]):
        raise exceptions.send_as_denied()
