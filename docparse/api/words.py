"""Words of a page as JSON, with their styles, and back.

A page has hundreds of words in a handful of styles: each style is written once, and most words are of one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple
from typing import Any

from docparse.geometry import BBox
from docparse.textlayer import Style, Word


def pack(words: Iterable[Word]) -> dict[str, Any]:
    styles: dict[Style, int] = {}
    packed = []
    for word in words:
        parts: Any = [[text, styles.setdefault(style, len(styles))] for text, style in word.parts]
        if len(parts) == 1 and parts[0][0] == word.text:
            (_, parts) = parts[0]
        packed.append([word.text, *word.box.as_tuple(), word.confidence, parts])
    return {"styles": [astuple(style) for style in styles], "words": packed}


def unpack(packed: Any) -> tuple[Word, ...]:
    """Raises ``ValueError`` or ``TypeError`` for what is none."""
    try:
        styles = [Style(*style) for style in packed["styles"]]
        return tuple(_word(styles, *word) for word in packed["words"])
    except LookupError as error:
        raise ValueError(f"these are no words: {error!r}") from error


def _word(styles: list[Style], text: str, x1: float, y1: float, x2: float, y2: float, sure: Any, parts: Any) -> Word:
    if isinstance(parts, int):
        parts = [(text, parts)]
    return Word(text, BBox(x1, y1, x2, y2), tuple((part, styles[style]) for part, style in parts), sure)
