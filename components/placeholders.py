"""What a mail is filled with: values for ``{{name}}``, files; and whom a caller may send it to.

A workflow first computes all that depends on its caller, in one action, so that what is checked is
what is sent. The functions are those of
https://learn.microsoft.com/azure/logic-apps/expression-functions-reference.
"""

import base64
import html
import re
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import Any

from .expressions import expression, interpolated, literal, quoted
from .message import Attachment, BodyType, Message, Parameter, ParameterType

PLACEHOLDER = re.compile(r"\{\{ *([A-Za-z][A-Za-z0-9_]*) *\}\}")

VALUES_ACTION = "Values"
"""Name of the action that computes what depends on the caller."""

LONGEST_FILES = 3_999_996
"""Characters of base64 that the files of a mail may have together: those of 2,999,997 bytes.

Graph takes a file of under 3 MB in one request (https://learn.microsoft.com/graph/outlook-large-attachments),
and a request of 4 MB.
"""

# An address that is compared is made of these, @ and the characters that no URI escapes.
_MARKS = "+'"


class Form(StrEnum):
    """How a value is written in a place of the mail."""

    TEXT = "text"
    LINE = "line"
    HTML = "html"


def placeholders(text: str) -> list[str]:
    """The names of a text's placeholders, in their order."""
    return [match[1] for match in PLACEHOLDER.finditer(text)]


def written_default(parameter: Parameter) -> str:
    """A default as the mail has it."""
    default = parameter.default
    return str(default).lower() if isinstance(default, bool) else str(default)


def body_schema(message: Message) -> dict[str, Any]:
    """The JSON schema that the body of a call has to match; empty without parameters.

    Raises:
        ValueError: A description cannot be written as it is, or an attached file not be read; the
            message says why, as the end of a sentence.
    """
    if not message.parameters:
        return {}
    properties = {}
    for name, parameter in message.parameters.items():
        described: dict[str, Any] = {"type": str(parameter.type)}
        if parameter.type is ParameterType.FILE:
            described = _file_schema(longest_file(message))
        if parameter.max_length is not None:
            described["maxLength"] = parameter.max_length
        if parameter.description is not None:
            described["description"] = literal(parameter.description)
        properties[name] = described
    required = [name for name, each in message.parameters.items() if each.default is None]
    return {
        "type": "object",
        "properties": properties,
        **({"required": required} if required else {}),
        "additionalProperties": False,
    }


def longest_file(message: Message) -> int:
    """Characters of base64 that each file of a caller may have, so that all go into one request.

    Raises:
        ValueError: A file cannot be read; the message says why, as the end of a sentence.
    """
    own = sum(len(content_of(attachment)) for attachment in message.attachments)
    return (LONGEST_FILES - own) // len(_files(message))


def content_of(attachment: Attachment) -> str:
    """What a file holds, in base64.

    Raises:
        ValueError: It cannot be read; the message says why, as the end of a sentence.
    """
    try:
        return base64.b64encode(Path(attachment.path).read_bytes()).decode()
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise ValueError(f"cannot be read from {Path.cwd()}: {why}") from None


def _files(message: Message) -> list[str]:
    """The names of the parameters that are files."""
    return [
        name
        for name, parameter in message.parameters.items()
        if parameter.type is ParameterType.FILE
    ]


def _file_schema(longest: int) -> dict[str, Any]:
    text = {"type": "string", "maxLength": 255}
    return {
        "type": "object",
        "properties": {
            "name": text,
            "contentType": text,
            "contentBytes": {"type": "string", "maxLength": longest},
        },
        "required": ["name", "contentType", "contentBytes"],
        "additionalProperties": False,
    }


