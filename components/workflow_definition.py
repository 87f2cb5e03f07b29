"""The definition of the workflow, as data.

Pure functions that return plain dictionaries: what is deployed can be compared, validated and read
without Pulumi. The shapes are those of the Workflow Definition Language, schema 2016-06-01:
https://learn.microsoft.com/azure/logic-apps/logic-apps-workflow-definition-language.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

SCHEMA = (
    "https://schema.management.azure.com/providers/Microsoft.Logic/schemas/2016-06-01/"
    "workflowdefinition.json#"
)

ACTION = "Send_mail"
"""Name of the action that sends."""

PROBE_ACTION = "Try_control_mailbox"
"""Name of the action that must be denied, in a workflow that has a probe."""

PROBE_TRIGGER = "Probe"
"""Name of the trigger that has the workflow try the control mailbox instead of sending."""

OWN_PROBE_ACTION = "Send_to_own_mailbox"
"""Name of the action that must be accepted, in a workflow that has a probe."""

OWN_PROBE_TRIGGER = "Probe_own_mailbox"
"""Name of the trigger that has the workflow send to its own mailbox instead of its recipients."""

HTTP_TRIGGER = "manual"
"""Name of the HTTP request trigger: the designer's own, which callback URLs contain."""

RECURRENCE_TRIGGER = "Recurrence"
"""Name of the recurrence trigger."""


def email_message(
    *,
    subject: str,
    content: str,
    content_type: str = "Text",
    to_recipients: Iterable[Mapping[str, str]] = (),
    cc_recipients: Iterable[Mapping[str, str]] = (),
    bcc_recipients: Iterable[Mapping[str, str]] = (),
    reply_to: Iterable[Mapping[str, str]] = (),
    importance: str | None = None,
) -> dict[str, Any]:
    """A Graph message resource.

    There is no ``from``: an application may send only as the mailbox in the address of the request.

    Args:
        subject: Subject line.
        content: Text of the body.
        content_type: ``Text`` or ``HTML``.
        to_recipients: Mappings with ``address`` and, where known, ``name``; the same for the rest.
        cc_recipients: Copies.
        bcc_recipients: Blind copies.
        reply_to: Where answers go.
        importance: ``low``, ``normal`` or ``high``; Graph's default is ``normal``.

    Returns:
        The ``message`` of https://learn.microsoft.com/graph/api/user-sendmail. Empty lists and an
        importance that is not given are left out.
    """
    lists = {
        "toRecipients": to_recipients,
        "ccRecipients": cc_recipients,
        "bccRecipients": bcc_recipients,
        "replyTo": reply_to,
    }
    message: dict[str, Any] = {
        "subject": subject,
        "body": {"contentType": content_type, "content": content},
    }
    for key, recipients in lists.items():
        if entries := [{"emailAddress": dict(recipient)} for recipient in recipients]:
            message[key] = entries
    if importance is not None:
        message["importance"] = importance
    return message


def http_request_trigger() -> dict[str, Any]:
    """A trigger that fires when its callback URL is posted to. The posted content is not used."""
    return {HTTP_TRIGGER: {"type": "Request", "kind": "Http", "inputs": {"schema": {}}}}


def recurrence_trigger(
    *,
    frequency: str,
    interval: int,
    start_time: str,
    time_zone: str | None = None,
    hours: Sequence[int] = (),
    minutes: Sequence[int] = (),
    week_days: Sequence[str] = (),
) -> dict[str, Any]:
    """A trigger that fires on a schedule.

    Args:
        frequency: ``Second``, ``Minute``, ``Hour``, ``Day``, ``Week`` or ``Month``.
        interval: How many of those lie between two runs.
        start_time: ISO 8601; ``…Z`` without a time zone, without ``Z`` with one. Not optional, and
            to be in the past: without it the first run fires at deployment, before the grant, and
            the platform then keeps a token without the permission for a day.
        time_zone: Windows name of a time zone, such as ``W. Europe Standard Time``.
        hours: Hours of the day, for ``Day`` and ``Week``.
        minutes: Minutes of the hour, for ``Day`` and ``Week``.
        week_days: Days, such as ``Monday``, for ``Week``.
    """
    recurrence: dict[str, Any] = {
        "frequency": frequency,
        "interval": interval,
        "startTime": start_time,
    }
    if time_zone is not None:
        recurrence["timeZone"] = time_zone
    schedule = {
        key: list(values)
        for key, values in (("hours", hours), ("minutes", minutes), ("weekDays", week_days))
        if values
    }
    if schedule:
        recurrence["schedule"] = schedule
    return {RECURRENCE_TRIGGER: {"type": "Recurrence", "recurrence": recurrence}}


