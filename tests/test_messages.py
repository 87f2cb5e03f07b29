"""docs/messages.md lists every message, and none that does not exist."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.provider_errors import MEANINGS, OF_DELETIONS, Came
from components.workflow_definition import NOT_SENT, RECIPIENT_NOT_ALLOWED

ROOT = Path(__file__).resolve().parent.parent
ROWS = re.findall(
    r"^\| `(.+?)` \|", (ROOT / "docs" / "messages.md").read_text(encoding="utf-8"), re.MULTILINE
)
SCRIPTS = [
    path.read_text(encoding="utf-8")
    for path in sorted((ROOT / "components" / "exchange" / "powershell").glob("*.ps*1"))
]
THROWN = re.compile(r"""\b(?:throw|Stop-Convergence -Reason)\s+("[^"]*"|'[^']*')""")
# What a script says without throwing: warnings, findings of the proof, errors with a remedy.
SAID = re.compile(
    r"""(?:^\s+|Write-Step -Message |\{ )("[^"]*"|'[^']*')(?:\s*\}?$|\s+=)""", re.MULTILINE
)


SPOKEN = ("pulumi.RunError", "pulumi.log.warn")


def thrown_by_scripts() -> Iterator[str]:
    for text in SCRIPTS:
        for literal in THROWN.findall(text):
            yield literal[1:-1]


def raised_by_the_program() -> Iterator[str]:
    for path in sorted((ROOT / "components").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in SPOKEN:
                text = ast.unparse(node.args[0])
                # components/provider_errors.py, which says one line in two ways.
                for place in ("{meaning.came}:", "{explanation}"):
                    yield from (text.replace(place, f"{came}:") for came in Came if place in text)
                if "{meaning.came}" not in text and "{explanation}" not in text:
                    yield text


# What neither a script nor the program says, and people meet all the same.
FOREIGN = [
    # Source: https://learn.microsoft.com/entra/identity-platform/reference-error-codes.
    "AADSTS700213: No matching federated identity record found for presented assertion subject "
    "'repo:contoso/mail-senders:environment:prod'.",
    # Source: https://learn.microsoft.com/azure/azure-resource-manager/troubleshooting/error-policy-requestdisallowedbypolicy.
    "Resource 'rg-mail-sender' was disallowed by policy. Policy identifiers: '[]'.",
    # Source: https://learn.microsoft.com/azure/azure-resource-manager/management/lock-resources.
    "The scope '/s' cannot perform delete operation because following scope(s) are locked: '/s'. "
    "Please remove the lock and try again.",
]
MESSAGES = sorted({*thrown_by_scripts(), *raised_by_the_program()})
OTHERS = [literal[1:-1] for text in SCRIPTS for literal in SAID.findall(text)]
# What `pulumi destroy` prints of a provider's words is not explained beside them.
OTHERS += [*MEANINGS, *OF_DELETIONS]
# What a run that failed has as its error.
OTHERS += [NOT_SENT, RECIPIENT_NOT_ALLOWED]


def is_about(row: str, message: str) -> bool:
    """Whether all that the row quotes stands in the message."""
    return all(piece.strip(" .") in message for piece in row.split("…") if piece.strip(" .('"))


@pytest.mark.parametrize("message", MESSAGES)
def test_each_message_has_a_row(message: str):
    assert [row for row in ROWS if is_about(row, message)]


@pytest.mark.parametrize("row", ROWS)
def test_each_row_has_a_message(row: str):
    assert [message for message in (*MESSAGES, *OTHERS, *FOREIGN) if is_about(row, message)]


def test_there_are_both():
    assert len(MESSAGES) > 20
    assert len(ROWS) > 20
