"""QwenVL HTML out of a document: canonical and deterministic.

What it is: the one way docparse writes markup. The same document gives the same bytes, and
``read_document(write(document))`` gives the same document back, whatever it holds. What it is not:
a page for people (``exporters`` has that one), and no place for repairs: a document is canonical
already.

One block stands on one line. Attributes come in one order: class, data-bbox, what the element needs,
data-confidence, data-agreement, data-origin, id. What has its default is not written; so an ``id``
appears only where it is not the one that the block's place on the page gives it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from docparse.document import (
    NOTATIONS,
    Block,
    Cell,
    Document,
    EngineInfo,
    Issue,
    Kind,
    Page,
    Run,
    Source,
    Verdict,
    default_id,
)
from docparse.geometry import BBox
from docparse.qwenvl_html.grammar import TABLE_NUMBER

CLASSES: dict[Kind, str] = {
    "caption": "caption",
    "header": "header",
    "footer": "footer",
    "footnote": "footnote",
    "page_number": "page-number",
    "image": "image",
    "chart": "chart",
    "formula": "formula",
    "music_sheet": "music sheet",
    "chemical_formula": "chemical formula",
}
"""Kinds that are a ``div``, and the class that says which."""

_SPECIAL = re.compile('[&<>"]')
_CLOSER_IN_STYLE = re.compile(r"<(\\*)/")
_PLAIN_FLOAT_LIMIT = 1e15  # above, repr changes to exponents, and an integer would not


def write(document: Document) -> str:
    """The whole document: one ``<section class="page">`` per page, and in the head where it is from."""
    about = {
        "version": document.version,
        "source": _said(document.source, Source()),
        "engine": _said(document.engine, EngineInfo()),
    }
    content = escape(_json({key: value for key, value in about.items() if value}))
    sections = "".join(write_page(page) + "\n" for page in document.pages)
    head = f'<head><meta charset="utf-8"/><meta name="docparse" content="{content}"/></head>'
    return f"<html>\n{head}\n<body>\n{sections}</body>\n</html>\n"


def write_page(page: Page) -> str:
    """``<section class="page" ...>``, the blocks of the page line by line, ``</section>``."""
    return "\n".join((_section_tag(page), *_lines(page), "</section>"))


def write_block(block: Block) -> str:
    """The element of one block by itself, with its id if it has one; a list_item stands in a list."""
    if block.kind == "list_item":
        return _list_group([block], [""])
    return _element(block, "", 1)


# ---------------------------------------------------------------------------- pages and blocks


def _section_tag(page: Page) -> str:
    parts = [
        'class="page"',
        f'data-page="{page.number}"',
        f'data-size="{page.width} {page.height}"',
        f'data-dpi="{number(page.dpi)}"',
        f'data-size-pt="{number(page.size_pt[0])} {number(page.size_pt[1])}"',
        f'data-rotation="{page.rotation}"',
    ]
    if page.renderer:
        parts.append(f'data-renderer="{escape(page.renderer)}"')
    parts.append(f'data-verdict="{page.verdict.status}"')
    if page.verdict.issues != Verdict().issues:
        parts.append(f'data-issues="{escape(_json([_issue(issue) for issue in page.verdict.issues]))}"')
    return f"<section {' '.join(parts)}>"


def _lines(page: Page) -> Iterator[str]:
    places = [(block, default_id(page.number, index)) for index, block in enumerate(page.blocks, 1)]
    styled = 0
    for in_list, group in groupby(places, lambda pair: pair[0].kind == "list_item"):
        pairs = list(group)
        if in_list:
            yield _list_group([block for block, _ in pairs], [place for _, place in pairs])
            continue
        for block, place in pairs:
            styled += bool(block.style)
            yield _element(block, place, styled)


def _element(block: Block, place: str, styled: int) -> str:
    """The element of a block that is no list_item. ``styled`` counts the tables with a style."""
    kind = block.kind
    if kind == "paragraph":
        return f"<p{_attributes(block, place)}>{inline_html(block.runs)}</p>"
    if kind == "heading":
        return f"<h{block.level}{_attributes(block, place)}>{inline_html(block.runs)}</h{block.level}>"
    if kind == "table":
        return _table(block, place, styled)
    if kind == "list":
        return _list_block(block, place)
    if kind == "code":
        return f"<pre{_attributes(block, place)}><code>{escape(block.text)}</code></pre>"
    return _div(block, place)


def _div(block: Block, place: str) -> str:
    kind = block.kind
    name = CLASSES[kind]
    image = f"<img{_bbox(block.bbox)}/>"
    extra = ""
    if kind == "image":
        name, inner = ("image ocr", image + _paragraph(block.runs)) if block.runs else ("image", image)
    elif kind == "chart":
        inner = image + _paragraph(block.runs) + (f"<table>{_rows(block)}</table>" if block.cells else "")
    elif kind in NOTATIONS:
        # LaTeX is what the format expects of a formula; everything else is said.
        extra = "" if block.notation == "latex" else f' format="{block.notation}"'
        inner = image + (f"<div>{escape(block.text)}</div>" if block.runs else "")
    else:
        inner = inline_html(block.runs)
    return f'<div class="{name}"{_attributes(block, place, extra)}>{inner}</div>'


def _paragraph(runs: Sequence[Run]) -> str:
    return f"<p>{inline_html(runs)}</p>" if runs else ""


# ------------------------------------------------------------------------------------- tables


def _table(block: Block, place: str, styled: int) -> str:
    name = style = ""
    if block.style:
        named = TABLE_NUMBER.search(block.style)
        name = f' class="table{named[1] if named else styled}"'
        # Style is raw text: nothing in it can be escaped but by CSS itself, where "\/" is "/".
        style = "<style>" + _CLOSER_IN_STYLE.sub(r"<\1\\/", block.style) + "</style>"
    return f"{style}<table{name}{_attributes(block, place)}>{_rows(block)}</table>"


def _rows(block: Block) -> str:
    rows = block.rows()
    head = _head_rows(rows)
    lines = ["<tr>" + "".join(map(_cell, row)) + "</tr>" for row in rows]
    parts = []
    if head:
        parts.append(f"<thead>{''.join(lines[:head])}</thead>")
    if lines[head:]:
        parts.append(f"<tbody>{''.join(lines[head:])}</tbody>")
    return "".join(parts)


def _head_rows(rows: Sequence[Sequence[Cell]]) -> int:
    """How many leading rows are header cells only, and end together: no cell may span out of a thead."""
    head = end = 0
    for index, row in enumerate(rows):
        if not all(cell.header for cell in row):
            break
        end = max(end, *(cell.row + cell.rowspan for cell in row), index + 1)
        if end == index + 1:
            head = end
    return head


def _cell(cell: Cell) -> str:
    tag = "th" if cell.header else "td"
    parts = _bbox(cell.bbox)
    if cell.rowspan > 1:
        parts += f' rowspan="{cell.rowspan}"'
    if cell.colspan > 1:
        parts += f' colspan="{cell.colspan}"'
    if cell.confidence is not None:
        parts += f' data-confidence="{number(cell.confidence)}"'
    return f"<{tag}{parts}>{inline_html(cell.runs)}</{tag}>"


# -------------------------------------------------------------------------------------- lists
#
# Items that follow each other share a list; a deeper one stands in a list inside the item before
# it. Depth gives the level, and data-level says it where the depth would not: at a first item of
# level 2, at a jump from 1 to 3.


def _list_group(items: Sequence[Block], places: Sequence[str]) -> str:
    """Items that stand in the page by themselves, as one or more lists.

    The lists have boxes only if every item has one: a list with a box and an item without is how a
    ``list`` block is written.
    """
    return "\n".join(_lists(items, places, boxed=all(item.bbox for item in items)))


def _list_block(block: Block, place: str) -> str:
    places = [f"{place}.{index}" if place else "" for index in range(1, len(block.items) + 1)]
    attributes = _attributes(block, place)
    lists = list(_lists(block.items, places, boxed=False))
    if len(lists) == 1 and block.bbox and not all(item.bbox for item in block.items):
        tag, rest = lists[0][1:3], lists[0][3:]
        return f"<{tag}{attributes}{rest}"
    # More than one list, or one that would read as items of the page.
    return "\n".join((f'<div class="list"{attributes}>', *lists, "</div>"))


def _lists(items: Sequence[Block], places: Sequence[str], *, boxed: bool) -> Iterator[str]:
    out: list[str] = []
    open_lists: list[tuple[int, bool]] = []  # level, ordered
    count = [0] * 10  # the number of the last item, by level
    for index, (item, place) in enumerate(zip(items, places, strict=True)):
        level, ordered = item.level, item.number is not None
        while open_lists and (open_lists[-1][0] > level or open_lists[-1] == (level, not ordered)):
            _close(out, open_lists)
        value = item.number
        if open_lists and open_lists[-1][0] == level:
            out.append("</li>\n")
            extra = f' value="{value}"' if value is not None and value != count[level] + 1 else ""
        else:
            if not open_lists and out:
                yield "".join(out)
                out = []
            out.append("\n" if open_lists else "")
            box = BBox.around(_boxes(items, index)) if boxed else None
            out.append(_list_tag(item, box, above=open_lists[-1][0] if open_lists else 0))
            open_lists.append((level, ordered))
            extra = ""
        count[level] = value or 0
        out.append(f"<li{_attributes(item, place, extra)}>{inline_html(item.runs)}")
    while open_lists:
        _close(out, open_lists)
    if out:
        yield "".join(out)


def _list_tag(first: Block, box: BBox | None, *, above: int) -> str:
    level = "" if first.level == above + 1 else f' data-level="{first.level}"'
    if first.number is None:
        return f"<ul{_bbox(box)}{level}>\n"
    start = "" if first.number == 1 else f' start="{first.number}"'
    return f"<ol{_bbox(box)}{level}{start}>\n"


def _close(out: list[str], open_lists: list[tuple[int, bool]]) -> None:
    _, ordered = open_lists.pop()
    out.append("</li>\n</ol>" if ordered else "</li>\n</ul>")


def _boxes(items: Sequence[Block], first: int) -> Iterator[BBox]:
    """The boxes of the list that item ``first`` opens, deeper items included."""
    level, ordered = items[first].level, items[first].number is not None
    for index in range(first, len(items)):
        item = items[index]
        if item.level < level or (item.level == level and (item.number is not None) != ordered):
            return
        if item.bbox:
            yield item.bbox


# --------------------------------------------------------------------------------- text, values


def inline_html(runs: Iterable[Run]) -> str:
    """Runs as text and marks; marks nest in alphabetical order, and stay open while they can."""
    out: list[str] = []
    opened: list[str] = []
    for run in runs:
        marks = run.marks
        if opened or marks:
            keep = 0
            while keep < len(opened) and keep < len(marks) and opened[keep] == marks[keep]:
                keep += 1
            while len(opened) > keep:
                out.append(f"</{opened.pop()}>")
            for mark in marks[keep:]:
                opened.append(mark)
                out.append(f"<{mark}>")
        text = escape(run.text)
        out.append(text.replace("\n", "<br/>") if "\n" in text else text)
    while opened:
        out.append(f"</{opened.pop()}>")
    return "".join(out)


def escape(text: str) -> str:
    """``text`` for an element or a double-quoted attribute."""
    if not _SPECIAL.search(text):
        return text
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


def number(value: float) -> str:
    """The shortest text that reads back as ``value``."""
    if value == int(value) and abs(value) < _PLAIN_FLOAT_LIMIT:
        return str(int(value))
    return repr(float(value))


def _bbox(box: BBox | None) -> str:
    return f' data-bbox="{box.x1} {box.y1} {box.x2} {box.y2}"' if box else ""


def _attributes(block: Block, place: str, extra: str = "") -> str:
    parts = _bbox(block.bbox) + extra
    if block.confidence is not None:
        parts += f' data-confidence="{number(block.confidence)}"'
    if block.agreement is not None:
        parts += f' data-agreement="{number(block.agreement)}"'
    if block.origin:
        parts += f' data-origin="{escape(block.origin)}"'
    if block.id != place:
        parts += f' id="{escape(block.id)}"'
    return parts


def _issue(issue: Issue) -> dict[str, str | int]:
    parts = {"code": issue.code, "message": issue.message, "severity": issue.severity}
    places = {"block": issue.block, "line": issue.line, "column": issue.column}
    return parts | {key: value for key, value in places.items() if value is not None}


def _said(value: Source | EngineInfo, default: Source | EngineInfo) -> dict[str, str | int]:
    return {key: said for key in value.__slots__ if (said := getattr(value, key)) != getattr(default, key)}


def _json(value: object) -> str:
    # ASCII: a file name that is not UTF-8 (a lone surrogate) must not make the markup unwritable.
    return json.dumps(value, separators=(",", ":"))
