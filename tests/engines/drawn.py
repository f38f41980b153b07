"""Lines, shapes and pages for the tests of the embedded engine, placed by hand so that a reader can see them.

Lines built here have no font: a character is half its size wide and a space a quarter, so that where
a line ends can be reckoned in one's head. Everything is in pixels, with body text of ``EM``. Pages
that need a true font come from pymupdf through ``elements``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from making import Draw, pdf, together
from PIL import Image

from docparse.engines.embedded.digital import read_digital
from docparse.engines.embedded.element import Element
from docparse.engines.embedded.profile import Profile, learn
from docparse.engines.embedded.rules import Rule, Rules
from docparse.engines.embedded.segments import Segment
from docparse.engines.embedded.tables.grid import Grid
from docparse.geometry import BBox
from docparse.raster import PageImage
from docparse.source import open_source
from docparse.textlayer import ASCENT, DESCENT, Line, Shape, ShapeKind, Style, TextLayer, Word

EM = 10.0
PAGE = BBox(0, 0, 600, 800)
BLACK = 0
WHITE = 0xFFFFFF
GREY = 0xCCCCCC
PROSE = "The committee met again in spring and agreed on what had been left open the year before"
"""Sixteen words and more: what nobody takes for an entry of a table."""


def word(text: str, x: float, y: float, size: float = EM, confidence: float | None = None, **style: Any) -> Word:
    """A word with its left edge at ``x`` and its baseline at ``y``."""
    box = BBox(x, y - ASCENT * size, x + 0.5 * size * len(text), y + DESCENT * size)
    return Word(text, box, ((text, Style(size, **style)),), confidence)


def segment(
    text: str, x: float, y: float, size: float = EM, *, confidence: float | None = None, **style: Any
) -> Segment:
    """A line of text from ``x``, its baseline at ``y``. ``style``: fields of ``Style``, such as ``bold``."""
    words = []
    for part in text.split(" "):
        if part:
            words.append(word(part, x, y, size, confidence, **style))
        x += 0.5 * size * len(part) + 0.25 * size
    return Segment(words, y)


def width(text: str, size: float = EM) -> float:
    """How wide ``segment`` makes a text."""
    return sum(0.25 if c == " " else 0.5 for c in text) * size


def flush(text: str, right: float, y: float, size: float = EM, **how: Any) -> Segment:
    """A line of text that ends at ``right``."""
    return segment(text, right - width(text, size), y, size, **how)


def centred(text: str, middle: float, y: float, size: float = EM, **how: Any) -> Segment:
    return segment(text, middle - width(text, size) / 2, y, size, **how)


def row(y: float, *cells: tuple[float, str], **how: Any) -> list[Segment]:
    """Texts on one baseline, each as (left edge, text)."""
    return [segment(text, x, y, **how) for x, text in cells]


def rows(y: float, xs: Sequence[float], *texts: Sequence[str], pitch: float = 14, **how: Any) -> list[Segment]:
    """Rows of texts in columns at ``xs``; an empty text is a place left blank."""
    return [
        segment(text, x, y + i * pitch, **how)
        for i, cells in enumerate(texts)
        for x, text in zip(xs, cells, strict=True)
        if text
    ]


def lines(x: float, y: float, *texts: str, pitch: float = 12, **how: Any) -> list[Segment]:
    """Texts one below the other."""
    return [segment(text, x, y + i * pitch, **how) for i, text in enumerate(texts)]


def prose(x: float, y: float, count: int, wide: float = 200, *, pitch: float = 12, **how: Any) -> list[Segment]:
    """``count`` lines of running text, each about ``wide`` wide."""
    words = PROSE.split()
    made = []
    at = 0
    for i in range(count):
        text = words[at % len(words)]
        while width(f"{text} {words[(at + 1) % len(words)]}", how.get("size", EM)) <= wide:
            at += 1
            text += " " + words[at % len(words)]
        at += 1
        made.append(segment(text, x, y + i * pitch, **how))
    return made


def line_of(found: Segment, *, angle: int = 0, visible: bool = True) -> Line:
    """A segment as a line of a text layer."""
    return Line(tuple(found.words), found.box, found.baseline, angle, visible)


# Shapes and rules


def shape(
    kind: ShapeKind, box: tuple[float, float, float, float], stroke: int | None = None, fill: int | None = None
) -> Shape:
    return Shape(kind, BBox.of(*box), stroke, fill)


def framed(*box: float) -> Shape:
    """A rectangle with an outline and nothing in it."""
    return Shape("rect", BBox.of(*box), BLACK, None)


def shaded(*box: float, fill: int = GREY) -> Shape:
    """A filled rectangle without an outline."""
    return Shape("rect", BBox.of(*box), None, fill)


def curve(*box: float) -> Shape:
    """A curved or slanted line through this box."""
    return Shape("path", BBox.of(*box), BLACK, None)


def across(x1: float, x2: float, *ys: float, soft: bool = False) -> Rules:
    return Rules(tuple(Rule(y, x1, x2, soft) for y in ys))


def lattice(xs: Sequence[float], ys: Sequence[float]) -> Rules:
    """The rules of a table all of whose borders are drawn."""
    return Rules(
        tuple(Rule(y, xs[0], xs[-1]) for y in ys),
        tuple(Rule(x, ys[0], ys[-1]) for x in xs),
    )


# What was found


def said(found: Iterable[Segment]) -> list[str]:
    return [s.text for s in found]


def cells(grid: Grid) -> list[list[str]]:
    """Rows of texts; a place that a span covers says so by its direction: ``<`` or ``^``."""
    done = [[""] * grid.cols for _ in range(grid.rows)]
    for cell in grid.cells:
        for r in range(cell.row, cell.row + cell.rowspan):
            for c in range(cell.col, cell.col + cell.colspan):
                done[r][c] = "<" if c > cell.col else "^"
        done[cell.row][cell.col] = " ".join(chunk.text for chunk in cell.chunks)
    return done


def heads(grid: Grid) -> int:
    """How many rows are headings."""
    return len({cell.row for cell in grid.cells if cell.header})


def kinds(found: Iterable[Element]) -> list[tuple[str, str]]:
    return [(element.kind, element.text) for element in found]


# Pages with true fonts


def layer_of(data: bytes, number: int = 1) -> TextLayer:
    with open_source(data, renderer="pymupdf") as source:
        layer = source.page(number).text
    assert layer is not None
    return layer


def elements(*draws: Draw, number: int = 1, size: tuple[float, float] = (400, 600), rotation: int = 0) -> list[Element]:
    """The elements of one page of a PDF with these pages, in reading order and upright pixels (144 dpi)."""
    with open_source(pdf(*draws, size=size, rotation=rotation), renderer="pymupdf", dpi=144) as source:
        page = source.page(number)
        assert page.text is not None
        return read_digital(page.text, page.width, page.height, profile_of(page)).elements


def profile_of(page: PageImage) -> Profile:
    return learn(page.reader.num_pages, page.reader.describe)


def text_page(*draws: Draw, size: tuple[float, float] = (400, 600), dpi: int = 150) -> Image.Image:
    """A page as a picture of its own: a perfect scan."""
    with open_source(pdf(together(*draws), size=size), renderer="pymupdf", dpi=dpi) as source:
        return source.page(1).pixels()
