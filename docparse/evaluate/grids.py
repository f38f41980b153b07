"""Tables out of HTML and Markdown: rows of cells with their spans, and which cell is at which place of the grid.

Header and body are one, ``th`` is as good as ``td``: most ground truth does not part them. A table inside of a cell
is text of that cell.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from lxml import etree
from lxml import html as lxml_html

HTML_TABLE = re.compile(r"<table\b.*?</table\s*>", re.S | re.I)
PIPE_TABLE = re.compile(r"(?:^[ \t]*\|.*\|[ \t]*\n?){2,}", re.M)
_BAR = re.compile(r"(?<!\\)\|")
_RULE = re.compile(r":?-{2,}:?|-")
_DIGITS = re.compile(r"\s*(\d+)")
MOST_SPAN = 1000
"""Rows or columns of one cell; more is a mistake that would fill the memory."""


@dataclass(frozen=True, slots=True)
class Cell:
    """``text`` is as it stands in the markup, without inline tags."""

    rowspan: int
    colspan: int
    text: str


Rows = Sequence[Sequence[Cell]]
Grid = dict[tuple[int, int], int]
"""(row, column) to the number of the cell, counted as the markup has them. The first cell keeps a place that two
claim."""


def rows_of(html: str) -> list[list[Cell]] | None:
    """The cells of the first table in ``html``; None where there is none that can be read."""
    if "<table" not in html.lower():
        return None
    try:
        root = lxml_html.fromstring(f"<div>{html}</div>")
    except (etree.LxmlError, ValueError):
        return None
    table = next(root.iter("table"), None)
    if table is None:
        return None
    own = (tr for tr in table.iter("tr") if next(tr.iterancestors("table"), None) is table)
    return [
        [
            Cell(_span(td.get("rowspan")), _span(td.get("colspan")), td.text_content())
            for td in tr
            if td.tag in ("td", "th")
        ]
        for tr in own
    ]


def _span(said: str | None) -> int:
    found = _DIGITS.match(said or "")
    return max(1, min(int(found[1]), MOST_SPAN)) if found else 1


def grid_of(rows: Rows) -> tuple[Grid, list[Cell]]:
    """Which cell is where once spans are spread out, and the cells in order."""
    grid: Grid = {}
    cells: list[Cell] = []
    for r, row in enumerate(rows):
        c = 0
        for cell in row:
            while (r, c) in grid:
                c += 1
            for down in range(cell.rowspan):
                for right in range(cell.colspan):
                    grid.setdefault((r + down, c + right), len(cells))
            cells.append(cell)
            c += cell.colspan
    return grid, cells


def tables_in(text: str) -> list[str]:
    """All tables of Markdown or HTML, as HTML, in their order."""
    found = [(m.start(), m[0]) for m in HTML_TABLE.finditer(text)]
    rest = HTML_TABLE.sub(lambda m: " " * len(m[0]), text)
    piped = [(m.start(), _rows_of_pipes(m[0])) for m in PIPE_TABLE.finditer(rest)]
    # Rules alone are no table.
    found += [(start, _html(rows)) for start, rows in piped if rows]
    return [html for _, html in sorted(found)]


def _rows_of_pipes(text: str) -> list[list[str]]:
    rows = []
    for line in text.strip().splitlines():
        cells = [cell.strip().replace("\\|", "|") for cell in _BAR.split(line.strip().strip("|"))]
        said = [cell for cell in cells if cell]
        if not said or not all(_RULE.fullmatch(cell) for cell in said):
            rows.append(cells)
    return rows


def _html(rows: Sequence[Sequence[str]]) -> str:
    def cell(text: str) -> str:
        return f"<td>{text.replace('&', '&amp;').replace('<', '&lt;')}</td>"

    return "<table>" + "".join(f"<tr>{''.join(map(cell, row))}</tr>" for row in rows) + "</table>"
