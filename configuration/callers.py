"""Rules for what a caller supplies: the parameters of a mail, and the places that they fill."""

import base64
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pulumi
from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from components.expressions import quoted
from components.message import Body, BodyType, Message, ParameterType
from components.placeholders import PLACEHOLDER, Filling, Form, content_of, placeholders
from configuration.defaults import senders_of, value_at
from configuration.keys import StackConfiguration
from configuration.messages import LONGEST_SUBJECT, Attachment, Parameter
from configuration.mistakes import ABSENT, KeyPath, Mistake, did_you_mean, listed, write_path
from configuration.values import check_address

RECIPIENTS = ("toRecipients", "ccRecipients", "bccRecipients")
"""Keys of those whom a mail is sent to."""

_TYPES: dict[ParameterType, tuple[type, ...]] = {
    ParameterType.STRING: (str,),
    ParameterType.INTEGER: (int,),
    ParameterType.NUMBER: (int, float),
    ParameterType.BOOLEAN: (bool,),
    ParameterType.FILE: (),
}
# Characters that the longest value of a type has: of 64 bits, with a sign, a point and an exponent.
_LENGTHS = {ParameterType.BOOLEAN: 5, ParameterType.INTEGER: 20, ParameterType.NUMBER: 24}


def what_callers_supply(values: Mapping[str, object]) -> Iterator[Mistake]:
    """What is wrong with the parameters of mails, and with the texts that have placeholders."""
    for sender_path, sender in senders_of(values):
        given = value_at(sender, ("message",))
        if not isinstance(given, dict):
            continue
        try:
            parameters = {
                name: Parameter.model_validate(each)
                for name, each in (given.get("parameters") or {}).items()
            }
        except (AttributeError, ValidationError):
            continue
        by_caller = value_at(sender, ("trigger", "type")) != "recurrence"
        path = (*sender_path, "message")
        mistakes = [
            mistake
            for name, parameter in parameters.items()
            for mistake in _parameter((*path, "parameters", name), parameter, by_caller)
        ]
        yield from mistakes
        if mistakes:
            continue
        allowed = given.get("allowedRecipients")
        message = Message(
            subject="",
            body=Body(content=""),
            parameters=parameters,
            allowed_recipients=[str(each) for each in allowed] if isinstance(allowed, list) else [],
        )
        for place, text, form in _texts(given):
            for problem, remedy in _text(message, place, text, form, by_caller):
                yield Mistake((*path, *place), text, problem, remedy)


def warn_of_expressions(configuration: StackConfiguration) -> None:
    """Warns once of texts that look like expressions of Logic Apps, and are sent as written."""
    found = []
    for index, sender in enumerate(configuration.senders):
        message = sender.message.model_dump(by_alias=True)
        for path, text, _ in _texts(message):
            plain = PLACEHOLDER.sub("", text) if sender.message.parameters else text
            if "@{" in plain or re.match(r"@[A-Za-z]+\(", plain):
                found.append(write_path(("senders", index, "message", *path)))
    if found:
        pulumi.log.warn(
            f"What looks like an expression of Logic Apps is sent as it is written: "
            f"{', '.join(found)}. To send what the caller of the trigger supplies, declare it "
            "under message.parameters, e.g. 'customer: {type: string}', and write {{customer}}."
        )


# Microsoft states no length for a workflow's definition. Resource Manager takes a megabyte of a
# resource in a template (https://learn.microsoft.com/azure/azure-resource-manager/templates/best-practices),
# and the definition holds the files in base64, beside the mail.
LARGEST_FILES = 700_000


def attachments(values: Mapping[str, object]) -> Iterator[Mistake]:
    """What is wrong with the files that mails have attached."""
    for sender_path, sender in senders_of(values):
        given = value_at(sender, ("message", "attachments"))
        sizes: dict[KeyPath, int] = {}
        for index, each in enumerate(given if isinstance(given, list) else []):
            path: KeyPath = (*sender_path, "message", "attachments", index, "path")
            try:
                attachment = Attachment.model_validate(each)
                sizes[path] = len(base64.b64decode(content_of(attachment)))
            except ValidationError:
                continue
            except ValueError as error:
                yield Mistake(
                    path,
                    each["path"],
                    str(error),
                    "Write the path of a file of the project, from its folder.",
                )
        if sum(sizes.values()) > LARGEST_FILES:
            largest = max(sizes, key=lambda path: sizes[path])
            yield Mistake(
                largest,
                ABSENT,
                f"has {sizes[largest]:,} of the mail's {sum(sizes.values()):,} bytes of files, "
                f"and a workflow takes {LARGEST_FILES:,}",
                "Write a link to it into the mail, or have callers supply it: a parameter of type "
                "file, up to 3 MB.",
            )


