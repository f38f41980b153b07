"""Documents of every kind, for property tests: ``documents()``, ``pages()``, ``blocks()``.

What they make is whatever ``docparse.document`` lets one make, odd text and odd ids included, within
sizes that keep a test fast. ``sane=True`` leaves out what a validator would rightly refuse: missing
boxes, boxes without area or outside of the page, repeated blocks, blocks without text.
"""

from __future__ import annotations

import os
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from docparse.document import (
    KINDS,
    MARKS,
    NOTATIONS,
    SEVERITIES,
    STATUSES,
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
)
from docparse.geometry import BBox

modest = settings(
    max_examples=60,
    deadline=None,
    derandomize=bool(os.environ.get("CI")),
    # Documents are large values: making one takes longer than most tests of one.
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)
"""How hard a property test of documents tries: the same examples every time where CI is set."""

# Words that have gone wrong before, or could: markup, entities, control characters, blanks of all kinds.
ODD = [
    "a",
    "Total: 1.234,56 €",
    "<b>",
    "</style",
    "</p>",
    "<!--",
    "-->",
    "&amp;",
    "&lt;",
    "&#x41;",
    "& co",
    "]]>",
    "\"quoted\" 'text'",
    "{ } \\ \\/ $x^2$ | `code` **x**",
    "a\nb",
    " ",
    "\t",
    "\u00a0",
    "\u2003",
    "\u200b",
    "\u2028",
    "\r\n",
    "\f",
    "\x00",
    "\x85",
    "\ufeff",
    "\ud800",
    "🦜",
    "漢字",
    "שלום",
    "e\u0301",
    "<|im_end|>",
    "```",
]


def texts(max_size: int = 4) -> st.SearchStrategy[str]:
    words = st.sampled_from(ODD) | st.text(max_size=8)
    return st.lists(words, max_size=max_size).map(" ".join) | st.lists(words, max_size=max_size).map("".join)


def inlines() -> st.SearchStrategy[tuple[Run, ...]]:
    marks = st.lists(st.sampled_from(MARKS), max_size=3).map(tuple)
    return st.lists(st.builds(Run, texts(2), marks), max_size=4).map(tuple)


@st.composite
def bboxes(draw: st.DrawFn, width: int | None = None, height: int | None = None) -> BBox:
    """A box; with a page size one inside of it that has an area, else any."""
    if width is not None and height is not None:
        x1, y1 = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
        return BBox(x1, y1, draw(st.integers(x1 + 1, width)), draw(st.integers(y1 + 1, height)))
    xs = draw(st.tuples(st.integers(-99, 9_999), st.floats(-99, 9_999)))
    ys = draw(st.tuples(st.integers(-99, 9_999), st.integers(-99, 9_999)))
    return BBox.of(xs[0], ys[0], xs[1], ys[1])


def _confidences() -> st.SearchStrategy[float | None]:
    return st.none() | st.floats(0, 1)


@st.composite
def tables(draw: st.DrawFn, boxes: st.SearchStrategy[BBox | None] | None = None) -> tuple[Cell, ...]:
    """Cells with spans that never overlap; gaps are left to the document to fill."""
    rows, cols = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    taken: set[tuple[int, int]] = set()
    cells = []
    for row in range(rows):
        for col in range(cols):
            if (row, col) in taken or draw(st.integers(0, 9)) == 0:
                continue
            rowspan = draw(st.integers(1, min(3, rows - row)))
            colspan = draw(st.integers(1, min(3, cols - col)))
            places = {(r, c) for r in range(row, row + rowspan) for c in range(col, col + colspan)}
            if places & taken:
                rowspan = colspan = 1
                places = {(row, col)}
            taken |= places
            header = draw(st.booleans()) if row else draw(st.integers(0, 3)) > 0
            bbox = draw(bboxes() | st.none() if boxes is None else boxes)
            cells.append(Cell(row, col, rowspan, colspan, draw(inlines()), header, bbox, draw(_confidences())))
    return tuple(cells)


_STYLES = st.sampled_from(
    ["", "table1 { border: 1px solid; }", ".table7 td{padding:2px}", "a</style><script>x</script>", "<\\/style> <\\\\/"]
)


