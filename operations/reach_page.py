"""The reach report as one page: a matrix of identities and mailboxes.

Self-contained: no script, no other file, nothing is fetched. It reads without colours, and prints.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from operations.reach import Access, Reach

COLUMNS = 30
"""How many mailboxes have a column of their own; the others are in the list below the matrix."""

_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 80rem; margin: 2rem auto; padding: 0 1rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; margin: 1rem 0 2rem; }
caption { text-align: left; font-weight: 600; padding: .5rem 0; }
th, td { border: 1px solid #8888; padding: .35rem .6rem; text-align: left; vertical-align: top; }
td.mark { text-align: center; }
tr.open th, tr.open td { background: #c6282822; }
.open .why::before { content: "\\26A0\\00A0"; }
small { opacity: .8; }
@media print {
  body { margin: 0; max-width: none; font-size: 11px; }
  .wide { overflow: visible; }
  thead { display: table-header-group; }
  tr { break-inside: avoid; }
  tr.open th, tr.open td { background: none; font-weight: 700; }
}
"""


def page(reach: Reach, remarks: Sequence[str], reached: Callable[[Access], str]) -> str:
    """The page.

    Args:
        reach: The report.
        remarks: What stands below the tables.
        reached: Says in words which mailboxes an access reaches.
    """
    open_ones = len(reach.unconfined)
    mailboxes = sorted({m for access in reach.accesses for m in access.mailboxes})[:COLUMNS]
    heading = f"Access to mailboxes in {escape(reach.organization)}"
    summary = (
        f"{len(reach.accesses)} permissions of applications; nothing confines {open_ones} of them."
    )
    items = "".join(f"<li>{escape(remark)}</li>" for remark in remarks)
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{heading}</title><style>{_STYLE}</style></head><body><main>"
        f"<h1>{heading}</h1><p>{summary}</p>"
        f"{_matrix(reach.accesses, mailboxes)}{_list(reach.accesses, reached)}"
        f"<h2>Besides</h2><ul>{items}</ul></main></body></html>\n"
    )


def _matrix(accesses: Sequence[Access], mailboxes: Sequence[str]) -> str:
    columns = "".join(f'<th scope="col">{escape(mailbox)}</th>' for mailbox in mailboxes)
    rows = "".join(
        f"<tr{_class(access)}>{_identity(access)}"
        f"{_mark(access.count is None)}"
        + "".join(
            _mark(access.count is None or mailbox in access.mailboxes) for mailbox in mailboxes
        )
        + "</tr>"
        for access in accesses
    )
    return (
        '<div class="wide"><table><caption>Who reaches what</caption><thead><tr>'
        f'<th scope="col">identity</th><th scope="col">every mailbox</th>{columns}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _list(accesses: Sequence[Access], reached: Callable[[Access], str]) -> str:
    rows = "".join(
        f"<tr{_class(access)}>{_identity(access)}<td>{escape(access.granted_in)}</td>"
        f'<td class="why">{escape(access.confined_by or "nothing")}</td>'
        f"<td>{escape(reached(access))}</td></tr>"
        for access in accesses
    )
    headings = ("identity", "granted in", "confined by", "reaches")
    columns = "".join(f'<th scope="col">{heading}</th>' for heading in headings)
    return (
        '<div class="wide"><table><caption>What confines it</caption>'
        f"<thead><tr>{columns}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _class(access: Access) -> str:
    return "" if access.confined_by else ' class="open"'


def _identity(access: Access) -> str:
    return (
        f'<th scope="row">{escape(access.identity)}<br><small>{escape(access.permission)}<br>'
        f"{escape(access.client_id)}</small></th>"
    )


def _mark(reaches: bool) -> str:
    return f'<td class="mark">{"yes" if reaches else "no"}</td>'
