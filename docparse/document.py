"""The document: ``Document`` > ``Page`` > ``Block`` (> ``Cell``), all frozen values.

What it is: the one result type of docparse, and its JSON. What it is not: a parser, a renderer or
an exporter; those are functions elsewhere. Standard library only (a test checks it).

Everything here is canonical by construction: text is free of control characters and of white space
that HTML would not keep, boxes are whole pixels of the page image, tables are full rectangles,
block ids are unique on their page. That is what makes ``read(write(document)) == document`` and
``from_json(to_json(document)) == document`` hold for every document.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from docparse.geometry import BBox, PageSpace, Rotation

if TYPE_CHECKING:
    from docparse.correction import Correction

Kind = Literal[
    "heading",
    "paragraph",
    "list",
    "list_item",
    "table",
    "image",
    "caption",
    "chart",
    "formula",
    "music_sheet",
    "chemical_formula",
    "code",
    "header",
    "footer",
    "footnote",
    "page_number",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
FURNITURE: frozenset[Kind] = frozenset({"header", "footer", "page_number"})
"""Kinds that repeat from page to page and are not part of the running text."""
VERBATIM: frozenset[Kind] = frozenset({"code", "formula", "music_sheet", "chemical_formula"})
"""Kinds whose text keeps its line breaks and spaces and carries no inline marks."""
TABULAR: frozenset[Kind] = frozenset({"table", "chart"})
"""Kinds that may have cells."""

Mark = Literal["b", "code", "i", "s", "sub", "sup", "u"]
MARKS: tuple[Mark, ...] = get_args(Mark)
NOTATIONS: dict[Kind, tuple[str, ...]] = {
    "formula": ("latex", "text"),
    "music_sheet": ("abc notation",),
    "chemical_formula": ("smile",),
}
"""What the text of a kind is written in; the first is the default. ``text``: the characters of the
formula as printed, in reading order, where nobody knows its LaTeX."""

Status = Literal["ok", "repaired", "partial", "fallback", "failed"]
STATUSES: tuple[Status, ...] = get_args(Status)
Severity = Literal["info", "warning", "error"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)

MAX_SPAN = 1000
"""Largest rowspan, colspan, row or column count: the limit HTML itself sets for colspan."""

# Characters that have no place in text: C0/C1 controls (but tab, line feed, form feed, carriage
# return), surrogates, non-characters and the byte order mark. HTML cannot carry most of them.
# What some program takes for a line end (vertical tab, next line, U+2028, U+2029) is one for us: words
# beside it stay apart, and str.splitlines sees the same lines in a block as split("\n").
_SEPARATORS = re.compile("[\x0b\x85\u2028\u2029]")
_LINE_ENDS = re.compile("\r\n|[\r\f\x0b\x85\u2028\u2029]")
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufeff\ufffe\uffff]")
_BLANKS = re.compile("[ \t\f\r\u00a0]+")
_ID = re.compile("[A-Za-z0-9_][A-Za-z0-9_.:-]{0,99}")  # is safe as an anchor, a file name and a CSS id
_AROUND_BREAK = re.compile(" ?\n ?")


def clean(text: str) -> str:
    """``text`` as a block keeps it: no controls, single spaces, ``\\n`` for a hard line break."""
    if text.isascii() and text.isprintable() and "  " not in text:
        return text  # most text; isprintable is false for every control and line break
    text = _BLANKS.sub(" ", _CONTROL.sub("", _SEPARATORS.sub("\n", text)))
    return _AROUND_BREAK.sub("\n", text) if "\n" in text else text


def clean_verbatim(text: str) -> str:
    """``text`` as a verbatim block keeps it: no controls, ``\\n`` line ends, no blank edges."""
    return _CONTROL.sub("", _LINE_ENDS.sub("\n", text)).strip("\n\f\r\t ")


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of text in one style. ``marks`` are HTML's names, sorted, without doubles."""

    text: str
    marks: tuple[Mark, ...] = ()

    def __post_init__(self) -> None:
        if self.marks == ():
            return
        marks = tuple(sorted(set(self.marks)))
        if not set(marks) <= set(MARKS):
            raise ValueError(f"unknown marks: {marks}")
        object.__setattr__(self, "marks", marks)


