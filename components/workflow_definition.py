"""The definition of the workflow, as data.

Pure functions that return plain dictionaries: what is deployed can be compared, validated and read
without Pulumi. The shapes are those of the Workflow Definition Language, schema 2016-06-01:
https://learn.microsoft.com/azure/logic-apps/logic-apps-workflow-definition-language.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from .message import Body, Message, Recipient
from .trigger import Trigger

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
    message: Message,
    trigger: Trigger,
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
        message: The mail. Its texts are sent as they are, even where they look like workflow
            expressions; see :func:`literal`.
        trigger: What starts the workflow.
        identity_id: Azure resource id of the user-assigned identity that it runs as; ``None`` for a
            system-assigned one.
        probe: What it can be told to try; ``None`` for no probe.

    Raises:
        ValueError: A text of the message cannot be escaped; see :func:`literal`.
    """
    body = _request(message)
    authentication = {"type": "ManagedServiceIdentity", "audience": graph}
    if identity_id is not None:
        authentication["identity"] = identity_id
    actions = {ACTION: _send_mail(graph, mailbox_id, body, authentication)}
    triggers = trigger.definition()
    if probe is not None:
        own = _send_mail(graph, mailbox_id, _request(_to_itself(probe.own_address)), authentication)
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


def _to_itself(address: str) -> Message:
    return Message(
        subject="A proof by sending",
        body=Body(
            content="This workflow can send as its own mailbox. The mail went to nobody else, and "
            "can be deleted."
        ),
        to_recipients=[Recipient(address=address)],
        save_to_sent_items=False,
    )


def _request(message: Message) -> dict[str, Any]:
    request: dict[str, Any] = {"message": literal(message.as_graph_has_it())}
    if not message.save_to_sent_items:
        request["saveToSentItems"] = False
    return request


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
