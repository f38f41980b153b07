"""Words of a page as JSON, with their styles, and back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from docparse.geometry import BBox
from docparse.textlayer import Style, Word


def pack(words: Iterable[Word]) -> list[list[Any]]:
    return [
        [word.text, list(word.box.as_tuple()), [_style(*part) for part in word.parts], word.confidence]
        for word in words
    ]


def unpack(packed: Any) -> tuple[Word, ...]:
    """Raises ``ValueError`` or ``TypeError`` for what is none."""
    return tuple(_word(*word) for word in packed)


def _style(text: str, style: Style) -> list[Any]:
    flags = [style.bold, style.italic, style.mono, style.superscript, style.subscript]
    return [text, style.size, style.font, [int(flag) for flag in flags], style.color]


def _word(text: Any, box: Any, parts: Any, confidence: Any) -> Word:
    x1, y1, x2, y2 = box
    styles = tuple((str(part), _read_style(size, font, flags, color)) for part, size, font, flags, color in parts)
    sure = None if confidence is None else float(confidence)
    return Word(str(text), BBox(float(x1), float(y1), float(x2), float(y2)), styles, sure)


def _read_style(size: Any, font: Any, flags: Any, color: Any) -> Style:
    bold, italic, mono, superscript, subscript = (bool(flag) for flag in flags)
    return Style(float(size), str(font), bold, italic, mono, superscript, subscript, int(color))
