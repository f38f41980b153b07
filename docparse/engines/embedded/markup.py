"""Elements as QwenVL HTML, with the confidence of each stretch of text by character span."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from docparse.engines.embedded.element import Element
from docparse.engines.embedded.listings import printed
from docparse.engines.embedded.segments import Segment
from docparse.engines.embedded.tables.grid import Grid, GridCell
from docparse.engines.embedded.text import Marks, Piece, pieces
from docparse.geometry import BBox

Place = Callable[[BBox], BBox]
"""From upright pixels to pixels of the page image."""


class Writer:
    """Collects markup; ``spans`` are (start, end, probability) in the text written so far."""

    def __init__(self, place: Place) -> None:
        self.parts: list[str] = []
        self.spans: list[tuple[int, int, float]] = []
        self._length = 0
        self._place = place

    def markup(self) -> str:
        return "".join(self.parts)

    def raw(self, text: str) -> None:
        self.parts.append(text)
        self._length += len(text)

    def text(self, found: list[Piece]) -> None:
        for text, marks, confidence in found:
            opened = "".join(f"<{m}>" for m in marks)
            self.raw(opened)
            start = self._length
            self.raw(escape(text, quote=False).replace("\n", "<br/>"))
            if confidence is not None and text.strip():
                self.spans.append((start, self._length, confidence))
            self.raw("".join(f"</{m}>" for m in reversed(marks)))

    def verbatim(self, found: list[Piece]) -> None:
        for text, _marks, confidence in found:
            start = self._length
            self.raw(escape(text, quote=False))
            if confidence is not None and text.strip():
                self.spans.append((start, self._length, confidence))

    def box(self, box: BBox) -> str:
        x1, y1, x2, y2 = (int(v) for v in self._place(box).rounded().as_tuple())
        return f'data-bbox="{x1} {y1} {x2} {y2}"'


def write_elements(elements: list[Element], place: Place) -> Writer:
    """The markup of a page."""
    out = Writer(place)
    out.raw("<html><body>\n")
    i = 0
    while i < len(elements):
        element = elements[i]
        if element.kind == "list_item":
            j = i
            while j < len(elements) and elements[j].kind == "list_item":
                j += 1
            _write_lists(out, elements[i:j])
            i = j
            continue
        _write(out, element)
        out.raw("\n")
        i += 1
    out.raw("</body></html>")
    return out


def _origin(element: Element) -> str:
    """A word read by OCR has a confidence; one of the text layer is simply there."""
    lines = element.lines if element.grid is None else [c for cell in element.grid.cells for c in cell.chunks]
    read = any(word.confidence is not None for line in lines for word in line.words)
    return ' data-origin="ocr"' if read else ""


_PLAIN = {
    "caption": "caption",
    "header": "header",
    "footer": "footer",
    "footnote": "footnote",
    "page_number": "page-number",
}


def _write(out: Writer, element: Element) -> None:
    box = out.box(element.box)
    more = _origin(element)
    if element.kind == "heading":
        level = min(max(element.level, 1), 6)
        out.raw(f"<h{level} {box}{more}>")
        out.text(pieces(element.lines, marks=Marks(bold=False)))
        out.raw(f"</h{level}>")
    elif element.kind == "table" and element.grid is not None:
        _write_table(out, element.grid, box, more)
    elif element.kind in ("image", "chart"):
        _write_image(out, element, box, more)
    elif element.kind == "formula":
        out.raw(f'<div class="formula" {box} format="text"{more}><img {box}/><div>')
        out.verbatim(pieces(element.lines, marks=Marks(False, False), breaks=True))
        out.raw("</div></div>")
    elif element.kind == "code":
        out.raw(f"<pre {box}{more}><code>")
        out.verbatim(_listing(element.lines))
        out.raw("</code></pre>")
    elif element.kind in _PLAIN:
        out.raw(f'<div class="{_PLAIN[element.kind]}" {box}{more}>')
        out.text(pieces(element.lines, breaks=element.breaks))
        out.raw("</div>")
    else:
        out.raw(f"<p {box}{more}>")
        out.text(pieces(element.lines, breaks=element.breaks))
        out.raw("</p>")


def _write_image(out: Writer, element: Element, box: str, more: str) -> None:
    if not element.lines:
        out.raw(f'<div class="image" {box}{more}><img {box}/></div>')
        return
    out.raw(f'<div class="image ocr" {box}{more}><img {box}/><p>')
    out.text(pieces(element.lines, marks=Marks(False, False), breaks=True))
    out.raw("</p></div>")


def _listing(lines: list[Segment]) -> list[Piece]:
    return [("\n".join(printed(lines)), (), lines[0].words[0].confidence)]


def _write_table(out: Writer, grid: Grid, box: str, more: str) -> None:
    out.raw(f"<table {box}{more}>")
    heads = 0
    while heads < grid.rows and all(c.header for c in grid.cells if c.row == heads):
        heads += 1
    rows: list[list[GridCell]] = [[] for _ in range(grid.rows)]
    for cell in grid.cells:
        rows[cell.row].append(cell)
    for r, row in enumerate(rows):
        if r == 0:
            out.raw("<thead>" if heads else "<tbody>")
        elif r == heads:
            out.raw("</thead><tbody>")
        out.raw("<tr>")
        for cell in row:
            _write_cell(out, cell, "th" if r < heads else "td")
        out.raw("</tr>")
    out.raw("</thead></table>" if heads >= grid.rows else "</tbody></table>")


def _write_cell(out: Writer, cell: GridCell, tag: str) -> None:
    attributes = ""
    if cell.rowspan > 1:
        attributes += f' rowspan="{cell.rowspan}"'
    if cell.colspan > 1:
        attributes += f' colspan="{cell.colspan}"'
    if cell.chunks:
        attributes = f" {out.box(BBox.around(c.box for c in cell.chunks))}" + attributes
    out.raw(f"<{tag}{attributes}>")
    out.text(pieces(cell.chunks, marks=Marks(bold=False, italic=False)))
    out.raw(f"</{tag}>")


def _write_lists(out: Writer, items: list[Element]) -> None:
    """List items as nested lists by level; numbers that do not count up get a ``value``."""
    stack: list[str] = []
    expected: list[int] = []
    for i, item in enumerate(items):
        level = max(item.level, 1)
        tag = "ul" if item.number is None else "ol"
        while len(stack) > level or (len(stack) == level and stack[-1] != tag):
            out.raw(f"</li></{stack.pop()}>")
            expected.pop()
        if len(stack) == level:
            out.raw("</li>")
        while len(stack) < level:
            start = f' start="{item.number}"' if tag == "ol" and item.number not in (None, 1) else ""
            out.raw(f"<{tag} {out.box(BBox.around(_own(items[i:])))}{start}>" if not stack else f"<{tag}>")
            stack.append(tag)
            expected.append(item.number or 1)
            if len(stack) < level:
                out.raw("<li>")
        value = f' value="{item.number}"' if tag == "ol" and item.number != expected[-1] else ""
        expected[-1] = (item.number or 0) + 1
        out.raw(f"<li {out.box(item.box)}{_origin(item)}{value}>")
        out.text(pieces(item.lines, breaks=item.breaks, skip=len(item.marker)))
    while stack:
        out.raw(f"</li></{stack.pop()}>")
    out.raw("\n")


def _own(items: list[Element]) -> list[BBox]:
    """The boxes of the items of one list: bullets after numbers begin the next one."""
    ordered = items[0].number is not None
    ends = (i for i, item in enumerate(items) if item.level <= 1 and (item.number is not None) != ordered)
    return [item.box for item in items[: next(ends, len(items))]]