def inline(runs: str | Iterable[Run]) -> tuple[Run, ...]:
    """Runs brought to their one form: cleaned, neighbours of one style joined, edges trimmed."""
    if isinstance(runs, str):
        text = clean(runs).strip(" \n")
        return (Run(text),) if text else ()
    done: list[Run] = []
    for run in runs:
        text = clean(run.text)
        if not done or done[-1].text[-1] in " \n":
            text = text.lstrip(" ") if done else text.lstrip(" \n")
        if text.startswith("\n"):
            _trim_end(done, " ")
        if not text:
            continue
        if done and done[-1].marks == run.marks:
            done[-1] = Run(done[-1].text + text, run.marks)
        else:
            done.append(Run(text, run.marks))
    _trim_end(done, " \n")
    return tuple(done)


def _trim_end(runs: list[Run], chars: str) -> None:
    while runs:
        text = runs[-1].text.rstrip(chars)
        if text == runs[-1].text:
            return
        marks = runs.pop().marks
        if text:
            runs.append(Run(text, marks))
            return


def _label(text: str) -> str:
    """``text`` as a name of something: no controls, one line."""
    return " ".join(_CONTROL.sub("", text).split())


def _probability(value: float | None) -> float | None:
    if value is None:
        return None
    if not 0 <= value <= 1:
        raise ValueError(f"a confidence is between 0 and 1, not {value}")
    return round(float(value), 4)


def _pixels(box: BBox | None) -> BBox | None:
    return None if box is None else box.rounded()


@dataclass(frozen=True, slots=True)
class Cell:
    """A table cell at ``row``, ``col`` (from 0), spanning ``rowspan`` x ``colspan`` places."""

    row: int
    col: int
    rowspan: int = 1
    colspan: int = 1
    runs: tuple[Run, ...] = ()
    header: bool = False
    bbox: BBox | None = None
    confidence: float | None = None

    def __post_init__(self) -> None:
        if self.row < 0 or self.col < 0 or self.rowspan < 1 or self.colspan < 1:
            raise ValueError(f"no such cell: row {self.row}+{self.rowspan}, column {self.col}+{self.colspan}")
        object.__setattr__(self, "runs", inline(self.runs))
        object.__setattr__(self, "bbox", _pixels(self.bbox))
        object.__setattr__(self, "confidence", _probability(self.confidence))

    @property
    def text(self) -> str:
        return "".join(run.text for run in self.runs)


def full_grid(cells: Iterable[Cell]) -> tuple[Cell, ...]:
    """Cells in row order, with an empty cell in every place that none covers.

    Raises ``ValueError`` if two cells claim one place, or if the table is larger than
    ``MAX_SPAN`` rows or columns.
    """
    items = sorted(cells, key=lambda c: (c.row, c.col))
    if not items:
        return ()
    rows = max(c.row + c.rowspan for c in items)
    cols = max(c.col + c.colspan for c in items)
    if rows > MAX_SPAN or cols > MAX_SPAN:
        raise ValueError(f"a table of {rows} rows and {cols} columns is too large")
    # One bit a column: a cell that spans 1000 x 1000 places costs no more than any other.
    ends = [0] * (rows + 1)  # the columns of cells that reach down to the row above
    taken = 0
    missing = []
    upcoming = iter((*items, None))
    cell = next(upcoming)
    for row in range(rows):
        taken &= ~ends[row]
        while cell is not None and cell.row == row:
            places = ((1 << cell.colspan) - 1) << cell.col
            if clash := taken & places:
                raise ValueError(f"two cells at row {row}, column {(clash & -clash).bit_length() - 1}")
            taken |= places
            ends[row + cell.rowspan] |= places
            cell = next(upcoming)
        if taken != (1 << cols) - 1:
            missing += [Cell(row, col) for col in range(cols) if not taken >> col & 1]
    return tuple(sorted((*items, *missing), key=lambda c: (c.row, c.col))) if missing else tuple(items)


