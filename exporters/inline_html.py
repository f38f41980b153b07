"""Inline text as HTML, and tables as HTML without places: what a reader sees, not QwenVL HTML.

Everything is escaped here, so that nothing in a document can become markup: elements are made here
and never copied from it.
"""

from __future__ import annotations

from collections.abc import Iterable

from docparse.document import Block, Cell, Run


def escape(text: str) -> str:
    """``text`` as HTML text; also safe inside an attribute in double quotes."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


def inline(runs: Iterable[Run]) -> str:
    """``runs`` as HTML, with ``<br>`` for a hard line break."""
    out = []
    for run in runs:
        text = escape(run.text).replace("\n", "<br>")
        opened = "".join(f"<{mark}>" for mark in run.marks)
        out.append(f"{opened}{text}{''.join(f'</{mark}>' for mark in reversed(run.marks))}")
    return "".join(out)


def head_rows(block: Block) -> int:
    """How many rows at the top are header rows: header cells only, none reaching below them."""
    rows, count = block.rows(), 0
    while count < len(rows) and all(cell.header for cell in rows[count]):
        count += 1
    while any(cell.row < count < cell.row + cell.rowspan for cell in block.cells):
        count -= 1
    return count


def table(block: Block) -> str:
    """The cells of ``block`` as ``<table>``, one row a line, with no empty line inside.

    An empty line would end the table where it stands in Markdown.
    """
    head = head_rows(block)
    lines = ["<table>"]
    for index, row in enumerate(block.rows()):
        if head and index == 0:
            lines.append("<thead>")
        if head and index == head:
            lines.append("<tbody>")
        lines.append(f"<tr>{''.join(map(_cell, row))}</tr>")
        if head and index == head - 1:
            lines.append("</thead>")
    if 0 < head < block.num_rows:
        lines.append("</tbody>")
    lines.append("</table>")
    return "\n".join(lines)


def _cell(cell: Cell) -> str:
    tag = "th" if cell.header else "td"
    spans = f' rowspan="{cell.rowspan}"' if cell.rowspan > 1 else ""
    spans += f' colspan="{cell.colspan}"' if cell.colspan > 1 else ""
    return f"<{tag}{spans}>{inline(cell.runs)}</{tag}>"