@st.composite
def blocks(draw: st.DrawFn, kind: Kind | None = None, width: int | None = None, height: int | None = None) -> Block:
    """A block of any kind, or of ``kind``; with a page size one that a validator lets pass."""
    sane = width is not None
    some_kind: Kind = kind or draw(st.sampled_from(KINDS))
    boxes: st.SearchStrategy[BBox | None] = bboxes(width, height) if sane else st.none() | bboxes()
    bbox = draw(boxes)
    parts: dict[str, Any] = {}
    if some_kind not in ("table", "list"):
        parts["runs"] = draw(inlines()) or ((Run("text"),) if sane else ())
        if sane:
            parts["runs"] = (*parts["runs"], Run(" end"))
    if some_kind == "heading":
        parts["level"] = draw(st.integers(1, 6))
    elif some_kind == "list_item":
        parts["level"] = draw(st.integers(1, 9) | st.integers(1, 3))
        parts["number"] = draw(st.none() | st.integers(-9, 99) | st.integers(1, 3))
    elif some_kind in ("table", "chart"):
        cell_boxes = st.just(bbox) if sane else None
        parts["cells"] = draw(tables(cell_boxes)) or ((Cell(0, 0),) if sane else ())
        if some_kind == "table":
            parts["style"] = draw(_STYLES)
    elif some_kind == "list":
        items = draw(st.lists(blocks("list_item"), max_size=4))
        if sane:
            items = [Block("list_item", None, (Run("item"),))]
        parts["items"] = tuple(items)
    elif some_kind in NOTATIONS:
        parts["notation"] = draw(st.sampled_from(NOTATIONS[some_kind]))
    return Block(
        some_kind,
        bbox,
        confidence=draw(_confidences()),
        agreement=draw(_confidences()),
        origin=draw(st.sampled_from(["", "text-layer", "ocr", "model"]) | texts(1)),
        **parts,
    )


@st.composite
def _named(draw: st.DrawFn, items: list[Block], number: int) -> tuple[Block, ...]:
    """Some of the blocks get ids: their own, or the one that another place would give."""
    taken: set[str] = set()
    named = []
    for block in items:
        name = draw(
            st.sampled_from(["", "", ""])
            | st.sampled_from(["x", "total", f"p{number}b1", f"p{number}b2", f"p{number}b2.1", "a.b:c-d_9"])
        )
        if name and name not in taken:
            taken.add(name)
            block = _with_id(block, name)
        named.append(block)
    return tuple(named)


def _with_id(block: Block, name: str) -> Block:
    parts = {key: getattr(block, key) for key in Block.__dataclass_fields__}
    return Block(**{**parts, "id": name})


def issues() -> st.SearchStrategy[Issue]:
    return st.builds(
        Issue,
        code=st.sampled_from(["truncated", "box-empty"]) | texts(1),
        message=texts(),
        severity=st.sampled_from(SEVERITIES),
        block=st.none() | st.just("p1b1") | texts(1),
        line=st.none() | st.integers(1, 999),
        column=st.none() | st.integers(1, 999),
    )


@st.composite
def pages(draw: st.DrawFn, number: int = 1, *, sane: bool = False) -> Page:
    width, height = draw(st.integers(10, 5_000)), draw(st.integers(10, 5_000))
    size = (width, height) if sane else (None, None)
    kinds: list[Kind] = ["list_item"]
    # Lists are where the writer has most to decide, so that they come often and together.
    block = blocks(None, *size) | st.sampled_from(kinds).flatmap(lambda kind: blocks(kind, *size))
    items = draw(st.lists(block, max_size=6))
    if sane:
        items = [b for i, b in enumerate(items) if b.bbox not in [a.bbox for a in items[:i]]]
    return Page(
        number,
        width,
        height,
        dpi=draw(st.sampled_from([72, 144.0, 300]) | st.floats(1, 2_400)),
        size_pt=draw(st.just((0.0, 0.0)) | st.tuples(st.floats(0.01, 1e5), st.floats(0.01, 1e5))),
        rotation=draw(st.sampled_from([0, 90, 180, 270])),
        blocks=draw(_named(items, number)),
        verdict=Verdict(draw(st.sampled_from(STATUSES)), tuple(draw(st.lists(issues(), max_size=2)))),
        renderer=draw(st.sampled_from(["", "pymupdf"]) | texts(1)),
    )


@st.composite
def documents(draw: st.DrawFn, *, sane: bool = False) -> Document:
    numbers = draw(st.lists(st.integers(1, 99), max_size=2, unique=True).map(sorted))
    names = texts(2)
    return Document(
        tuple(draw(pages(number, sane=sane)) for number in numbers),
        Source(draw(names), draw(names), draw(st.integers(0, 10**9)), draw(names), draw(st.integers(0, 999))),
        EngineInfo(draw(names), draw(names), draw(names), draw(names)),
        version=draw(st.sampled_from(["", "0.1.0"])),
    )