@dataclass(frozen=True, slots=True)
class Block:
    """One element of a page.

    kind        one of ``KINDS``
    bbox        whole pixels of the page image; None only where a source gave no place
    runs        the text; for an image the text seen in it; empty for tables and lists
    level       heading: 1 to 6; list_item: depth from 1; else 0
    number      list_item of an ordered list: its number; None for a bullet
    cells       table or chart: a full rectangle of cells, in row order
    style       table: its style sheet as the model wrote it (the ``<style>`` before the table)
    items       list: its list_items, used only where the list has a box and not every item has one;
                otherwise the items stand in the page by themselves
    notation    formula, music_sheet, chemical_formula: what the text is written in
    confidence  0 to 1, how sure it is that the text is right, letter by letter (``docparse.confidence``); of a
                table or list the mean over the text of its parts; None where nobody knows
    agreement   0 to 1, how far the page's own text layer or OCR says the same (verify)
    origin      where the text comes from: ``text-layer``, ``ocr``, ``model``, ``user``; '' where unknown
    id          unique on its page, letters digits and ``_.:-``; given by the page if empty
    """

    kind: Kind
    bbox: BBox | None = None
    runs: tuple[Run, ...] = ()
    level: int = 0
    number: int | None = None
    cells: tuple[Cell, ...] = ()
    style: str = ""
    items: tuple[Block, ...] = ()
    notation: str = ""
    confidence: float | None = None
    agreement: float | None = None
    origin: str = ""
    id: str = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"unknown kind of block: {self.kind}")
        put = object.__setattr__
        if self.kind in VERBATIM:
            text = clean_verbatim("".join(run.text for run in self.runs))
            put(self, "runs", (Run(text),) if text else ())
        else:
            put(self, "runs", inline(self.runs))
        put(self, "bbox", _pixels(self.bbox))
        put(self, "cells", full_grid(self.cells))
        put(self, "confidence", _probability(self.confidence))
        put(self, "agreement", _probability(self.agreement))
        put(self, "level", self._checked_level())
        put(self, "style", _CONTROL.sub("", self.style).strip())
        put(self, "origin", _label(self.origin))
        if self.id and not _ID.fullmatch(self.id):
            raise ValueError(f"not an id: {self.id!r}")
        notations = NOTATIONS.get(self.kind, ("",))
        put(self, "notation", self.notation or notations[0])
        if self.notation not in notations:
            raise ValueError(f"a {self.kind} is not written in {self.notation!r}")
        self._check_parts()

    def _checked_level(self) -> int:
        if self.kind == "heading":
            return min(max(self.level, 1), 6)
        if self.kind == "list_item":
            return min(max(self.level, 1), 9)
        return 0

    def _check_parts(self) -> None:
        if self.cells and self.kind not in TABULAR:
            raise ValueError(f"a {self.kind} has no cells")
        if self.runs and self.kind in ("table", "list"):
            raise ValueError(f"the text of a {self.kind} is in its parts")
        if self.style and self.kind != "table":
            raise ValueError(f"a {self.kind} has no table style")
        if self.number is not None and self.kind != "list_item":
            raise ValueError(f"a {self.kind} has no number")
        if (self.items and self.kind != "list") or any(i.kind != "list_item" for i in self.items):
            raise ValueError("only a list has items, and its items are list_items")

    @property
    def text(self) -> str:
        """Plain text: cells of a row joined by tabs, rows and items by line breaks."""
        if self.kind == "table" or (self.cells and not self.runs):
            return "\n".join("\t".join(c.text.replace("\n", " ") for c in row) for row in self.rows())
        if self.kind == "list":
            return "\n".join(item.text for item in self.items)
        return "".join(run.text for run in self.runs)

    def rows(self) -> list[list[Cell]]:
        """The cells row by row; a cell that spans rows stands in its first."""
        rows: list[list[Cell]] = [[] for _ in range(self.num_rows)]
        for cell in self.cells:
            rows[cell.row].append(cell)
        return rows

    @property
    def num_rows(self) -> int:
        return max((c.row + c.rowspan for c in self.cells), default=0)

    @property
    def num_cols(self) -> int:
        return max((c.col + c.colspan for c in self.cells), default=0)


@dataclass(frozen=True, slots=True)
class Issue:
    """Something noticed about a page, its markup or its source; ``code`` is stable."""

    code: str
    message: str
    severity: Severity = "warning"
    block: str | None = None
    line: int | None = None
    column: int | None = None

    def __post_init__(self) -> None:
        if self.severity not in SEVERITIES:
            raise ValueError(f"unknown severity: {self.severity}")
        object.__setattr__(self, "message", clean(self.message).strip(" \n"))


@dataclass(frozen=True, slots=True)
class Verdict:
    """How far a page can be trusted.

    ok        nothing is wrong that docparse can see
    repaired  the markup had faults that were mended without loss
    partial   something of the page is missing or in doubt
    fallback  the chosen engine failed and another one read the page
    failed    nobody could read the page; it has no blocks that can be trusted
    """

    status: Status = "ok"
    issues: tuple[Issue, ...] = ()

    def __post_init__(self) -> None:
        if self.status not in STATUSES:
            raise ValueError(f"unknown status: {self.status}")