class Filling:
    """Fills a message's placeholders, and remembers what has to be computed for it.

    Args:
        message: The message.
        by_caller: Whether a caller supplies the values; else the defaults stand for them.
    """

    def __init__(self, message: Message, *, by_caller: bool) -> None:
        self._message = message
        self._by_caller = by_caller
        self._forms: dict[str, dict[str, str]] = {}
        self._addresses: list[str] = []
        self.recipients: list[int] = []
        """Of the computed addresses, those that a mail is sent to."""

    def message(self) -> dict[str, Any]:
        """The ``message`` of sendMail, as the definition of a workflow has it.

        Raises:
            ValueError: A text cannot be written; the message says why, as the end of a sentence.
        """
        filled = self._message.as_graph_has_it()
        filled["subject"] = self.text(filled["subject"], Form.LINE)
        form = Form.HTML if self._message.body.content_type is BodyType.HTML else Form.TEXT
        filled["body"]["content"] = self.text(filled["body"]["content"], form)
        for key in ("toRecipients", "ccRecipients", "bccRecipients", "replyTo"):
            for recipient in filled.get(key, []):
                email = recipient["emailAddress"]
                email["address"] = self.address(email["address"], sent_to=key != "replyTo")
                if "name" in email:
                    email["name"] = self.text(email["name"], Form.LINE)
        if attachments := [*self._own_files(), *map(self._file, _files(self._message))]:
            filled["attachments"] = attachments
        return filled

    def _own_files(self) -> Iterator[dict[str, str]]:
        for attachment in self._message.attachments:
            name = attachment.name or PurePosixPath(attachment.path).name
            yield _file_attachment(
                str(literal(name)), str(literal(attachment.content_type)), content_of(attachment)
            )

    def _file(self, name: str) -> dict[str, str]:
        if not self._by_caller:
            raise ValueError(f"has the file {name} attached, which no call supplies")
        file = f"triggerBody()?['{name}']"
        return _file_attachment(
            expression(_on_one_line(f"{file}?['name']")),
            expression(_on_one_line(f"{file}?['contentType']")),
            expression(f"{file}?['contentBytes']"),
        )

    def text(self, text: str, form: Form) -> str:
        """A text of the mail.

        Raises:
            ValueError: It cannot be written; the message says why, as the end of a sentence.
        """

        def reference(name: str) -> str:
            value = _value(name, self._parameter(name), form)
            self._forms.setdefault(form, {})[name] = expression(value)
            return f"outputs('{VALUES_ACTION}')['{form}']['{name}']"

        return self._filled(text, reference, form)

    def address(self, address: str, *, sent_to: bool) -> str:
        """An address of the mail.

        Raises:
            ValueError: As for a text; or nothing limits whom a caller may have the mail sent to.
        """
        if not self._message.parameters or not placeholders(address):
            return str(literal(address))
        if sent_to and not self._message.allowed_recipients:
            raise ValueError(
                "has a placeholder, and nothing limits whom a caller may have the mail sent to"
            )
        plain = self._filled(
            address, lambda name: _value(name, self._parameter(name), Form.TEXT), Form.TEXT
        )
        if not self._by_caller:
            if sent_to and not is_allowed(plain, self._message.allowed_recipients):
                raise ValueError(f"is {plain} by default, which is not among allowedRecipients")
            return plain
        if plain not in self._addresses:
            self._addresses.append(plain)
        index = self._addresses.index(plain)
        if sent_to and index not in self.recipients:
            self.recipients.append(index)
        return f"@outputs('{VALUES_ACTION}')['addresses'][{index}]"

    @property
    def values(self) -> dict[str, Any]:
        """What the action :data:`VALUES_ACTION` computes; nothing where nothing depends on it."""
        addresses = {"addresses": self._addresses} if self._addresses else {}
        return {**self._forms, **addresses}

    def recipients_allowed(self) -> list[str]:
        """An expression for each address of a caller, true where the mail may be sent to it.

        Raises:
            ValueError: One is too long; the message says why, as the end of a sentence.
        """
        allowed = self._message.allowed_recipients
        return [
            expression(_allows(f"outputs('{VALUES_ACTION}')['addresses'][{index}]", allowed))
            for index in self.recipients
        ]

    def _parameter(self, name: str) -> Parameter:
        parameter = self._message.parameters.get(name)
        if parameter is None:
            raise ValueError(f"has the placeholder {{{{{name}}}}}, and no parameter has that name")
        if parameter.type is ParameterType.FILE:
            raise ValueError(f"has the placeholder {{{{{name}}}}}, and that is a file")
        return parameter

    def _filled(self, text: str, reference: Callable[[str], str], form: Form) -> str:
        names = placeholders(text) if self._message.parameters else []
        if not names:
            return str(literal(text))
        if self._by_caller:
            pieces = PLACEHOLDER.split(text)
            pieces[1::2] = [reference(name) for name in names]
            return interpolated(pieces)
        for name in names:
            if self._parameter(name).default is None:
                raise ValueError(f"needs {name}, which has no default, and no call supplies it")
        return str(
            literal(
                PLACEHOLDER.sub(
                    lambda match: _default(self._message.parameters[match[1]], form), text
                )
            )
        )


