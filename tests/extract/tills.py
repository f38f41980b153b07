"""Receipts for the tests: written as text, placed character by character as a till prints them.

All shops, people and numbers in them are invented.
"""

from __future__ import annotations

import re

from docparse.document import Document, Page
from docparse.extract.page_text import DocumentText, document_text
from docparse.geometry import BBox
from docparse.textlayer import Word

CHAR = 10.0
"""Width of a character; a row is twice as high."""


def slip(text: str, *, confidence: float | None = 0.99) -> DocumentText:
    """A receipt of one page. A character of ``text`` is a place on it, a blank line is an empty row.

    A row that begins with ``^`` is printed twice as large.
    """
    words = []
    y = 20.0
    lines = text.strip("\n").split("\n")
    for line in lines:
        scale = 2.0 if line.startswith("^") else 1.0
        line = line[1:] if scale == 2.0 else line
        for match in re.finditer(r"\S+", line):
            box = BBox(match.start() * CHAR, y, match.end() * CHAR, y + 1.6 * CHAR * scale)
            words.append(Word(match.group(), box, (), confidence))
        y += 2 * CHAR * scale
    width = max(word.box.x2 for word in words) + 40
    return document_text(Document((Page(1, int(width), int(y + 40)),)), {1: words})