@dataclass(frozen=True, slots=True)
class Page:
    """One page. ``number`` is its place in the source, from 1. See ``geometry.PageSpace``."""

    number: int
    width: int
    height: int
    dpi: float = 72.0
    size_pt: tuple[float, float] = (0.0, 0.0)
    rotation: Rotation = 0
    blocks: tuple[Block, ...] = ()
    verdict: Verdict = Verdict()
    renderer: str = ""

    def __post_init__(self) -> None:
        if self.number < 1 or self.width < 1 or self.height < 1:
            raise ValueError(f"no such page: number {self.number}, {self.width} x {self.height} px")
        if self.rotation not in (0, 90, 180, 270):
            raise ValueError(f"rotation must be 0, 90, 180 or 270, not {self.rotation}")
        object.__setattr__(self, "renderer", _label(self.renderer))
        width, height = self.size_pt
        if not (math.isfinite(self.dpi) and self.dpi > 0 and math.isfinite(width) and math.isfinite(height)):
            raise ValueError(f"no such page: {self.dpi} dpi, {width} x {height} pt")
        if width <= 0 or height <= 0:
            shown = (self.width * 72 / self.dpi, self.height * 72 / self.dpi)
            object.__setattr__(self, "size_pt", shown[::-1] if self.rotation in (90, 270) else shown)
        object.__setattr__(self, "blocks", _with_ids(self.blocks, self.number))

    @property
    def space(self) -> PageSpace:
        return PageSpace(self.width, self.height, self.size_pt, self.rotation)

    def to_points(self, box: BBox) -> BBox:
        """Pixels -> PDF points of the unrotated page, origin top left."""
        return self.space.to_points(box)

    def to_relative(self, box: BBox) -> BBox:
        """Pixels -> 0..1000."""
        return self.space.to_relative(box)

    @property
    def text(self) -> str:
        """All text in reading order, furniture included, blocks apart by an empty line."""
        return "\n\n".join(text for block in self.blocks if (text := block.text))


def default_id(page: int, index: int) -> str:
    """The id of the block at place ``index`` (from 1) of ``page``, unless it has another."""
    return f"p{page}b{index}"


def _with_ids(blocks: Iterable[Block], page: int) -> tuple[Block, ...]:
    items = list(blocks)
    taken = {b.id for block in items for b in (block, *block.items) if b.id}
    if sum(1 for block in items for b in (block, *block.items) if b.id) != len(taken):
        raise ValueError(f"two blocks of page {page} have one id")

    def named(block: Block, wanted: str) -> Block:
        if not block.id:
            name, n = wanted, 2
            while name in taken:
                name, n = f"{wanted}-{n}", n + 1
            taken.add(name)
            block = dataclasses.replace(block, id=name)
        if any(not item.id for item in block.items):
            named_items = tuple(named(item, f"{wanted}.{i}") for i, item in enumerate(block.items, 1))
            block = dataclasses.replace(block, items=named_items)
        return block

    return tuple(named(block, default_id(page, i)) for i, block in enumerate(items, 1))


@dataclass(frozen=True, slots=True)
class Source:
    """Where a document comes from. ``pages`` counts the pages of the file, not those read."""

    name: str = ""
    sha256: str = ""
    bytes: int = 0
    media_type: str = ""
    pages: int = 0


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """Who read the document, and why that one.

    calibration  what makes its confidences probabilities; ``uncalibrated`` where they are as the engine says them
    """

    name: str = ""
    version: str = ""
    model: str = ""
    reason: str = ""
    calibration: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """A document: some or all pages of a source, in page order.

    ``corrections``: what people changed after it was read, in the order in which it was done; the pages have those
    that are applied, and ``corrections.as_read`` gives what was read. Markup has the pages as they are, without them.
    """

    pages: tuple[Page, ...] = ()
    source: Source = Source()
    engine: EngineInfo = EngineInfo()
    version: str = ""
    corrections: tuple[Correction, ...] = ()

    def __post_init__(self) -> None:
        numbers = [page.number for page in self.pages]
        if numbers != sorted(set(numbers)):
            raise ValueError("pages must be in order, each once")

    @property
    def status(self) -> Status:
        """The worst verdict of its pages; ``failed`` if it has none."""
        worst = max((STATUSES.index(p.verdict.status) for p in self.pages), default=len(STATUSES) - 1)
        return STATUSES[worst]

    @property
    def text(self) -> str:
        return "\n\n".join(text for page in self.pages if (text := page.text))

    def blocks(self) -> Iterator[tuple[Page, Block]]:
        """Every block with its page, in reading order."""
        for page in self.pages:
            for block in page.blocks:
                yield page, block
