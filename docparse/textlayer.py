"""What a PDF page itself says: words with their style, drawn shapes and placed pictures.

``build`` turns the plain lists that a reader gives (``Raw``, see ``mupdf_page``) into a ``TextLayer``
in pixels of the page image. What this file is not: layout. It groups nothing beyond the lines it is
given, which end at a large horizontal gap.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace
from typing import Any, Literal

from docparse.geometry import BBox

# MuPDF's span flags (font) and char flags (how the glyphs are painted).
_SUPERSCRIPT, _ITALIC, _MONO, _BOLD_FONT = 1, 2, 8, 16
_BOLD_PAINT, _FILLED, _STROKED, _CLIPPED = 8, 16, 32, 64

ASCENT, DESCENT = 0.75, 0.22
"""Height of ascenders above and depth of descenders below the baseline, in ems. Fonts lie about
both (PDF font descriptors are often copied), so boxes are made from the baseline and the size."""


@dataclass(frozen=True, slots=True)
class Style:
    """How a stretch of text is set. ``size`` in pixels of the page image; ``color`` 0xRRGGBB."""

    size: float
    font: str = ""
    bold: bool = False
    italic: bool = False
    mono: bool = False
    superscript: bool = False
    subscript: bool = False
    color: int = 0


@dataclass(frozen=True, slots=True)
class Word:
    """A word (no white space inside) and its box, in pixels. ``parts``: its text by style."""

    text: str
    box: BBox
    parts: tuple[tuple[str, Style], ...] = ()
    confidence: float | None = None

    @property
    def style(self) -> Style:
        return max(self.parts, key=lambda part: len(part[0]))[1] if self.parts else Style(self.box.height)


@dataclass(frozen=True, slots=True)
class Line:
    """Words on one baseline with no large gap between them.

    ``angle``: direction of reading in clockwise degrees, 0 for upright text (0, 90, 180, 270, or
    -1 for anything else). ``baseline``: y of the baseline in pixels (upright text only).
    ``visible`` is false for text painted invisibly, as OCR programs do under a scan.
    """

    words: tuple[Word, ...]
    box: BBox
    baseline: float
    angle: int = 0
    visible: bool = True

    @property
    def text(self) -> str:
        return " ".join(word.text for word in self.words)


ShapeKind = Literal["rule", "rect", "path"]


@dataclass(frozen=True, slots=True)
class Shape:
    """Something drawn.

    ``rule``: a straight horizontal or vertical line; ``box`` is its core line, of no thickness
    across. ``rect``: a rectangle, filled and/or stroked. ``path``: anything else, by its box.
    ``stroke`` and ``fill`` are 0xRRGGBB, None where not painted so.
    """

    kind: ShapeKind
    box: BBox
    stroke: int | None = None
    fill: int | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """A raster image as placed: its box on the page and its own size in pixels."""

    box: BBox
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class TextLayer:
    """Everything a PDF page says about itself, in pixels of the page image."""

    lines: tuple[Line, ...] = ()
    shapes: tuple[Shape, ...] = ()
    pictures: tuple[Picture, ...] = ()
    unmapped: int = 0
    """Characters without a Unicode meaning (no ToUnicode map, private use, replacement)."""
    ligatures: int = 0
    """Letters of ligatures that the layer lacked, restored by their widths (see ``ligatures``)."""

    def words(self, *, visible_only: bool = True) -> list[Word]:
        return [word for line in self.lines if line.visible or not visible_only for word in line.words]


Raw = dict[str, Any]
"""The JSON-able form, in points: ``lines`` [[box, direction, spans, words]], ``shapes`` [[kind, box,
stroke, fill]], ``pictures`` [[box, width, height]], ``ligatures``: how many were restored."""


def build(raw: Raw, scale: float) -> TextLayer:
    """``raw`` (points) as a ``TextLayer`` in pixels; ``scale`` is pixels per point."""
    counter = _Unmapped()
    lines = [made for item in raw["lines"] if (made := _line(item, scale, counter)) is not None]
    shapes = tuple(Shape(kind, _box(box, scale), stroke, fill) for kind, box, stroke, fill in raw["shapes"])
    pictures = tuple(Picture(_box(box, scale), int(w), int(h)) for box, w, h in raw["pictures"])
    return TextLayer(tuple(lines), shapes, pictures, counter.count, int(raw["ligatures"]))


class _Unmapped:
    """Counts characters that mean nothing, and drops them."""

    def __init__(self) -> None:
        self.count = 0

    def clean(self, text: str) -> str:
        if text.isascii() and text.isprintable():
            return text
        kept = []
        for char in unicodedata.normalize("NFC", text):
            category = unicodedata.category(char)
            if category in ("Co", "Cn", "Cs") or char == "\ufffd" or (category == "Cc" and not char.isspace()):
                self.count += 1
            if category not in ("Cc", "Cs") and char != "\ufffd":
                kept.append(_plain(char))
        return "".join(kept)


_WITHOUT_WIDTH = frozenset("\u200b\u2060\ufeff")


_DINGBATS = str.maketrans(
    {"3": "✓", "4": "✔", "5": "✕", "6": "✖", "7": "✗", "8": "✘", "l": "●", "n": "■", "o": "❏", "q": "❑"}
)
"""Signs of ZapfDingbats that forms tick with, by the letters they have in that font (its published
encoding, Adobe 2003, ``zapfdingbats.txt``); PDF writers leave the font without a map to Unicode."""


def _plain(char: str) -> str:
    """Ligatures and the shapes of Arabic letters as the letters they stand for."""
    if "\ufb00" <= char <= "\ufdff" or "\ufe70" <= char <= "\ufefc":
        return unicodedata.normalize("NFKC", char)
    return "" if char in _WITHOUT_WIDTH else char


def _box(values: list[float], scale: float) -> BBox:
    return BBox.of(*(float(v) * scale for v in values))


def _style(span: list[Any], scale: float) -> Style:
    _, size, flags, char_flags, font, color = span[:6]
    name = str(font).split("+", 1)[-1]
    heavy = any(mark in name.lower() for mark in ("bold", "black", "heavy", "semibold", "demi"))
    return Style(
        size=round(size * scale, 2),
        font=name,
        bold=heavy or bool(flags & _BOLD_FONT) or bool(char_flags & _BOLD_PAINT),
        italic=bool(flags & _ITALIC) or "italic" in name.lower() or "oblique" in name.lower(),
        mono=bool(flags & _MONO),
        superscript=bool(flags & _SUPERSCRIPT),
        color=int(color) & 0xFFFFFF,
    )


def painted(span: list[Any]) -> bool:
    """Whether a span of the raw form is seen: filled or stroked, and not with no opacity."""
    return bool(span[3] & (_FILLED | _STROKED)) and span[6] > 0


_Stretch = tuple[str, Style, tuple[float, float]]
"""Characters of one style and where their baseline begins."""


def _shifted(style: Style, at: tuple[float, float], main: _Stretch, slope: float) -> Style:
    """The style of a stretch by where it stands on the line; MuPDF knows of raised text, not of lowered."""
    _, usual, (x, y) = main
    if style.size >= 0.95 * usual.size:
        return style
    drop = at[1] - (y + slope * (at[0] - x))
    if drop > 0.05 * usual.size:
        return replace(style, subscript=True, superscript=False)
    return replace(style, superscript=True) if drop < -0.15 * usual.size else style


_SOFT_HYPHEN = "\u00ad"


def _show_hyphens(words: list[Word]) -> None:
    """Soft hyphens as the hyphens they are seen as. At the end of a line one says what it is for."""
    for i, word in enumerate(words):
        if _SOFT_HYPHEN in word.text:
            end = 1 if i == len(words) - 1 and word.text.endswith(_SOFT_HYPHEN) else 0
            parts = [(text.replace(_SOFT_HYPHEN, "-"), style) for text, style in word.parts]
            if end:
                parts[-1] = (parts[-1][0][:-1] + _SOFT_HYPHEN, parts[-1][1])
            words[i] = Word("".join(p[0] for p in parts), word.box, tuple(parts))


def _plain_line(
    words: list[Any], style: Style, at: tuple[float, float], visible: bool, scale: float, counter: _Unmapped
) -> Line | None:
    """A level line of one style, as nearly all are: the same as ``_line`` does, in a third of its time."""
    top, bottom = at[1] - ASCENT * style.size, at[1] + DESCENT * style.size
    signs = "Dingbats" in style.font
    made: list[Word] = []
    for text, (xa, _, xb, _) in words:
        cleaned = counter.clean(text)
        if signs and cleaned.isascii():
            cleaned = cleaned.translate(_DINGBATS)
        if cleaned:
            box = BBox(xa * scale, top, xb * scale, bottom) if xa <= xb else BBox(xb * scale, top, xa * scale, bottom)
            made.append(Word(cleaned, box, ((cleaned, style),)))
    if not made:
        return None
    _show_hyphens(made)
    box = BBox(min(w.box.x1 for w in made), top, max(w.box.x2 for w in made), bottom)
    return Line(tuple(made), box, at[1], 0, visible)


_ANGLES = {(1, 0): 0, (0, 1): 90, (-1, 0): 180, (0, -1): 270}


def _line(item: list[Any], scale: float, counter: _Unmapped) -> Line | None:
    _, direction, spans, words = item
    angle = _ANGLES.get((round(direction[0], 1), round(direction[1], 1)), -1)
    inked = [span for span in spans if span[0].strip()]
    if not inked:
        return None
    visible = any(painted(span) for span in inked)
    # Characters and their styles in reading order, without white space, to cut the words by style.
    stretches: list[_Stretch] = []
    for span in inked:
        letters = "".join(span[0].split())
        shown = letters if painted(span) or not visible else "\0" * len(letters)
        stretches.append((shown, _style(span, scale), (span[7] * scale, span[8] * scale)))
    if sum(len(s[0]) for s in stretches) != sum(len(text) for text, _ in words):
        stretches = [("".join(text for text, _ in words), *stretches[0][1:])]
    if len(stretches) == 1 and angle == 0 and direction[1] == 0 and "\0" not in stretches[0][0]:
        return _plain_line(words, *stretches[0][1:], visible, scale, counter)
    made: list[Word] = []
    which, inside = 0, 0
    main = max(stretches, key=lambda s: len(s[0]))
    slope = direction[1] / direction[0] if angle == 0 else 0.0  # a line that is not quite level
    if angle == 0 and len(stretches) > 1:
        stretches = [(letters, _shifted(style, at, main, slope), at) for letters, style, at in stretches]
    for text, wbox in words:
        parts: list[tuple[str, Style]] = []
        need, at = len(text), 0
        base = main[2]
        size = 0.0
        while need > 0 and which < len(stretches):
            take = min(need, len(stretches[which][0]) - inside)
            piece = text[at : at + take]
            if stretches[which][0][inside : inside + 1] != "\0":
                cleaned = counter.clean(piece)
                if "Dingbats" in stretches[which][1].font and cleaned.isascii():
                    cleaned = cleaned.translate(_DINGBATS)
                if cleaned:
                    parts.append((cleaned, stretches[which][1]))
                if stretches[which][1].size > size:
                    size, base = stretches[which][1].size, stretches[which][2]
            need, at, inside = need - take, at + take, inside + take
            if inside >= len(stretches[which][0]):
                which, inside = which + 1, 0
        if not parts:
            continue
        box = _box(wbox, scale)
        if angle == 0:
            # Keep the advance widths MuPDF measured, replace the font's own idea of its height.
            left, right = (base[1] + (x - base[0]) * slope for x in (box.x1, box.x2))
            top, bottom = min(left, right) - ASCENT * size, max(left, right) + DESCENT * size
            box = BBox.of(box.x1, top, box.x2, bottom)
        made.append(Word("".join(p[0] for p in parts), box, tuple(parts)))
    if not made:
        return None
    _show_hyphens(made)
    return Line(tuple(made), BBox.around(w.box for w in made), main[2][1], angle, visible)