def _file_attachment(name: str, content_type: str, content: str) -> dict[str, str]:
    return {
        # Of a name too, @@ is an @ that begins no expression.
        "@@odata.type": "#microsoft.graph.fileAttachment",
        "name": name,
        "contentType": content_type,
        "contentBytes": content,
    }


def _on_one_line(value: str) -> str:
    for line_end in ("%0D%0A", "%0D", "%0A"):
        value = f"replace({value}, decodeUriComponent('{line_end}'), ' ')"
    return value


def _default(parameter: Parameter, form: Form) -> str:
    text = written_default(parameter)
    if form is Form.HTML:
        return html.escape(text).replace("&#x27;", "&#39;")
    return " ".join(text.splitlines()) if form is Form.LINE else text


def _value(name: str, parameter: Parameter, form: Form) -> str:
    """An expression for what a caller supplies, as a text in that form."""
    value = f"triggerBody()?['{name}']"
    if parameter.type is ParameterType.BOOLEAN:
        if parameter.default is not None:
            value = f"coalesce({value}, {written_default(parameter)})"
        return f"if({value}, 'true', 'false')"
    if parameter.default is not None:
        value = f"coalesce({value}, {quoted(written_default(parameter))})"
    if parameter.type is not ParameterType.STRING:
        return f"string({value})"
    if form is Form.HTML:
        # The ampersand first, since what the others become has one.
        for character, entity in (
            ("'&'", "'&amp;'"),
            ("'<'", "'&lt;'"),
            ("'>'", "'&gt;'"),
            ("'\"'", "'&quot;'"),
            ("''''", "'&#39;'"),
        ):
            value = f"replace({value}, {character}, {entity})"
    elif form is Form.LINE:
        value = _on_one_line(value)
    return value


def _split(allowed: Sequence[str]) -> tuple[list[str], list[str]]:
    """Addresses and domains, in lower case."""
    lower = [entry.lower() for entry in allowed]
    addresses = [entry for entry in lower if "@" in entry]
    return addresses, [entry for entry in lower if "@" not in entry]


def is_allowed(address: str, allowed: Sequence[str]) -> bool:
    """What :meth:`Filling.recipients_allowed` asks of an address, for one that is known."""
    addresses, domains = _split(allowed)
    return address.lower() in addresses or address.lower().rpartition("@")[2] in domains


def _allows(address: str, allowed: Sequence[str]) -> str:
    """An expression that is true where an address is a single plain one, and is allowed.

    ``uriComponent`` leaves letters, digits and ``-._~`` as they are. What else an address may hold
    is left out of the comparison; blanks, commas, double quotes, brackets and all beyond ASCII do
    not pass. An ``IMCEA…`` address is another one in disguise.
    """
    plain = address
    for mark in f"@{_MARKS}":
        plain = f"replace({plain}, {quoted(mark)}, '')"
    addresses, domains = _split(allowed)
    among = []
    if addresses:
        among.append(
            f"contains(createArray({', '.join(map(quoted, addresses))}), toLower({address}))"
        )
    if domains:
        among.append(
            f"contains(createArray({', '.join(map(quoted, domains))}), "
            f"toLower(last(split({address}, '@'))))"
        )
    is_among = among[0] if len(among) == 1 else f"or({', '.join(among)})"
    return (
        f"and(equals(length(split({address}, '@')), 2), equals(uriComponent({plain}), {plain}), "
        f"not(startsWith({address}, '@')), not(startsWith(toLower({address}), 'imcea')), "
        f"{is_among})"
    )
