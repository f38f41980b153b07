"""Documents for the tests of user's schemas, drawn as PDFs and read as any other one is.

All people, companies and numbers in them are invented.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pymupdf

from docparse.convert import Options, open_for, page_numbers, read_source
from docparse.document import Document
from docparse.engines.choose import choose
from docparse.extract.page_text import DocumentText, document_text
from docparse.extract.result import Fields
from docparse.extract.schemas import load_schema
from docparse.extract.user.read import read_schema

SAMPLES = Path(__file__).parents[2] / "samples"


class Sheet:
    """A PDF that is drawn from the top down; points, A4, origin top left."""

    def __init__(self) -> None:
        self.file = pymupdf.open()
        self.page = self.file.new_page(width=595, height=842)
        self.y = 60.0

    def text(self, text: str, *, x: float = 60, size: float = 10, bold: bool = False, down: float = 16) -> Sheet:
        """A line, and ``down`` points to the next one."""
        self.page.insert_text((x, self.y), text, fontsize=size, fontname="hebo" if bold else "helv")
        self.y += down
        return self

    def across(self, *cells: tuple[float, str], bold: bool = False, down: float = 16, size: float = 10) -> Sheet:
        """Texts at their x on one line."""
        for x, text in cells:
            self.page.insert_text((x, self.y), text, fontsize=size, fontname="hebo" if bold else "helv")
        self.y += down
        return self

    def ruled(
        self, rows: Sequence[Sequence[str]], widths: Sequence[float], *, x: float = 60, height: float = 18
    ) -> Sheet:
        """A table with lines; the first row in bold."""
        top = self.y
        for number, row in enumerate(rows):
            left = x
            for text, width in zip(row, widths, strict=True):
                box = pymupdf.Rect(left, top, left + width, top + height)
                self.page.draw_rect(box, width=0.7)
                font = "hebo" if number == 0 else "helv"
                self.page.insert_text((left + 4, top + height - 6), text, fontsize=9, fontname=font)
                left += width
            top += height
        self.y = top + 20
        return self

    def box(self, x: float, *, ticked: bool, size: float = 9) -> Sheet:
        """A box to tick, drawn; a tick is a character of the font for such marks."""
        self.page.draw_rect(pymupdf.Rect(x, self.y - size + 1, x + size, self.y + 1), width=0.7)
        if ticked:
            self.page.insert_text((x + 0.5, self.y), "4", fontsize=size, fontname="zadb")
        return self

    def paragraph(self, text: str, *, height: float = 60, size: float = 10) -> Sheet:
        """Running text over the width of the page."""
        box = pymupdf.Rect(60, self.y, 535, self.y + height)
        left = self.page.insert_textbox(box, text, fontsize=size, fontname="helv")
        assert left >= 0, "the text does not fit into its box"
        self.y += height - left + 8
        return self

    def new_page(self) -> Sheet:
        self.page = self.file.new_page(width=595, height=842)
        self.y = 60.0
        return self

    def read(self) -> DocumentText:
        """The document as extraction gets it."""
        return read(self.file.tobytes(), "drawn.pdf")

    def fields(self, schema: Any) -> Fields:
        """What is found of a schema."""
        return read_schema(self.read(), load_schema(schema))


def read(file: bytes, name: str) -> DocumentText:
    """A file as extraction gets it, read without a model."""
    options = Options(engine="embedded")
    engine, _ = choose("embedded", model=options.model, remote=options.remote, page_seconds=60, cache=None)
    words: dict[int, Any] = {}
    with open_for(file, options, name=name) as source:
        numbers = page_numbers(source, options)
        pages = sorted(read_source(source, engine, numbers, seen=words.__setitem__), key=lambda p: p.number)
        return document_text(Document(tuple(pages), source.info), words)


def sample(name: str) -> DocumentText:
    """One of the repository's samples."""
    return read((SAMPLES / name).read_bytes(), name)


def schema(**properties: Any) -> dict[str, Any]:
    """An object schema; a property is a type, or a schema of its own."""
    return {
        "type": "object",
        "properties": {k: {"type": v} if isinstance(v, str) else v for k, v in properties.items()},
    }