@dataclass(frozen=True)
class Probe:
    """What a workflow can be told to try in place of sending.

    Attributes:
        own_address: Address of its own mailbox, which gets the mail that must be accepted.
        control_mailbox: User principal name, or object id, of the mailbox that must be denied.
    """

    own_address: str
    control_mailbox: str


def send_mail_definition(
    *,
    graph: str,
    mailbox_id: str,
    message: Mapping[str, Any],
    save_to_sent_items: bool,
    trigger: Mapping[str, Any],
    identity_id: str | None = None,
    probe: Probe | None = None,
) -> dict[str, Any]:
    """A workflow that sends one mail as one mailbox each time that it is triggered.

    With a probe it has two more triggers, which only Azure's management API can fire: by one the
    workflow sends a mail to its own mailbox and nobody else, by the other it sends nothing, and
    asks Graph to send a message without recipients as another mailbox. See
    ``docs/decisions/0011-proof-by-sending.md``.

    Args:
        graph: Base address of Microsoft Graph, without a trailing slash; also the audience of the
            identity's token, which Entra compares literally.
        mailbox_id: The mailbox's object id. Not its address: that may change, and be given to
            another mailbox.
        message: A Graph message (:func:`email_message`). Its texts are sent as they are, even where
            they look like workflow expressions; see :func:`literal`.
        save_to_sent_items: Whether the mailbox keeps a copy; Graph's default is that it does.
        trigger: One trigger by its name.
        identity_id: Azure resource id of the user-assigned identity that it runs as; ``None`` for a
            system-assigned one.
        probe: What it can be told to try; ``None`` for no probe.

    Raises:
        ValueError: A text of the message cannot be escaped; see :func:`literal`.
    """
    body: dict[str, Any] = {"message": literal(message)}
    if not save_to_sent_items:
        body["saveToSentItems"] = False
    authentication = {"type": "ManagedServiceIdentity", "audience": graph}
    if identity_id is not None:
        authentication["identity"] = identity_id
    actions = {ACTION: _send_mail(graph, mailbox_id, body, authentication)}
    triggers = dict(trigger)
    if probe is not None:
        own = _send_mail(graph, mailbox_id, _to_itself(probe.own_address), authentication)
        control = _send_mail(graph, probe.control_mailbox, _UNDELIVERABLE, authentication)
        actions = _choice(
            "Send_or_probe",
            PROBE_TRIGGER,
            {PROBE_ACTION: control},
            _choice("Send_to_whom", OWN_PROBE_TRIGGER, {OWN_PROBE_ACTION: own}, otherwise=actions),
        )
        triggers |= {PROBE_TRIGGER: _ON_REQUEST_ALONE, OWN_PROBE_TRIGGER: _ON_REQUEST_ALONE}
    return {
        "$schema": SCHEMA,
        "contentVersion": "1.0.0.0",
        "parameters": {},
        "triggers": triggers,
        "actions": actions,
        "outputs": {},
    }


