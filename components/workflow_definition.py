"""The definition of the workflow, as data.

Pure functions that return plain dictionaries: what is deployed can be compared, validated and read
without Pulumi. The shapes are those of the Workflow Definition Language, schema 2016-06-01:
https://learn.microsoft.com/azure/logic-apps/logic-apps-workflow-definition-language.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from .message import Body, Message, Recipient
from .placeholders import VALUES_ACTION, Filling, body_schema
from .trigger import HttpRequestTrigger, Trigger

SCHEMA = (
    "https://schema.management.azure.com/providers/Microsoft.Logic/schemas/2016-06-01/"
    "workflowdefinition.json#"
)

ACTION = "Send_mail"
"""Name of the action that sends; ``Send_mail_2`` and so on where Graph was too busy."""

MAIL_ACTION = "Mail"
"""Name of the action that holds the mail, which several others may send."""

ATTEMPTS = 4
"""How often a mail is tried to be sent; the attempts lie within conditions, which nest 8 deep."""

LONGEST_WAIT = 300
"""Seconds that are waited at most before another attempt."""

NOT_SENT = "MailNotSent"
"""Code of the error of a run whose mail Graph did not take."""

RECIPIENT_NOT_ALLOWED = "RecipientNotAllowed"
"""Code of the error of a run whose caller supplied a recipient that is not allowed."""

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
            expressions; see :func:`components.expressions.literal`. Only the placeholders of its
            parameters are filled: by the body of an HTTP trigger's call, else by their defaults.
        trigger: What starts the workflow.
        identity_id: Azure resource id of the user-assigned identity that it runs as; ``None`` for a
            system-assigned one.
        probe: What it can be told to try; ``None`` for no probe.

    Raises:
        ValueError: A text of the message cannot be written as it is, or a placeholder not filled.
    """
    filling = Filling(message, by_caller=isinstance(trigger, HttpRequestTrigger))
    body = _request(message, filling)
    authentication = {"type": "ManagedServiceIdentity", "audience": graph}
    if identity_id is not None:
        authentication["identity"] = identity_id
    send = _send_mail(graph, mailbox_id, f"@outputs('{MAIL_ACTION}')", authentication)
    actions = _after_values(filling, _composed(MAIL_ACTION, body) | _attempts(send))
    triggers = trigger.definition(body_schema(message))
    if probe is not None:
        proof = _to_itself(probe.own_address)
        own = _send_mail(
            graph, mailbox_id, _request(proof, Filling(proof, by_caller=False)), authentication
        )
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
    graph: str, user: str, body: Mapping[str, Any] | str, authentication: Mapping[str, str]
) -> dict[str, Any]:
    return {
        "type": "Http",
        "runAfter": {},
        "inputs": {
            "method": "POST",
            "uri": f"{graph}/v1.0/users/{quote(user, safe='@')}/sendMail",
            "headers": {"Content-Type": "application/json"},
            "body": body,
            "authentication": dict(authentication),
            # sendMail is not idempotent: a retry after a lost answer sends the mail twice. The
            # service's own policy would repeat such an answer as well as one that says "later".
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


def _request(message: Message, filling: Filling) -> dict[str, Any]:
    request: dict[str, Any] = {"message": filling.message()}
    if not message.save_to_sent_items:
        request["saveToSentItems"] = False
    return request


def _composed(name: str, value: Any) -> dict[str, Any]:
    """An action that computes a value, of which the run history shows nothing."""
    action = {
        "type": "Compose",
        "runAfter": {},
        "inputs": value,
        # Of a Compose this hides the outputs as well.
        "runtimeConfiguration": {"secureData": {"properties": ["inputs"]}},
    }
    return {name: action}


def _attempts(send: Mapping[str, Any], number: int = 1, after: str = MAIL_ACTION) -> dict[str, Any]:
    """Actions that send, and send again where Graph says that it was too busy to.

    Graph takes four requests at once of an application for a mailbox. 429 and 503 mean that nothing
    was done, and say after how many seconds to ask again
    (https://learn.microsoft.com/graph/throttling, https://learn.microsoft.com/graph/errors). Of a
    lost answer nobody knows whether the mail was sent: it is not asked again. Why not by a loop:
    ``docs/decisions/0024-throttling.md``.
    """
    end = "" if number == 1 else f"_{number}"
    name = f"{ACTION}{end}"
    actions: dict[str, Any] = {name: {**send, "runAfter": {after: ["Succeeded"]}}}
    if number == ATTEMPTS:
        return actions
    status = f"@outputs('{name}')?['statusCode']"
    not_sent = {
        "type": "Terminate",
        "runAfter": {},
        "inputs": {
            "runStatus": "Failed",
            "runError": {
                "code": NOT_SENT,
                "message": f"Graph did not take the mail, or its answer was lost: see {name}. What "
                "was lost is not asked again, since the mail may have been sent.",
            },
        },
    }
    actions[f"If_throttled{end}"] = {
        "type": "If",
        "runAfter": {name: ["Failed", "TimedOut"]},
        "expression": {"or": [{"equals": [status, 429]}, {"equals": [status, 503]}]},
        "actions": {
            f"Wait{end}": {
                "type": "Wait",
                "runAfter": {},
                "inputs": {"interval": {"count": _seconds(name), "unit": "Second"}},
            },
            **_attempts(send, number + 1, after=f"Wait{end}"),
        },
        "else": {"actions": {f"Not_sent{end}": not_sent}},
    }
    return actions


def _seconds(name: str) -> str:
    """An expression for how long to wait after the answer to an action: half a minute if unsaid."""
    said = f"coalesce(outputs('{name}')?['headers']?['Retry-After'], '30')"
    return f"@max(1, min({LONGEST_WAIT}, int(if(isInt({said}), {said}, '30'))))"


def _after_values(filling: Filling, actions: dict[str, Any]) -> dict[str, Any]:
    """Some actions, after what they need of the caller is computed, and allowed.

    A recipient that is not makes the run fail: a condition of the trigger would let the call end
    without a trace, and an answer to the caller needs an action of type Response, with which no
    workflow has a recurrence (``docs/decisions/0023-what-a-caller-supplies.md``).
    """
    if not filling.values:
        return actions
    computed = _composed(VALUES_ACTION, filling.values)
    after = {VALUES_ACTION: ["Succeeded"]}
    checks = filling.recipients_allowed()
    if not checks:
        return computed | {
            name: each if each["runAfter"] else each | {"runAfter": after}
            for name, each in actions.items()
        }
    refusal = {
        "type": "Terminate",
        "runAfter": {},
        "inputs": {
            "runStatus": "Failed",
            "runError": {
                "code": RECIPIENT_NOT_ALLOWED,
                "message": "The caller supplied a recipient that is not among allowedRecipients. "
                "Nothing was sent.",
            },
        },
    }
    condition = {
        "type": "If",
        "runAfter": after,
        "expression": {"and": [{"equals": [check, True]} for check in checks]},
        "actions": actions,
        "else": {"actions": {"Refuse_recipient": refusal}},
    }
    return computed | {"If_recipients_are_allowed": condition}


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
