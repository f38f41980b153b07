"""Invoices that the tests draw, and the text of their pages as extraction gets it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pymupdf

from docparse.convert import Options, open_for, page_numbers, read_source
from docparse.document import Document
from docparse.engines.choose import choose
from docparse.extract.page_text import DocumentText, document_text

Cell = tuple[float, str]
"""Place and text: a place of 100 is the left edge, one of -100 the right edge, in points from the left."""
Line = tuple[float, Sequence[Cell]]
"""Baseline in points from the top, and what stands on it."""


def page(
    *lines: Line, size: float = 9, bold: Sequence[float] = (), rules: Sequence[tuple[float, float, float, float]] = ()
) -> Any:
    """Draws these lines; those with a baseline in ``bold`` are bold."""

    def draw(target: Any) -> None:
        for y, cells in lines:
            font = "hebo" if y in bold else "helv"
            for at, text in cells:
                x = at if at >= 0 else -at - pymupdf.get_text_length(text, font, size)
                target.insert_text((x, y), text, fontname=font, fontsize=size)
        for x1, y1, x2, y2 in rules:
            target.draw_line((x1, y1), (x2, y2))

    return draw


def table(top: float, places: Sequence[float], rows: Sequence[Sequence[str]], *, pitch: float = 14) -> list[Line]:
    """Rows of a table without lines; an empty text leaves its place free."""
    return [
        (top + i * pitch, [(at, text) for at, text in zip(places, row, strict=False) if text])
        for i, row in enumerate(rows)
    ]


def text_of(folder: Path, *pages: Any) -> DocumentText:
    """The pages, read by the embedded engine."""
    document = pymupdf.open()
    for draw in pages:
        draw(document.new_page(width=595, height=842))
    path = folder / "invoice.pdf"
    document.save(path)
    document.close()
    options = Options(engine="embedded")
    engine, _ = choose("embedded", model=options.model, remote=options.remote, page_seconds=60, cache=None)
    words: dict[int, Any] = {}
    with open_for(path, options) as source:
        numbers = page_numbers(source, options)
        read = sorted(read_source(source, engine, numbers, seen=words.__setitem__), key=lambda p: p.number)
        return document_text(Document(tuple(read), source.info), words)
