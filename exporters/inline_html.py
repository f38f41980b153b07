"""Inline text as HTML, and lists and tables without places: what a reader sees, not QwenVL HTML.

Everything is escaped here, so that nothing in a document can become markup: elements are made here
and never copied from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

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


def nested(items: Iterable[Block], item: Callable[[Block], str]) -> str:
    """Items of any levels as lists in lists. ``item`` writes one: its ``<li>`` with all but what ends it, because
    the items below it are inside of it."""
    out: list[str] = []
    levels: list[tuple[int, str]] = []
    for one in items:
        tag, other = ("ul", "ol") if one.number is None else ("ol", "ul")
        while levels and (levels[-1][0] > one.level or levels[-1] == (one.level, other)):
            out.append(f"</li></{levels.pop()[1]}>")
        if levels and levels[-1][0] == one.level:
            out.append("</li>\n")
        else:
            levels.append((one.level, tag))
            out.append(f"<{tag}>")
        out.append(item(one))
    while levels:
        out.append(f"</li></{levels.pop()[1]}>")
    return "".join(out)


def counted(item: Block) -> str:
    """The number of an item as an attribute of its ``<li>``: every item says its own."""
    return "" if item.number is None else f' value="{item.number}"'


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
    return f"<{tag}{spans(cell)}>{inline(cell.runs)}</{tag}>"


def spans(cell: Cell) -> str:
    """The rows and columns that a cell covers, as attributes; '' of a single one."""
    rows = f' rowspan="{cell.rowspan}"' if cell.rowspan > 1 else ""
    return rows + (f' colspan="{cell.colspan}"' if cell.colspan > 1 else "")