def _send_mail(
    graph: str, user: str, body: Mapping[str, Any], authentication: Mapping[str, str]
) -> dict[str, Any]:
    return {
        "type": "Http",
        "runAfter": {},
        "inputs": {
            "method": "POST",
            "uri": f"{graph}/v1.0/users/{quote(user, safe='@')}/sendMail",
            "headers": {"Content-Type": "application/json"},
            "body": dict(body),
            "authentication": dict(authentication),
            # sendMail is not idempotent: a retry after a lost answer sends the mail twice.
            "retryPolicy": {"type": "none"},
        },
        # Graph answers 202 at once; without this the action may wait for a result to poll.
        "operationOptions": "DisableAsyncPattern",
        # The mail stays out of the run history. The answer stays in it: it holds no mail, and tells
        # a denial by policy from a missing permission.
        "runtimeConfiguration": {"secureData": {"properties": ["inputs"]}},
    }


_UNDELIVERABLE: dict[str, Any] = {
    "message": {
        "subject": "A probe that goes nowhere",
        "body": {"contentType": "Text", "content": "This message has no recipients."},
        # Whatever the answer, nobody can get it.
        "toRecipients": [],
    },
    "saveToSentItems": False,
}
_ON_REQUEST_ALONE: dict[str, Any] = {
    # A recurrence has no callback URL, so that nobody can fire it from outside.
    "type": "Recurrence",
    # As seldom as there is, from a time on that nobody waits for; Logic Apps takes 49 years.
    "recurrence": {"frequency": "Month", "interval": 16, "startTime": "2070-01-01T00:00:00Z"},
}


def _to_itself(address: str) -> dict[str, Any]:
    message = email_message(
        subject="A proof by sending",
        content="This workflow can send as its own mailbox. The mail went to nobody else, and can "
        "be deleted.",
        to_recipients=[{"address": address}],
    )
    return {"message": literal(message), "saveToSentItems": False}


def _choice(
    name: str, trigger: str, actions: Mapping[str, Any], otherwise: Mapping[str, Any]
) -> dict[str, Any]:
    """Some actions if a trigger fired, else others.

    The name of the trigger is in no reference of the function, only in public workflows. ``?``
    reads a missing one as none, so that the workflow sends.
    """
    choice = {
        "type": "If",
        "runAfter": {},
        "expression": {"and": [{"equals": ["@trigger()?['name']", trigger]}]},
        "actions": dict(actions),
        "else": {"actions": dict(otherwise)},
    }
    return {name: choice}


# Source: https://learn.microsoft.com/azure/logic-apps/logic-apps-limits-and-configuration
LONGEST_EXPRESSION = 8192
"""Characters that Logic Apps allows an expression."""


def literal(value: Any) -> Any:
    """The same value with every text escaped, so that none is taken for a workflow expression.

    The definition language evaluates a text that begins with ``@``, and ``@{…}`` anywhere in one.
    It documents two escapes: ``@@`` for an ``@`` at the beginning, and ``@@{`` for ``@{``
    (https://learn.microsoft.com/azure/logic-apps/logic-apps-workflow-definition-language#expressions).
    How they combine it does not say, so a text that would need it is refused
    (``docs/decisions/0010-texts-that-cannot-be-escaped.md``).

    Raises:
        ValueError: A text cannot be written so that it is certain to be sent as it is; the message
            says why, as the end of a sentence.
    """
    if isinstance(value, str):
        return _literal_text(value)
    if isinstance(value, Mapping):
        return {key: literal(entry) for key, entry in value.items()}
    if isinstance(value, Sequence):
        return [literal(entry) for entry in value]
    return value


def _literal_text(text: str) -> str:
    if text.startswith("@@") or "@@{" in text or (text.startswith("@") and "@{" in text[1:]):
        raise ValueError(
            "has @@ at its beginning, @@{ in it, or both an @ at its beginning and a later @{, and "
            "Microsoft does not say how a workflow is to be told to send that as it is"
        )
    escaped = f"@{text}" if text.startswith("@") else text.replace("@{", "@@{")
    if escaped != text and len(escaped) > LONGEST_EXPRESSION:
        raise ValueError(
            "begins with @ or has @{ in it, which Logic Apps reads as expressions are read, and "
            f"is longer than the {LONGEST_EXPRESSION} characters that one may have"
        )
    return escaped
