"""Texts of a workflow's definition: what is to be sent as it is, and what is to be evaluated.

https://learn.microsoft.com/azure/logic-apps/logic-apps-workflow-definition-language#expressions
"""

from collections.abc import Mapping, Sequence
from typing import Any

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


def quoted(text: str) -> str:
    """A text as an operand within an expression.

    Raises:
        ValueError: It has ``@{`` in it; the message says why, as the end of a sentence.
    """
    if "@{" in text:
        raise ValueError(
            "has @{ in it, and Microsoft does not say what that means inside of an expression"
        )
    return "'" + text.replace("'", "''") + "'"


def expression(text: str) -> str:
    """A text that is one expression, whose value takes its place.

    Raises:
        ValueError: It is too long; the message says why, as the end of a sentence.
    """
    return _no_longer_than_one(f"@{text}")


def interpolated(pieces: Sequence[str]) -> str:
    """A text in which the values of expressions stand.

    Args:
        pieces: Text and expression in turn, a text first and last.

    Raises:
        ValueError: It cannot be written so that it is certain to be sent as it is; the message says
            why, as the end of a sentence.
    """
    written = ""
    for text, inserted in zip(pieces[::2], pieces[1::2], strict=False):
        before = text.rstrip("@")
        # An @ right before the expression would escape it.
        at = text[len(before) :]
        written += before + "@{" + (f"concat({quoted(at)}, {inserted})" if at else inserted) + "}"
    written += pieces[-1]
    begins_with_at = written.startswith("@") and not written.startswith("@{")
    if begins_with_at or any("@{" in text for text in pieces[::2]):
        raise ValueError(
            "has both a placeholder and, at its beginning, an @, or an @{ anywhere, and Microsoft "
            "does not say how a workflow is to be told to send that as it is"
        )
    return _no_longer_than_one(written)


def _no_longer_than_one(written: str) -> str:
    if len(written) > LONGEST_EXPRESSION:
        raise ValueError(
            f"makes an expression of {len(written)} characters, and Logic Apps takes "
            f"{LONGEST_EXPRESSION}"
        )
    return written
