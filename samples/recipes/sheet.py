"""What the made samples share: text on a page, text that flows through columns, saving without dates.

Points, origin top left, as PyMuPDF has it. Nothing here knows a document.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import pymupdf

Point = tuple[float, float]
BLACK = (0.0, 0.0, 0.0)
GREY = (0.45, 0.45, 0.45)

_FONTS: dict[str, pymupdf.Font] = {}


def font(name: str) -> pymupdf.Font:
    """A font that lies inside PyMuPDF: ``helv``, ``hebo``, ``tiro``, ``tiit``, ``cobo``, ``china-s``, ``symb``."""
    return _FONTS.setdefault(name, pymupdf.Font(name))


def write(
    page: pymupdf.Page,
    at: Point,
    text: str,
    *,
    size: float = 10,
    face: str = "helv",
    color: Sequence[float] = BLACK,
    align: str = "left",
) -> float:
    """One line of text with its base line at ``at``; the x where it ends."""
    x, y = at
    width = font(face).text_length(text, size)
    x -= {"left": 0, "center": width / 2, "right": width}[align]
    writer = pymupdf.TextWriter(page.rect, color=tuple(color))
    writer.append((x, y), text, font=font(face), fontsize=size)
    writer.write_text(page)
    return x + width


def lines(page: pymupdf.Page, at: Point, text: str, *, leading: float, **style: object) -> float:
    """Lines one below the other; the base line of the next one."""
    x, y = at
    for line in text.strip("\n").split("\n"):
        write(page, (x, y), line, **style)  # type: ignore[arg-type]
        y += leading
    return y


def rule(
    page: pymupdf.Page, x0: float, x1: float, y: float, width: float = 0.5, color: Sequence[float] = BLACK
) -> None:
    page.draw_line((x0, y), (x1, y), color=tuple(color), width=width)


class Columns:
    """Text that flows through columns and pages; what is drawn by hand gets its room kept free.

    ``boxes`` gives the columns of each page in order. ``keep`` returns ``(page index, rectangle)``.
    """

    def __init__(self, size: Point, boxes: Sequence[Sequence[pymupdf.Rect]], css: str) -> None:
        self._buffer = io.BytesIO()
        self._writer = pymupdf.DocumentWriter(self._buffer)
        self._media = pymupdf.Rect(0, 0, *size)
        self._boxes = [(number, pymupdf.Rect(box)) for number, page in enumerate(boxes) for box in page]
        self._css = css
        self._page = -1
        self._device = None
        self._turn()

    def _turn(self) -> None:
        if not self._boxes:
            raise ValueError("the text is longer than its pages")
        number, self._free = self._boxes.pop(0)
        if number != self._page:
            if self._device is not None:
                self._writer.end_page()
            self._device = self._writer.begin_page(self._media)
            self._page = number

    def text(self, html: str) -> None:
        if self._free.height < 24:  # room for no line: the story would lose what it places there
            self._turn()
        story = pymupdf.Story(html=html, user_css=self._css)
        more = True
        while more:
            more, filled = story.place(self._free)
            story.draw(self._device)
            self._free.y0 = filled[3]
            if more:
                self._turn()

    def keep(self, height: float) -> tuple[int, pymupdf.Rect]:
        if self._free.height < height:
            self._turn()
        room = pymupdf.Rect(self._free.x0, self._free.y0, self._free.x1, self._free.y0 + height)
        self._free.y0 += height
        return self._page, room

    def finish(self) -> pymupdf.Document:
        self._writer.end_page()
        self._writer.close()
        document = pymupdf.open("pdf", self._buffer.getvalue())
        for page in document:
            page.wrap_contents()  # the writer leaves its own axes behind
        return document


def save(document: pymupdf.Document, path: Path, title: str) -> None:
    """Without dates and random ids, so that the same program writes the same bytes."""
    document.set_metadata({"title": title, "producer": "samples/make.py"})
    document.subset_fonts()
    document.save(path, garbage=4, deflate=True, deflate_fonts=True, no_new_id=True, use_objstms=1)
    document.close()
