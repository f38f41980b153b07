"""Sheets that tests of labels, headers and parties read: strings set on A4 by hand, read as any PDF is.

All people, companies and numbers on them are invented.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from docparse.convert import Options, open_for, page_numbers, read_source
from docparse.document import Document, Page
from docparse.engines.choose import choose
from docparse.extract.page_text import DocumentText, PageText, document_text, page_text
from docparse.geometry import BBox
from docparse.textlayer import Word
from tests import making

A4 = (595.0, 842.0)
Item = tuple[float, float, str, float]
"""x and baseline y in points from the top left, the string, its size."""


def sheet(*pages: Iterable[Item]) -> DocumentText:
    """A document with one page for each list of items, read by the embedded engine."""
    return _read(tuple(tuple(page) for page in pages))


def line(x: float, y: float, string: str, size: float = 10) -> list[Item]:
    return [(x, y, string, size)]


def block(x: float, y: float, lines: str, size: float = 10, leading: float = 1.3) -> list[Item]:
    """Lines one under the other."""
    return [(x, y + i * size * leading, one.strip(), size) for i, one in enumerate(lines.strip().split("\n"))]


def pairs(x: float, value_x: float, y: float, rows: str, size: float = 10, leading: float = 1.5) -> list[Item]:
    """Lines of "label | value" in two columns."""
    return grid([x, value_x], y, rows, size, leading)


def grid(places: list[float], y: float, rows: str, size: float = 10, leading: float = 1.5) -> list[Item]:
    """Lines of "a | b | c" with a column for each."""
    return [
        (x, y + i * size * leading, one.strip(), size)
        for i, row in enumerate(rows.strip().split("\n"))
        for x, one in zip(places, row.split("|"), strict=False)
        if one.strip()
    ]


@cache
def _read(pages: tuple[tuple[Item, ...], ...]) -> DocumentText:
    def drawn(items: tuple[Item, ...]) -> making.Draw:
        def draw(page: Any) -> None:
            for x, y, string, size in items:
                wide = any(ord(c) >= 0x2000 for c in string)  # the other font has no euro sign
                page.insert_text((x, y), string, fontsize=size, fontname="china-s" if wide else "helv")

        return draw

    with TemporaryDirectory() as folder:
        path = Path(folder, "sheet.pdf")
        path.write_bytes(making.pdf(*(drawn(items) for items in pages), size=A4))
        options = Options(engine="embedded")
        engine, _ = choose("embedded", model=options.model, remote=options.remote, page_seconds=60, cache=None)
        words: dict[int, Any] = {}
        with open_for(path, options) as source:
            read = read_source(source, engine, page_numbers(source, options), seen=words.__setitem__)
            found = sorted(read, key=lambda page: page.number)
            return document_text(Document(tuple(found), source.info), words)


def seen(lines: Iterable[tuple[float, float, str]], *, confidence: float | None = 0.9) -> PageText:
    """A page as OCR reads it: x, y and text of each line, letters 20 px high and 10 wide."""
    words = []
    for x, y, string in lines:
        at = x
        for text in string.split(" "):
            words.append(Word(text, BBox(at, y, at + 10 * len(text), y + 20), confidence=confidence))
            at += 10 * len(text) + 6
    return page_text(Page(1, 1000, 1400, 144), words)