def _parameter(path: KeyPath, parameter: Parameter, by_caller: bool) -> Iterator[Mistake]:
    default, kind, longest = parameter.default, parameter.type, parameter.max_length
    if longest is not None and kind is not ParameterType.STRING:
        yield Mistake(
            (*path, "maxLength"),
            longest,
            f"is the length of a string, and this is of the type {kind}",
            "Leave it out.",
        )
    if default is None:
        if not by_caller:
            yield Mistake(
                path,
                ABSENT,
                "has no default, and nobody supplies a value to a recurrence",
                "Use a trigger of type httpRequest."
                if kind is ParameterType.FILE
                else "Write a default, or use a trigger of type httpRequest.",
            )
        return
    problem = ""
    if not isinstance(default, _TYPES[kind]) or (
        isinstance(default, bool) and kind is not ParameterType.BOOLEAN
    ):
        problem = f"is not a value of the type {kind}, which has no default"
        if _TYPES[kind]:
            problem = f"is not a value of the type {kind}"
    elif isinstance(default, str):
        if longest is not None and len(default) > longest:
            problem = f"has {len(default)} characters, and its maxLength is {longest}"
        try:
            quoted(default)
        except ValueError as error:
            problem = str(error)
    if problem:
        yield Mistake(
            (*path, "default"),
            default,
            problem,
            "Write another default." if _TYPES[kind] else "Leave it out.",
        )


def _texts(message: Mapping[str, Any]) -> Iterator[tuple[KeyPath, str, Form | None]]:
    """What of a mail may have placeholders: where, the text, and its form; none of an address."""
    html = value_at(message, ("body", "contentType")) == BodyType.HTML
    places: list[tuple[KeyPath, Form | None]] = [
        (("subject",), Form.LINE),
        (("body", "content"), Form.HTML if html else Form.TEXT),
    ]
    for key in (*RECIPIENTS, "replyTo"):
        given = message.get(key)
        for index in range(len(given) if isinstance(given, list) else 0):
            places += [((key, index, "address"), None), ((key, index, "name"), Form.LINE)]
    for path, form in places:
        text: Any = message
        for step in path:
            known = isinstance(step, int) or (isinstance(text, dict) and step in text)
            text = text[step] if known else None
        if isinstance(text, str):
            yield path, text, form


def _text(
    message: Message, place: KeyPath, text: str, form: Form | None, by_caller: bool
) -> Iterator[tuple[str, str]]:
    """What is wrong with the placeholders of a text, and what to write."""
    names, declared = placeholders(text), message.parameters
    if not names:
        return
    if not declared:
        if form is None:
            yield (
                "has a placeholder, and message.parameters declares none",
                "Declare it there, or write an address.",
            )
        return
    if unknown := sorted(set(names) - declared.keys()):
        yield (
            f"has {{{{{unknown[0]}}}}}, which message.parameters does not declare",
            f"Declare it there, or write {listed([f'{{{{{name}}}}}' for name in declared])}."
            f"{did_you_mean(unknown[0], declared)}",
        )
    elif files := [name for name in names if declared[name].type is ParameterType.FILE]:
        yield (
            f"has {{{{{files[0]}}}}}, which is a file: it is attached, and stands in no text",
            "Leave it out.",
        )
    elif form is None:
        yield from _address(message, text, sent_to=place[0] != "replyTo", by_caller=by_caller)
    else:
        try:
            Filling(message, by_caller=by_caller).text(text, form)
        except ValueError as error:
            yield str(error), "Shorten or change it; in HTML write &#64; instead of @."
        if place == ("subject",):
            yield from _length(text, names, declared)


def _address(
    message: Message, text: str, *, sent_to: bool, by_caller: bool
) -> Iterator[tuple[str, str]]:
    if PLACEHOLDER.fullmatch(text) is None:
        try:
            check_address(PLACEHOLDER.sub("x.com", text))
        except PydanticCustomError:
            yield (
                "is not a mail address, whatever its placeholders are",
                "Write for example '{{recipient}}', or '{{name}}@contoso.com'.",
            )
            return
    if sent_to and not message.allowed_recipients:
        yield (
            "has a placeholder, and nothing limits whom a caller may have the mail sent to",
            "Write message.allowedRecipients: addresses such as finance@contoso.com, or domains "
            "such as contoso.com.",
        )
        return
    try:
        if all(message.parameters[name].default is not None for name in placeholders(text)):
            Filling(message, by_caller=False).address(text, sent_to=sent_to)
        if by_caller:
            filling = Filling(message, by_caller=True)
            filling.address(text, sent_to=sent_to)
            filling.recipients_allowed()
    except ValueError as error:
        yield str(error), "Write other defaults, or other or fewer allowedRecipients."


def _length(
    subject: str, names: list[str], declared: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    lengths = {name: _LENGTHS.get(declared[name].type, declared[name].max_length) for name in names}
    if endless := [name for name in names if lengths[name] is None]:
        yield (
            f"has {{{{{endless[0]}}}}}, whose length nothing limits, and Exchange keeps "
            f"{LONGEST_SUBJECT} characters of a subject",
            f"Write maxLength below message.parameters.{endless[0]}.",
        )
        return
    longest = len(PLACEHOLDER.sub("", subject)) + sum(lengths[name] or 0 for name in names)
    if longest > LONGEST_SUBJECT:
        yield (
            f"may come to {longest} characters, and Exchange keeps {LONGEST_SUBJECT} of a subject",
            "Shorten it, or lower the maxLength of its parameters.",
        )
